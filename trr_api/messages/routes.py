"""/dms and /dm-groups: conversations of two people or a group. What the caller is no member of is not there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from trr_api import routing
from trr_api.answers import personal, personal_page, written
from trr_api.catalog.places import Id, id_of
from trr_api.catalog.schemas import Page
from trr_api.deps import Paging, Session, Somebody
from trr_api.markdown import render
from trr_api.messages import queries
from trr_api.messages.schemas import (
    Conversation,
    ConversationDetails,
    GroupTitle,
    Membership,
    Message,
    Messages,
    MessagesParameters,
    Mute,
    NewConversation,
    NewGroup,
    NewMessage,
    NewText,
    ReadReceipt,
    ReadTo,
)
from trr_api.paging import PageParameters, address
from trr_api.parameters import Parameters
from trr_api.problems import Problem, invalid
from trr_api.session import banned
from trr_api.social import NewReport, Reaction, Written
from trr_api.tables import LARGEST_GROUP

router = routing.router("/dms", "messages", max_body_size=routing.LARGEST_BODY)
groups = routing.router("/dm-groups", "messages", max_body_size=routing.LARGEST_BODY)

ConversationId = Annotated[Id, id_of("conversation")]
UserId = Annotated[Id, id_of("user")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the message.", examples=[42])]
Nothing = Annotated[Parameters, Query()]


def _blocked() -> Problem:
    return Problem("conflict", "You have blocked this person. Take that back to write to them.")


def _nobody() -> Problem:
    # Of an id that nobody has, and of somebody who does not wish it: the same.
    return Problem("not-found", "There is nobody by this id to whom you may write.")


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands against doing something; the columns of `queries.why_not`."""

    has_conversation: bool
    is_group: bool
    is_owner: bool
    is_full: bool
    has_message: bool
    is_my_message: bool
    is_banned: bool
    has_blocked: bool

    def problem(self, *, of_message: bool = False, of_mine: bool = False, of_group: bool = False) -> Problem:
        """The first of them as the caller is told it. What they may not see is not there."""
        if not self.has_conversation:
            return Problem("not-found", "There is no such conversation.")
        if of_message and not self.has_message:
            return Problem("not-found", "There is no such message.")
        if of_group and not self.is_group:
            return Problem("conflict", "A conversation of two has no title and no other members. Mute it, or block.")
        if self.is_banned:
            return banned()
        if of_group and not self.is_owner:
            return Problem("forbidden", "This is for the owners of the group.")
        if of_mine and not self.is_my_message:
            return Problem("forbidden", "This is for the sender of the message.")
        if of_group and self.is_full:
            return Problem("conflict", f"The group has {LARGEST_GROUP} members already, which is the most.")
        if of_message and not (of_mine and self.has_blocked):
            return Problem("conflict", "The message was redacted or removed.")
        return _blocked()


async def _why_not(session: Session, conversation: UUID, number: int | None = None) -> Obstacles:
    [row] = await session.fetch(queries.why_not(conversation, number))
    return Obstacles(*row)


async def _may_not_begin(session: Session, other: UUID | None) -> Problem:
    [(is_banned, has_blocked)] = await session.fetch(queries.may_not_begin(other))
    return banned() if is_banned else _blocked() if has_blocked else _nobody()


@router.post(
    "",
    status_code=201,
    response_model=Written,
    responses={200: {"model": Written, "description": "The one that there is."}},
    summary="Write to somebody",
)
async def open_conversation(session: Session, caller: Somebody, wanted: NewConversation) -> Response:
    """The conversation of the two: a new one (201), or the one that there is (200)."""
    if wanted.other_user_id == caller.user_id:
        raise invalid("other_user_id", "it is your own", where="body", kind="invalid-body")
    rows = await session.fetch(queries.open_conversation(wanted.other_user_id))
    if not rows:
        raise await _may_not_begin(session, wanted.other_user_id)
    [(conversation, is_new)] = rows
    return written(conversation, 201 if is_new else 200)


@groups.post("", status_code=201, response_model=Written, summary="Found a group")
async def open_group(session: Session, caller: Somebody, wanted: NewGroup) -> Response:
    """All of these people or none: those must be people to whom the caller may write."""
    if caller.user_id in wanted.member_ids:
        raise invalid("member_ids", "you are in it anyway", where="body", kind="invalid-body")
    [(conversation,)] = await session.fetch(queries.open_group(wanted.title, wanted.member_ids))
    if conversation is None:
        raise await _may_not_begin(session, None)
    return written(conversation)


@router.get("", response_model=Page[Conversation], summary="My conversations")
async def list_conversations(
    request: Request, session: Session, _: Somebody, cursors: Paging, asked: Annotated[PageParameters, Query()]
) -> Response:
    """The one with the newest message first."""
    rows = await session.fetch(queries.conversations(asked.limit, cursors.after("dms", asked.cursor)))
    return personal_page(request, rows[0], cursors, "dms")


@router.get("/{conversation}", response_model=ConversationDetails, summary="A conversation")
async def get_conversation(session: Session, _: Somebody, conversation: ConversationId, __: Nothing) -> Response:
    """With its members, and up to where each has read."""
    rows = await session.fetch(queries.conversation(conversation))
    if not rows:
        raise Problem("not-found", "There is no such conversation.")
    return personal(rows[0][0])


@router.patch("/{conversation}", status_code=204, summary="Change a group's title")
async def rename_group(session: Session, _: Somebody, conversation: ConversationId, wanted: GroupTitle) -> Response:
    """By an owner."""
    if not await session.fetch(queries.rename(conversation, wanted.title)):
        raise (await _why_not(session, conversation)).problem(of_group=True)
    return Response(status_code=204)


@router.put("/{conversation}/members/{user}", status_code=204, summary="Add somebody to a group, or give them a role")
async def set_member(
    session: Session, _: Somebody, conversation: ConversationId, user: UserId, wanted: Membership
) -> Response:
    """By an owner. Who is added sees what is written from then on."""
    [(is_done,)] = await session.fetch(queries.set_member(conversation, user, wanted.role))
    if not is_done:
        found = await _why_not(session, conversation)
        may_add = found.is_owner and not found.is_banned and not found.is_full
        raise _nobody() if may_add else found.problem(of_group=True)
    return Response(status_code=204)


@router.delete("/{conversation}/members/{user}", status_code=204, summary="Leave a group, or remove somebody")
async def remove_member(session: Session, _: Somebody, conversation: ConversationId, user: UserId) -> Response:
    """Oneself, or as an owner anybody. Where no owner is left, who is there longest becomes one."""
    [(is_done,)] = await session.fetch(queries.remove_member(conversation, user))
    if not is_done:
        found = await _why_not(session, conversation)
        if found.is_owner and found.is_group:
            raise Problem("not-found", "There is no such member of the group.")
        raise found.problem(of_group=True)
    return Response(status_code=204)


@router.put("/{conversation}/mute", status_code=204, summary="Mute a conversation")
async def mute(session: Session, _: Somebody, conversation: ConversationId, wanted: Mute) -> Response:
    """For the caller alone; what comes is counted apart."""
    if wanted.until is not None and wanted.until <= datetime.now(UTC):
        raise invalid("until", "it must be in the future", where="body", kind="invalid-body")
    if not await session.fetch(queries.mute(conversation, wanted.until)):
        raise Problem("not-found", "There is no such conversation.")
    return Response(status_code=204)


@router.delete("/{conversation}/mute", status_code=204, summary="Unmute a conversation")
async def unmute(session: Session, _: Somebody, conversation: ConversationId) -> Response:
    """Whether it was muted or not."""
    if not await session.fetch(queries.unmute(conversation)):
        raise Problem("not-found", "There is no such conversation.")
    return Response(status_code=204)


@router.post("/{conversation}/read", response_model=ReadReceipt, summary="Say how far I have read")
async def read(session: Session, _: Somebody, conversation: ConversationId, seen: ReadTo) -> Response:
    """Forward only: what was read stays read. The others see it."""
    [(receipt,)] = await session.fetch(queries.read(conversation, seen.number))
    if receipt is None:
        found = await _why_not(session, conversation)
        if found.has_conversation:
            raise Problem("conflict", f"The conversation has no message {seen.number} yet.")
        raise found.problem()
    return personal(receipt)


@router.get("/{conversation}/messages", response_model=Messages, summary="Messages of a conversation")
async def list_messages(
    request: Request,
    session: Session,
    _: Somebody,
    conversation: ConversationId,
    asked: Annotated[MessagesParameters, Query()],
) -> Response:
    """The newest, or those beside a number; newest first either way."""
    rows = await session.fetch(queries.messages(conversation, asked))
    if not rows:
        raise Problem("not-found", "There is no such conversation.")
    data, has_more, lowest, highest = rows[0]
    if asked.after is not None:
        before = (lowest or asked.after + 1) if asked.after else None
        after = highest or asked.after
    else:
        before = lowest if has_more else None
        after = highest or (asked.before or 1) - 1
    answer = personal(b'{"data":%b,"before":%b,"after":%d}' % (data, json.dumps(before).encode(), after))
    older = f'<{address(request, before=before, after=None)}>; rel="next", ' if before is not None else ""
    answer.headers["link"] = f'{older}<{address(request, before=None, after=after)}>; rel="prev"'
    return answer


@router.post(
    "/{conversation}/messages",
    status_code=201,
    response_model=Message,
    responses={200: {"model": Message, "description": "Sent before."}},
    summary="Send a message",
)
async def send_message(session: Session, _: Somebody, conversation: ConversationId, wanted: NewMessage) -> Response:
    """One that was sent before by the same `client_message_id` is answered as it is (200)."""
    name = wanted.client_message_id
    rows = await session.fetch(queries.send(conversation, name, wanted.body, render(wanted.body)))
    if rows:
        return personal(rows[0][0], 201)
    if name is not None and (rows := await session.fetch(queries.sent(conversation, name))):
        return personal(rows[0][0])
    raise (await _why_not(session, conversation)).problem()


@router.get("/{conversation}/messages/{number}", response_model=Message, summary="A message")
async def get_message(
    session: Session, _: Somebody, conversation: ConversationId, number: Number, __: Nothing
) -> Response:
    """By its number."""
    rows = await session.fetch(queries.message(conversation, number))
    if not rows:
        raise (await _why_not(session, conversation, number)).problem(of_message=True)
    return personal(rows[0][0])


@router.patch("/{conversation}/messages/{number}", status_code=204, summary="Rewrite a message")
async def rewrite_message(
    session: Session, _: Somebody, conversation: ConversationId, number: Number, wanted: NewText
) -> Response:
    """By its sender. What it was before is not kept."""
    if not await session.fetch(queries.rewrite(conversation, number, wanted.body, render(wanted.body))):
        raise (await _why_not(session, conversation, number)).problem(of_message=True, of_mine=True)
    return Response(status_code=204)


@router.delete("/{conversation}/messages/{number}", status_code=204, summary="Redact a message")
async def redact_message(session: Session, _: Somebody, conversation: ConversationId, number: Number) -> Response:
    """By its sender, or by an owner of the group. The text is gone for everybody; its place is kept."""
    [(is_done,)] = await session.fetch(queries.redact(conversation, number))
    if not is_done:
        raise (await _why_not(session, conversation, number)).problem(of_message=True, of_mine=True)
    return Response(status_code=204)


@router.put("/{conversation}/messages/{number}/reactions/{reaction}", status_code=204, summary="React to a message")
async def react_to_message(
    session: Session, _: Somebody, conversation: ConversationId, number: Number, reaction: Reaction
) -> Response:
    """However often: it counts once. An upvote takes the place of a downvote, and the other way round."""
    return await _react(session, conversation, number, reaction, wanted=True)


@router.delete("/{conversation}/messages/{number}/reactions/{reaction}", status_code=204, summary="Take one back")
async def take_message_reaction_back(
    session: Session, _: Somebody, conversation: ConversationId, number: Number, reaction: Reaction
) -> Response:
    """Whether it was there or not."""
    return await _react(session, conversation, number, reaction, wanted=False)


async def _react(session: Session, conversation: UUID, number: int, reaction: str, *, wanted: bool) -> Response:
    if not await session.fetch(queries.react(conversation, number, reaction, wanted=wanted)):
        raise (await _why_not(session, conversation, number)).problem(of_message=True)
    return Response(status_code=204)


@router.post("/{conversation}/messages/{number}/reports", status_code=204, summary="Report a message to the moderators")
async def report_message(
    session: Session, _: Somebody, conversation: ConversationId, number: Number, wanted: NewReport
) -> Response:
    """Once; a second one changes nothing. They see the message and up to five before it, and no more."""
    if not await session.fetch(queries.report(conversation, number, wanted.reason)):
        raise (await _why_not(session, conversation, number)).problem(of_message=True)
    return Response(status_code=204)

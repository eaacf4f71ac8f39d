"""Threads about shows, seasons and episodes, their posts, and reactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response

from trr_api import routing
from trr_api.answers import personal, personal_page, written
from trr_api.catalog.places import Id, Key, ShowKey, id_of, led_on
from trr_api.catalog.queries import elsewhere
from trr_api.catalog.schemas import Page
from trr_api.database import Row
from trr_api.deps import Paging, Session, Somebody
from trr_api.discussions import queries
from trr_api.discussions.atom import atom
from trr_api.discussions.schemas import (
    Branch,
    Edit,
    EditsParameters,
    NewBody,
    NewPost,
    NewThread,
    Post,
    PostsParameters,
    SearchParameters,
    SpoilersParameters,
    Thread,
    ThreadsParameters,
    Title,
)
from trr_api.markdown import render
from trr_api.problems import Problem, invalid
from trr_api.session import banned
from trr_api.social import NewReport, Reaction, Written
from trr_api.tables import DEEPEST_POST

FEED_LENGTH: Final = 50

router = routing.router("", "discussions", max_body_size=routing.LARGEST_BODY)

ThreadId = Annotated[Id, id_of("thread")]
PostId = Annotated[Id, id_of("post")]
SeasonId = Annotated[Id, id_of("season")]
EpisodeId = Annotated[Id, id_of("episode")]


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands against writing; the columns of `queries.why_not`."""

    has_thread: bool
    is_closed: bool
    opens_at: datetime | None
    has_post: bool
    is_gone: bool
    is_banned: bool
    is_my_post: bool
    is_my_thread: bool

    def problem(self, *, of_post: bool = False, of_mine: bool = False) -> Problem:
        """The first of them as the caller is told it. What they may not see, or is another's, is not there."""
        if not self.has_thread:
            return Problem("not-found", f"There is no such {'post' if of_post else 'thread'}.")
        if of_post and (not self.has_post or (of_mine and not self.is_my_post)):
            return Problem("not-found", "There is no such post of yours." if of_mine else "There is no such post.")
        if not of_post and of_mine and not self.is_my_thread:
            return Problem("not-found", "There is no such thread of yours.")
        if self.is_banned:
            return banned()
        if self.is_closed:
            return Problem("conflict", "The thread is locked.")
        if self.opens_at is not None:
            return Problem("conflict", f"The thread opens at {self.opens_at:%Y-%m-%dT%H:%M:%SZ}.")
        if self.is_gone:
            return Problem("conflict", "The post was deleted.")
        return Problem("conflict", "The post is too deep to be answered, or the episode is one of another show.")


async def _why_not(session: Session, thread: UUID | None, post: UUID | None) -> Obstacles:
    [row] = await session.fetch(queries.why_not(thread, post))
    return Obstacles(*row)


async def _no_thread(session: Session, thread: UUID) -> Problem:
    """Why a thread is not shown."""
    return _spoils("thread", await session.fetch(queries.thread(thread, spoilers=True)))


async def _no_post(session: Session, post: UUID) -> Problem:
    """Why a post is not shown."""
    return _spoils("post", await session.fetch(queries.post(post, spoilers=True)))


def _spoils(what: str, rows: list[Row]) -> Problem:
    """There is none such, or it is about something that the caller has not seen."""
    if not rows:
        return Problem("not-found", f"There is no such {what}.")
    return Problem("forbidden", f"The {what} is about what you have not seen yet: ask with spoilers=true.")


async def _threads_about(
    kind: str, subject: Key, request: Request, session: Session, cursors: Paging, asked: ThreadsParameters
) -> Response:
    scope = f"threads {kind}"
    rows = await session.fetch(queries.threads(kind, subject, asked, cursors.after(scope, asked.cursor)))
    if not rows:
        return led_on(request, kind, subject, await session.fetch(elsewhere(kind, subject)))
    return personal_page(request, rows[0], cursors, scope)


async def _begin_thread(kind: str, subject: Key, request: Request, session: Session, wanted: NewThread) -> Response:
    if kind != "episode" and wanted.type in {"episode_live", "post_episode"}:
        raise invalid("type", "only an episode has such a thread", where="body", kind="invalid-body")
    rows = await session.fetch(queries.new_thread(kind, subject, wanted.type, wanted.title))
    if rows:
        return written(rows[0][0])
    if (await _why_not(session, None, None)).is_banned:
        raise banned()
    return led_on(request, kind, subject, await session.fetch(elsewhere(kind, subject)))


@router.get("/shows/{show}/threads", response_model=Page[Thread], summary="Threads about a show")
async def list_show_threads(
    request: Request, session: Session, cursors: Paging, show: ShowKey, asked: Annotated[ThreadsParameters, Query()]
) -> Response:
    """Those about its seasons and episodes too; sticky ones first, then those in which somebody wrote last."""
    return await _threads_about("show", show, request, session, cursors, asked)


@router.post("/shows/{show}/threads", status_code=201, response_model=Written, summary="Begin a thread about a show")
async def begin_show_thread(
    request: Request, session: Session, _: Somebody, show: ShowKey, wanted: NewThread
) -> Response:
    """In the caller's name."""
    return await _begin_thread("show", show, request, session, wanted)


@router.get("/seasons/{season}/threads", response_model=Page[Thread], summary="Threads about a season")
async def list_season_threads(
    request: Request, session: Session, cursors: Paging, season: SeasonId, asked: Annotated[ThreadsParameters, Query()]
) -> Response:
    """Those about the season as a whole."""
    return await _threads_about("season", season, request, session, cursors, asked)


@router.post("/seasons/{season}/threads", status_code=201, response_model=Written, summary="Begin one about a season")
async def begin_season_thread(
    request: Request, session: Session, _: Somebody, season: SeasonId, wanted: NewThread
) -> Response:
    """In the caller's name."""
    return await _begin_thread("season", season, request, session, wanted)


@router.get("/episodes/{episode}/threads", response_model=Page[Thread], summary="Threads about an episode")
async def list_episode_threads(
    request: Request, session: Session, cursors: Paging, episode: EpisodeId,
    asked: Annotated[ThreadsParameters, Query()],
) -> Response:  # fmt: skip
    """None, where the caller has not come so far in the show: see `spoilers`."""
    return await _threads_about("episode", episode, request, session, cursors, asked)


@router.post("/episodes/{episode}/threads", status_code=201, response_model=Written, summary="Begin one of an episode")
async def begin_episode_thread(
    request: Request, session: Session, _: Somebody, episode: EpisodeId, wanted: NewThread
) -> Response:
    """In the caller's name. Threads while and after it is on air open on its day."""
    return await _begin_thread("episode", episode, request, session, wanted)


@router.get("/threads/{thread}", response_model=Thread, summary="A thread")
async def get_thread(session: Session, thread: ThreadId, asked: Annotated[SpoilersParameters, Query()]) -> Response:
    """Without its posts."""
    rows = await session.fetch(queries.thread(thread, spoilers=asked.spoilers))
    if not rows:
        raise await _no_thread(session, thread)
    return personal(rows[0][0])


@router.patch("/threads/{thread}", status_code=204, summary="Change a thread's title")
async def rename_thread(session: Session, _: Somebody, thread: ThreadId, wanted: Title) -> Response:
    """By its author."""
    if not await session.fetch(queries.rename_thread(thread, wanted.title)):
        raise (await _why_not(session, thread, None)).problem(of_mine=True)
    return Response(status_code=204)


@router.get("/threads/{thread}/posts", response_model=Page[Branch], summary="Posts of a thread")
async def list_posts(
    request: Request, session: Session, cursors: Paging, thread: ThreadId, asked: Annotated[PostsParameters, Query()]
) -> Response:
    """A page of one level, each post with the upper part of its branch; `parent` goes deeper."""
    scope = f"posts {thread} {asked.parent} {asked.sort}"
    rows = await session.fetch(queries.posts(thread, asked, cursors.after(scope, asked.cursor)))
    if not rows:
        raise await _no_thread(session, thread)
    return personal_page(request, rows[0], cursors, scope)


@router.post("/threads/{thread}/posts", status_code=201, response_model=Written, summary="Write a post")
async def write_post(session: Session, _: Somebody, thread: ThreadId, wanted: NewPost) -> Response:
    """Whom it answers, and whom it mentions (`@name`), is notified."""
    rows = await session.fetch(queries.new_post(thread, wanted, render(wanted.body), DEEPEST_POST))
    if not rows:
        found = await _why_not(session, thread, wanted.parent_id)
        raise found.problem(of_post=wanted.parent_id is not None)
    return written(rows[0][0])


@router.get("/threads/{thread}/feed", summary="A thread as an Atom feed", response_class=Response)
async def get_feed(
    request: Request, session: Session, thread: ThreadId, asked: Annotated[SpoilersParameters, Query()]
) -> Response:
    """Its newest posts."""
    rows = await session.fetch(queries.feed(thread, FEED_LENGTH, spoilers=asked.spoilers))
    if not rows:
        raise await _no_thread(session, thread)
    return Response(atom(str(request.url), thread, rows), media_type="application/atom+xml")


@router.get("/posts", response_model=Page[Post], summary="Posts that have these words")
async def search_posts(
    request: Request, session: Session, cursors: Paging, asked: Annotated[SearchParameters, Query()]
) -> Response:
    """Newest first."""
    rows = await session.fetch(queries.search(asked, cursors.after("found", asked.cursor)))
    return personal_page(request, rows[0], cursors, "found")


@router.get("/posts/{post}", response_model=Post, summary="A post")
async def get_post(session: Session, post: PostId, asked: Annotated[SpoilersParameters, Query()]) -> Response:
    """Without its answers."""
    rows = await session.fetch(queries.post(post, spoilers=asked.spoilers))
    if not rows:
        raise await _no_post(session, post)
    return personal(rows[0][0])


@router.patch("/posts/{post}", status_code=204, summary="Rewrite a post")
async def rewrite_post(session: Session, _: Somebody, post: PostId, wanted: NewBody) -> Response:
    """By its author; what it was before can be read on."""
    if not await session.fetch(queries.rewrite_post(post, wanted.body, render(wanted.body))):
        raise (await _why_not(session, None, post)).problem(of_post=True, of_mine=True)
    return Response(status_code=204)


@router.delete("/posts/{post}", status_code=204, summary="Delete a post")
async def delete_post(session: Session, _: Somebody, post: PostId) -> Response:
    """By its author; answers stay."""
    return await _withdraw(session, post, gone=True)


@router.post("/posts/{post}/restore", status_code=204, summary="Take the deletion of a post back")
async def restore_post(session: Session, _: Somebody, post: PostId) -> Response:
    """By its author. What a moderator removed, only a moderator restores."""
    return await _withdraw(session, post, gone=False)


async def _withdraw(session: Session, post: UUID, *, gone: bool) -> Response:
    [(is_done,)] = await session.fetch(queries.withdraw_post(post, gone))
    if not is_done:
        raise (await _why_not(session, None, post)).problem(of_post=True, of_mine=True)
    return Response(status_code=204)


@router.get("/posts/{post}/edits", response_model=Page[Edit], summary="What a post was before")
async def list_edits(
    request: Request, session: Session, cursors: Paging, post: PostId, asked: Annotated[EditsParameters, Query()]
) -> Response:
    """Newest first. Of what is gone, its author and moderators see it."""
    scope = f"edits {post}"
    rows = await session.fetch(queries.edits(post, asked, cursors.after(scope, asked.cursor)))
    if not rows:
        raise await _no_post(session, post)
    return personal_page(request, rows[0], cursors, scope)


@router.put("/posts/{post}/reactions/{reaction}", status_code=204, summary="React to a post")
async def react(session: Session, _: Somebody, post: PostId, reaction: Reaction) -> Response:
    """However often: it counts once. An upvote takes the place of a downvote, and the other way round."""
    return await _react(session, post, reaction, wanted=True)


@router.delete("/posts/{post}/reactions/{reaction}", status_code=204, summary="Take a reaction back")
async def take_back(session: Session, _: Somebody, post: PostId, reaction: Reaction) -> Response:
    """Whether it was there or not."""
    return await _react(session, post, reaction, wanted=False)


async def _react(session: Session, post: UUID, reaction: str, *, wanted: bool) -> Response:
    if not await session.fetch(queries.react(post, reaction, wanted=wanted)):
        raise (await _why_not(session, None, post)).problem(of_post=True)
    return Response(status_code=204)


@router.post("/posts/{post}/reports", status_code=204, summary="Report a post to the moderators")
async def report(session: Session, _: Somebody, post: PostId, wanted: NewReport) -> Response:
    """Once; a second one changes nothing."""
    if not await session.fetch(queries.report(post, wanted.reason)):
        raise (await _why_not(session, None, post)).problem(of_post=True)
    return Response(status_code=204)

"""The shapes of messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from trr_api.catalog.places import Id
from trr_api.catalog.schemas import Shape
from trr_api.parameters import Moment, Parameters
from trr_api.social import Author, Reaction, Reactions
from trr_api.tables import LARGEST_GROUP, LONGEST_MESSAGE
from trr_api.texts import Line, Text

Role = Literal["owner", "member"]
Number = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[42])]
Body = Annotated[Text, Field(max_length=LONGEST_MESSAGE, examples=["See you at the **pier**."])]
Title = Annotated[Line, Field(max_length=100, examples=["Pier crew"])]


class MessagesParameters(Parameters):
    """Which messages: the newest, or those beside a number."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    before: Number | None = None
    """Older than this number."""
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Newer than this number, the next ones."""

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if self.before is not None and self.after is not None:
            raise ValueError("give either before or after")
        return self


class NewConversation(Shape):
    """Whom to write to."""

    other_user_id: Id


class NewGroup(Shape):
    """A group to found."""

    title: Title
    member_ids: Annotated[list[Id], Field(min_length=1, max_length=LARGEST_GROUP - 1)]
    """Beside the caller, who is its owner."""


class GroupTitle(Shape):
    """Another title."""

    title: Title


class Membership(Shape):
    """What somebody is in a group."""

    role: Role = "member"


class Mute(Shape):
    """Until when to be quiet."""

    until: Moment | None = None
    """Left out: until it is taken back."""


class Message(Shape):
    """A message. What was redacted keeps its place, without its text."""

    id: UUID
    conversation_id: UUID
    number: int = Field(examples=[42])
    """In its conversation, from 1 on."""
    sender: Author
    client_message_id: UUID | None
    """For the sender alone: what they called it."""
    body: str
    """Markdown, as it was written."""
    html: str
    """The same, safe to show."""
    created_at: datetime
    edited_at: datetime | None
    redacted_at: datetime | None
    """By its sender, an owner of the group, or a moderator."""
    removed_at: datetime | None
    """The same, where it was a moderator."""
    reactions: Reactions
    mine: list[Reaction]
    """The caller's reactions."""


class Messages(Shape):
    """A page of messages, newest first."""

    data: list[Message]
    before: int | None = Field(examples=[23])
    """Give it as `before` for older ones; null where there are none."""
    after: int = Field(examples=[42])
    """Give it as `after` for newer ones, now or later."""


class NewMessage(Shape):
    """A message to send."""

    body: Body
    client_message_id: Id | None = None
    """Chosen anew for each message: sent a second time, it is the same message."""


class NewText(Shape):
    """A message to rewrite."""

    body: Body


class Conversation(Shape):
    """A conversation, as one member sees it."""

    id: UUID
    is_group: bool
    title: str | None = Field(examples=["Pier crew"])
    created_at: datetime
    others: list[Author]
    """Whom the caller talks to; of a group up to five."""
    member_count: int
    last_at: datetime
    """Of the last message, or of joining."""
    last_number: int
    """Of the last message."""
    last_message: Message | None
    read_number: int
    """Up to here the caller has read."""
    unread: int
    """Messages of others after it."""
    is_muted: bool
    muted_until: datetime | None
    """Null while muted: until it is taken back."""


class Member(Shape):
    """Somebody in a conversation."""

    user: Author
    role: Role
    joined_at: datetime
    read_number: int
    """Up to here they have read."""
    read_at: datetime | None


class ConversationDetails(Conversation):
    """A conversation with all who are in it."""

    members: list[Member]
    """Who is there longest comes first."""


class ReadTo(Shape):
    """What was read."""

    number: Number
    """This message and all before it."""


class ReadReceipt(Shape):
    """Up to where somebody has read."""

    conversation_id: UUID
    user_id: UUID
    number: int
    read_at: datetime | None
    unread: int


class Unread(Shape):
    """What waits for the caller; what is muted is counted apart."""

    conversations: int
    messages: int
    muted_messages: int


class MessageSettings(Shape):
    """Who may begin to write to the caller, or add them to a group."""

    writers: Literal["everyone", "known", "nobody"]
    """`known`: people with whom they share a conversation."""


class Block(Shape):
    """Whose messages do not come through."""

    user: Author
    created_at: datetime

"""The shapes of discussions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from trr_api.catalog.places import Id
from trr_api.catalog.schemas import Shape
from trr_api.paging import PageParameters
from trr_api.parameters import Moment, Parameters
from trr_api.social import Author, Reaction, Reactions, Reason
from trr_api.tables import LONGEST_POST
from trr_api.texts import Line, Text

ThreadType = Literal["episode_live", "post_episode", "spoilers", "general"]
Sort = Literal["new", "top", "hot", "oldest"]
Body = Annotated[Text, Field(max_length=LONGEST_POST)]


class SpoilersParameters(Parameters):
    """Whether to show what spoils."""

    spoilers: bool = False
    """Also what is about episodes and seasons that the caller has not seen yet."""


class ThreadsParameters(SpoilersParameters, PageParameters):
    """Which threads."""

    type: ThreadType | None = None


class EditsParameters(SpoilersParameters, PageParameters):
    """A page of edits."""


class PostsParameters(SpoilersParameters, PageParameters):
    """Which posts, and how."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    """Posts of the level that is paged."""
    sort: Sort = "hot"
    parent: Id | None = None
    """Only answers to this post, and answers to those."""
    replies: Annotated[int, Field(ge=0, le=100)] = 10
    """Posts of each branch that come along, from the top down."""


class SearchParameters(SpoilersParameters, PageParameters):
    """What to look for."""

    q: Annotated[str, Field(min_length=2, max_length=200, pattern=r"^[^\x00]+$", examples=["marina -boat"])]
    """Words; `-` before what must not be in it, quotes around what belongs together, `or`."""
    show: Id | None = None
    """Only in threads about this show."""


class MarksParameters(SpoilersParameters, PageParameters):
    """Which notifications."""

    unread: bool = False


class Thread(Shape):
    """A thread."""

    id: UUID
    show_id: UUID
    season_id: UUID | None
    episode_id: UUID | None
    type: ThreadType
    title: str = Field(examples=["That reunion"])
    author: Author
    created_at: datetime
    opens_at: datetime | None
    """Nobody writes before."""
    is_sticky: bool
    is_locked: bool
    is_removed: bool
    post_count: int
    last_post_at: datetime


class NewThread(Shape):
    """A thread to begin."""

    type: ThreadType = "general"
    """`episode_live` and `post_episode` are about episodes, and open on the day that the episode is on air."""
    title: Annotated[Line, Field(max_length=200)]


class Title(Shape):
    """Another title."""

    title: Annotated[Line, Field(max_length=200)]


class Post(Shape):
    """A post. What was deleted or removed keeps its place, without its text."""

    id: UUID
    thread_id: UUID
    parent_id: UUID | None
    about_episode_id: UUID | None
    depth: int
    """1 for what answers nothing."""
    author: Author
    body: str
    """Markdown, as it was written."""
    html: str
    """The same, safe to show."""
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    """By its author."""
    removed_at: datetime | None
    """By a moderator."""
    reply_count: int
    """Direct answers."""
    score: int
    """Upvotes less downvotes."""
    reactions: Reactions
    mine: list[Reaction]
    """The caller's reactions."""


class Branch(Post):
    """A post and what it led to."""

    replies: list[Post]
    """From the top of the branch down, each after what it answers."""


class NewPost(Shape):
    """A post to write."""

    body: Body
    parent_id: Id | None = None
    """The post that it answers."""
    about_episode_id: Id | None = None
    """Whoever has not seen this episode is not shown the post."""


class NewBody(Shape):
    """A post to rewrite."""

    body: Body


class Edit(Shape):
    """What a post was before."""

    id: UUID
    body: str
    html: str
    replaced_at: datetime


class Notification(Shape):
    """Somebody answered or mentioned the caller."""

    id: UUID
    kind: Literal["reply", "mention"]
    post_id: UUID
    thread_id: UUID
    author: Author
    created_at: datetime
    read_at: datetime | None


class ReadUpTo(Shape):
    """What was seen."""

    id: Id
    """This notification and all before it."""
    spoilers: StrictBool = False
    """Also those of posts about what the caller has not seen yet, which otherwise stay unread."""


class Progress(Shape):
    """How far somebody has watched a show."""

    season_number: Annotated[int, Field(strict=True, ge=0, le=100_000)]
    episode_number: Annotated[int, Field(strict=True, ge=0, le=100_000)]


class ReportedMessage(Shape):
    """What moderators see of a message."""

    id: UUID
    sender: Author
    body: str
    """Markdown, as it was written."""
    html: str
    """The same, safe to show."""
    created_at: datetime
    edited_at: datetime | None
    redacted_at: datetime | None
    """Since then it has no text."""


class Report(Shape):
    """A report that is open, of a post or a message."""

    id: UUID
    reason: str
    created_at: datetime
    reporter: Author
    post: Post | None
    message: ReportedMessage | None
    before: list[ReportedMessage]
    """Messages that came before it, five at most and only such as the reporter sees; the oldest first."""


class Verdict(Shape):
    """What becomes of a report; `upheld` removes the post or the message."""

    outcome: Literal["upheld", "dismissed"]


class Removal(Shape):
    """Why."""

    reason: Reason


class Moderation(Shape):
    """What shall be otherwise about a thread; what is left out stays."""

    is_sticky: StrictBool | None = None
    is_locked: StrictBool | None = None
    is_removed: StrictBool | None = None
    opens_at: Moment | None = None
    reason: Reason


class NewBan(Shape):
    """Who may not write."""

    name: Annotated[str, StringConstraints(pattern="^[a-z0-9_]{3,30}$")]
    ends_at: Moment | None = None
    """Left out: for good."""
    reason: Reason


class NewRole(Shape):
    """What somebody may do."""

    role: Literal["user", "moderator", "admin"]


class LogEntry(Shape):
    """What a moderator did."""

    id: UUID
    at: datetime
    action: str = Field(examples=["post_removed"])
    reason: str | None
    moderator: Author
    thread_id: UUID | None
    post_id: UUID | None
    user: Author | None

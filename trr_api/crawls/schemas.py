"""The shapes of crawl stats, and of what one may ask about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trr_api.paging import PageParameters
from trr_api.parameters import Moment, Parameters, Word

Outcome = Literal["ok", "partial", "blocked", "failed"]
Severity = Literal["warning", "error"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RunsParameters(PageParameters):
    """Which runs; newest first."""

    spider: Word | None = Field(default=None, examples=["imdb_episodes"])
    outcome: Literal["live", "ok", "partial", "blocked", "failed"] | None = None
    """`live`: those that have not ended."""
    node: Word | None = None
    """The Scrapyd node that ran them."""
    since: Moment | None = None
    """Started then or later."""
    until: Moment | None = None
    """Started before that."""


class FindingsParameters(PageParameters):
    """Which findings; newest first."""

    open: bool | None = None
    """`true`: what is still so; `false`: what is over."""
    rule: Word | None = Field(default=None, examples=["fields_fell"])
    severity: Severity | None = None
    since: Moment | None = None


class ToldParameters(Parameters):
    """Whose coverage."""

    source: Word | None = Field(default=None, examples=["imdb"])
    kind: Word | None = Field(default=None, examples=["show"])


class RetryParameters(Parameters):
    """Which records."""

    reject: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    """Only this one; else all of the run."""


class Run(_Shape):
    """A run in a list."""

    id: UUID
    spider: str = Field(examples=["imdb_episodes"])
    args: dict[str, Any] = Field(examples=[{"due": "true"}])
    state: Literal["running", "lost", "ok", "partial", "blocked", "failed"]
    """`lost` gave no sign of life for five minutes; else `running`, or what it came to."""
    outcome: Outcome | None
    reason: str | None = Field(examples=["could not get tt0000001 season 2 (www.imdb.com forbids it (403))."])
    node: str | None
    host: str
    job_id: str | None
    version: str
    started_at: datetime
    heartbeat_at: datetime
    progressed_at: datetime
    """The last heartbeat that had something new to tell."""
    finished_at: datetime | None
    items: dict[str, dict[str, int]] = Field(examples=[{"episode": {"inserted": 10, "unchanged": 90}}])
    """Kind -> inserted, updated, unchanged, rejected."""
    items_total: int
    """All of them but what the database refused."""
    requests: int
    bytes: int
    blocks: int
    images: int


class Runs(_Shape):
    """A page of runs."""

    data: list[Run]
    next_cursor: str | None


class Finding(_Shape):
    """Something that somebody should look at."""

    id: int
    scope: str = Field(examples=["imdb_episodes due"])
    """The runs that were compared: a spider and the names of its arguments; or a schedule."""
    rule: str = Field(examples=["fields_fell"])
    severity: Severity
    subject: str = Field(examples=["imdb episode plot"])
    message: str
    advice: str
    run_id: UUID | None
    at: datetime
    resolved_at: datetime | None
    """When a later run was better, or had a finding of its own."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class Findings(_Shape):
    """A page of findings."""

    data: list[Finding]
    next_cursor: str | None


class RunDetail(Run):
    """A run alone."""

    gaps: list[dict[str, Any]]
    """What it could not get, one by one."""
    requests_by_outcome: dict[str, int] = Field(examples=[{"ok": 120, "forbidden": 3}])
    coverage: Any = Field(examples=[{"imdb": {"episode": {"records": 100, "told": {"title": 100, "plot": 90}}}}])
    """Source -> kind -> its records, and how many of them told each field."""
    responses: Any = Field(examples=[{"count": 120, "seconds": 80.5, "slowest": []}])
    """How many answers came, in how many seconds together, and the slowest of them."""
    timeline: list[list[int]] = Field(examples=[[[0, 0, 0, 0], [15, 12, 130, 0]]])
    """[seconds since the start, requests, items, blocks] each."""
    rejects: int
    """Records that the database refused."""
    findings: list[Finding]
    stats: dict[str, Any]
    """All of Scrapy's."""


class Reject(_Shape):
    """A record that the database refused."""

    id: int
    run_id: UUID
    source: str = Field(examples=["imdb"])
    kind: str = Field(examples=["episode"])
    key: str = Field(examples=["tt0000001"])
    payload: str
    """As JSON in a text: it may hold what the database cannot."""
    error: str
    at: datetime
    retry_wanted_at: datetime | None
    retry_wanted_by: str | None
    retried_at: datetime | None
    retried_as: Literal["stored", "rejected", "outdated"] | None
    """`outdated`: the source told more since, and that stands."""


class Rejects(_Shape):
    """A page of refused records."""

    data: list[Reject]
    next_cursor: str | None


class Marked(_Shape):
    """What is to be tried again."""

    marked: int = Field(examples=[3])
    """So many records; the next run of any spider writes them once more."""


class FieldTold(_Shape):
    """How much a source tells of a field."""

    source: str = Field(examples=["imdb"])
    kind: str = Field(examples=["show"])
    field: str = Field(examples=["overview"])
    """As the source's records have it."""
    told: int
    """Records with a value."""
    records: int


class Told(_Shape):
    """How much each source tells."""

    data: list[FieldTold]


class SpiderFreshness(_Shape):
    """How old what a spider got is: things by the days since their last good crawl."""

    spider: str = Field(examples=["imdb_title"])
    source: str | None = Field(examples=["imdb"])
    kind: str | None = Field(examples=["show"])
    by_days: dict[str, int] = Field(examples=[{"0": 20, "1": 340, "30": 2}])
    """Days -> things."""
    things: int
    oldest_days: int


class Freshness(_Shape):
    """How old what the catalog knows is."""

    data: list[SpiderFreshness]


class Schedule(_Shape):
    """A schedule, with its latest runs."""

    name: str = Field(examples=["nightly"])
    spider: str = Field(examples=["imdb_episodes"])
    args: dict[str, Any]
    settings: dict[str, Any]
    cron: str = Field(examples=["0 3 * * *"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    workers: int
    last_slot_at: datetime
    """The latest time that was dealt with."""
    next_slot_at: datetime | None
    """If that is over, no scheduler works."""
    paused_at: datetime | None
    slot_at: datetime | None
    """The time of the latest runs; what follows is about them."""
    states: list[str] | None = Field(examples=[["finished", "running"]])
    waiting_since: datetime | None
    outcomes: list[str] | None
    reasons: list[str] | None
    nodes: list[str] | None
    problems: dict[str, str]
    """Node -> what is wrong with it."""
    node_count: int


class Schedules(_Shape):
    """All schedules."""

    data: list[Schedule]


class Difference(_Shape):
    """A number of two runs."""

    name: str = Field(examples=["items/episode/inserted"])
    before: float | None
    after: float | None
    change: float | None
    """None where one of them has no such number."""


class Diff(_Shape):
    """How two runs differ."""

    before: UUID
    after: UUID
    same_spider: bool
    data: list[Difference]
    """What differs; what is the same is left out."""

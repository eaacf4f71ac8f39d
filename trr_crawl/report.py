"""What a run could not get, and what the run comes to: the honest end of every crawl."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from trr_crawl.catalog import coverage
from trr_crawl.items import Inventory

Outcome = Literal["ok", "partial", "blocked", "failed"]

EXIT_STATUS: Final[Mapping[Outcome, int]] = {"ok": 0, "failed": 1, "partial": 3, "blocked": 4}
"""The exit status of a crawl by its outcome; 2 is a mistake in the call."""

GAPS_KEPT: Final = 1000
"""So many gaps are kept one by one; more are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that the run was to get and did not."""

    subject: str
    """What it belongs to: a title's id."""
    part: str | None = None
    """Which part of it: "season 3"; None for all of it."""
    why: str
    """The reason, a clause without a full stop."""
    blocked: bool = False
    """The source refused to talk to us."""


@dataclass(slots=True)
class RunReport:
    """Collects a run's gaps while it runs."""

    gaps: list[Gap] = field(default_factory=list)
    gap_count: int = 0
    blocked: bool = False
    answers: int = 0
    """Questions to which the right answer may be nothing, and that were answered."""
    inventories: list[Inventory] = field(default_factory=list)
    """What the run got to the last piece."""
    failure: str | None = None
    """What broke the run as a whole: a sentence."""
    idle: str | None = None
    """Why it is right that nothing came, if nothing did: a clause."""
    told: dict[tuple[str, str], Counter[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    """What the records told: (source, kind) -> names of fields -> how many records told just these."""

    def add(self, gap: Gap) -> None:
        """Note a gap."""
        self.gap_count += 1
        self.blocked = self.blocked or gap.blocked
        if len(self.gaps) < GAPS_KEPT:
            self.gaps.append(gap)

    def fail(self, sentence: str) -> None:
        """Note what broke the run; the first such reason stands."""
        self.failure = self.failure or sentence

    def allow_nothing(self, why: str) -> None:
        """Note that there may be nothing to do, and why; a run that gets nothing is then a good one."""
        self.idle = why

    def outcome(self, items: int) -> Outcome:
        """What the run comes to, given how many items it got."""
        if self.failure is not None:
            return "failed"
        if self.blocked:
            return "blocked"
        if items == self.answers == 0 and (self.gap_count or self.idle is None):
            return "failed"
        return "partial" if self.gap_count else "ok"

    def reason(self, items: int) -> str | None:
        """Why the outcome is not ok, one sentence that names what is missing; or why nothing had to come."""
        parts = [self.failure.rstrip(".")] if self.failure else []
        parts += [f"could not get {missing}" for missing in summarize(self.gaps)]
        if (unnamed := self.gap_count - len(self.gaps)) > 0:
            parts.append(f"and {unnamed} more")
        if not parts and items == self.answers == 0:
            parts.append(f"nothing to do: {self.idle}" if self.idle else "nothing came")
        return "; ".join(parts) + "." if parts else None

    def note_record(self, source: str, kind: str, payload: Mapping[str, object]) -> None:
        """Note which fields a record tells."""
        self.told[source, kind][coverage.told(payload)] += 1

    def coverage_as_json(self) -> dict[str, dict[str, object]]:
        """Source -> kind -> its records, and how many of them told each field; as it goes into `crawl_runs.stats`."""
        found: dict[str, dict[str, object]] = defaultdict(dict)
        for (source, kind), counted in self.told.items():
            found[source][kind] = {"records": counted.total(), "told": coverage.by_field(counted)}
        return found

    def as_json(self) -> list[dict[str, object]]:
        """The gaps as they go into `crawl_runs.gaps`."""
        return [asdict(gap) for gap in self.gaps]


def report_of(spider: object) -> RunReport:
    """The report that a spider of this project carries."""
    report = getattr(spider, "report", None)
    if not isinstance(report, RunReport):
        raise TypeError(f"{spider!r} carries no run report: derive it from CatalogSpider")
    return report


def summarize(gaps: Iterable[Gap]) -> list[str]:
    """Gaps in words, those of one subject and reason together: `tt0000001 season 2, 3 (not in the archive)`."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for gap in gaps:
        word, _, label = (gap.part or "").partition(" ")
        grouped.setdefault((gap.subject, word, gap.why), []).append(label)
    return [
        " ".join(filter(None, (subject, word, ", ".join(_in_order(labels))))) + f" ({why})"
        for (subject, word, why), labels in grouped.items()
    ]


def _in_order(labels: list[str]) -> list[str]:
    """Labels by number, words last; each once."""
    return sorted(filter(None, set(labels)), key=lambda label: (not label.isdigit(), len(label), label))

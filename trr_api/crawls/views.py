"""What the pages show, made of rows: charts and tables. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final

from markupsafe import Markup

from trr_api.crawls.schemas import Difference
from trr_api.pages import charts, words
from trr_api.pages.charts import Chart
from trr_crawl.catalog import run_stats
from trr_crawl.catalog.due import POLICIES

DAYS: Final = 30
"""The overview looks so far back."""

OUTCOMES: Final = ("ok", "partial", "blocked", "failed", "running")
AGES: Final = {"age-1": "0-1 days", "age-2": "2-7 days", "age-3": "8-30 days", "age-4": "older"}
_LIMITS: Final = (("age-1", 1), ("age-2", 7), ("age-3", 30))

Row = Mapping[str, Any]


def days(rows: Iterable[Sequence[Any]], today: date) -> Chart:
    """What ran day by day (rows of `queries.DAYS`), and on which days checks found something."""
    counted: dict[str, Counter[date]] = defaultdict(Counter)
    found: dict[date, Counter[str]] = defaultdict(Counter)
    for what, day, word, count in rows:
        if what == "run":
            counted[word if word in OUTCOMES else "failed"][day] += count
        elif what == "finding":
            found[day][word] += count
    listed = [today - timedelta(days=DAYS - 1 - at) for at in range(DAYS)]
    series = {name: [counted[name][day] for day in listed] for name in OUTCOMES}
    totals = [sum(values[at] for values in series.values()) for at in range(DAYS)]
    bad = sum(sum(series[name]) for name in ("blocked", "failed"))
    severities = ["error" if found[day]["error"] else "warning" if found[day] else "" for day in listed]
    named = [f"{day:%d %B}" for day in listed]
    title = f"Runs of the last {DAYS} days"
    summary = f"{sum(totals):,} runs, {bad:,} of them blocked or failed. Bars are days, stacked by outcome."
    return Chart(
        title=title,
        summary=summary,
        svg=charts.stacked(named, series, title=title, summary=summary),
        below=charts.marks(
            [f"Findings of {name}" for name in named], severities, title="Days on which checks found something"
        ),
        columns=["day", *OUTCOMES, "findings"],
        rows=[
            [
                f"{day:%Y-%m-%d}",
                *(words.number(series[name][at]) for name in OUTCOMES),
                words.number(found[day].total()),
            ]
            for at, day in reversed(list(enumerate(listed)))
        ],
        labels=[f"{listed[at]:%d %b}" for at in (0, DAYS // 2, DAYS - 1)],
        legend={name: f"{name} {sum(series[name]):,}" for name in OUTCOMES if sum(series[name])}
        | {name: f"{name} found that day" for name in ("error", "warning") if name in severities},
        top=f"{max(totals):,} runs a day" if any(totals) else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiderView:
    """A spider's last runs at a glance."""

    name: str
    last: Row
    good: Row | None
    """The last good one among them."""
    ran: int
    """How many they are."""
    line: Markup
    usual_items: int | None


def spiders(rows: Iterable[Row]) -> list[SpiderView]:
    """The spiders of `queries.RECENT`, those whose last run was bad first."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_name[row["spider"]].append(row)
    views = []
    for name, runs in by_name.items():
        ended = [run for run in runs if run["outcome"] is not None]
        line = list(reversed(ended))
        views.append(
            SpiderView(
                name=name,
                last=runs[0],
                good=next((run for run in ended if run["outcome"] == "ok"), None),
                ran=len(runs),
                line=charts.sparkline(
                    [run["items_total"] for run in line],
                    title=f"Items of the last {len(line)} runs of {name}",
                    bad=[run["outcome"] in ("blocked", "failed") for run in line],
                ),
                usual_items=round(median(run["items_total"] for run in ended)) if ended else None,
            )
        )
    rank = {"lost": 0, "failed": 0, "blocked": 0, "partial": 1}
    return sorted(views, key=lambda view: (rank.get(view.last["state"], 2), view.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCoverage:
    """How much a source tells of a kind."""

    source: str
    kind: str
    records: int
    fields: list[tuple[str, int, float, Markup]]
    """Name, records that tell it, their share, a bar; fullest first."""
    mean: float
    bar: Markup


def coverage(rows: Iterable[Sequence[Any]]) -> list[KindCoverage]:
    """Rows of `queries.WORTH` about coverage, by source and kind."""
    found: dict[tuple[str, str], list[tuple[str, int, float, Markup]]] = defaultdict(list)
    totals: dict[tuple[str, str], int] = {}
    for what, source, kind, field, told, records in rows:
        if what == "coverage":
            totals[source, kind] = records
            part = told / records
            found[source, kind].append((field, told, part, charts.share(told, records, title=f"{kind} {field}")))
    views = []
    for (source, kind), fields in found.items():
        mean = sum(part for _, _, part, _ in fields) / len(fields)
        views.append(
            KindCoverage(
                source=source,
                kind=kind,
                records=totals[source, kind],
                fields=sorted(fields, key=lambda field: (-field[2], field[0])),
                mean=mean,
                bar=charts.share(mean, 1, title=f"{source} {kind}: fields told on average"),
            )
        )
    return sorted(views, key=lambda view: (view.source, -view.records, view.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessView:
    """How old what a spider got is."""

    spider: str
    source: str
    kind: str
    things: int
    ages: dict[str, int]
    bar: Markup
    oldest: int


def freshness(rows: Iterable[Sequence[Any]]) -> list[FreshnessView]:
    """Rows of `queries.WORTH` about freshness, by spider."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for what, spider, _, _, age, things in rows:
        if what == "freshness":
            found[spider][age] += things
    views = []
    for spider, by_age in sorted(found.items()):
        ages = dict.fromkeys(AGES, 0)
        for age, things in by_age.items():
            ages[next((name for name, limit in _LIMITS if age <= limit), "age-4")] += things
        policy = POLICIES.get(spider)
        views.append(
            FreshnessView(
                spider=spider,
                source=policy.source if policy else "",
                kind=policy.kind if policy else "",
                things=sum(by_age.values()),
                ages=ages,
                bar=charts.parts(ages, title=f"Ages of what {spider} got", labels=AGES),
                oldest=max(by_age),
            )
        )
    return views


def timeline(run: Row) -> Chart | None:
    """How a run went over its time; None where nothing is known of that."""
    points = [point for point in run["timeline"] if isinstance(point, list) and len(point) == 4]
    if len(points) < 2 or not all(isinstance(number, int) for point in points for number in point):
        return None
    seconds = points[-1][0]
    series = {name: [point[at] for point in points] for at, name in ((1, "requests"), (2, "items"), (3, "blocks"))}
    return Chart(
        title="Over time, each on its own scale",
        summary=", ".join(f"{values[-1]:,} {name}" for name, values in series.items()) + f" in {words.span(seconds)}.",
        svg=charts.lines(series, at=[point[0] for point in points], title="What came over time"),
        columns=["after", "requests", "items", "blocks"],
        rows=[[words.span(point[0]), *map(words.number, point[1:])] for point in points[-60:]],
        labels=["start", words.span(seconds / 2), words.span(seconds)],
        legend={name: f"{name} {values[-1]:,}" for name, values in series.items() if values[-1]},
    )


_GOOD_OR_HALF: Final = {"ok": "ok", "refused": "partial", "not_found": "partial", "empty": "partial"}
_BLOCKS: Final = ("challenge", "forbidden", "rate_limited", "human_verification", "not_asked")


def _colour(answer: str) -> str:
    return _GOOD_OR_HALF.get(answer, "blocked" if answer in _BLOCKS else "failed")


def outcomes(run: Row) -> Chart | None:
    """What its requests came to; None where nothing was asked."""
    counted: Mapping[str, int] = run["requests_by_outcome"]
    if not counted:
        return None
    listed = sorted(((name.replace("_", " "), name, count) for name, count in counted.items()), key=lambda one: -one[2])
    parts: Counter[str] = Counter()
    for _, name, count in listed:
        parts[_colour(name)] += count
    ordered = {colour: parts[colour] for colour in OUTCOMES if parts[colour]}
    return Chart(
        title="Answers",
        summary=", ".join(f"{count:,} {label}" for label, _, count in listed) + ".",
        svg=charts.parts(ordered, title="Answers by what they came to", labels={one: one for one in ordered}),
        columns=["answer", "requests"],
        rows=[[label, words.number(count)] for label, _, count in listed],
        legend={
            colour: ", ".join(f"{label} {count:,}" for label, name, count in listed if _colour(name) == colour)
            for colour in ordered
        },
    )


def run_coverage(run: Row, before: Row | None) -> list[tuple[str, int, list[tuple[str, float, float | None]]]]:
    """(source and kind, records, [(field, share now, share in the run before)]) of a run."""
    now, then = _shares(run), _shares(before) if before else {}
    found = []
    for name, (records, shares) in sorted(now.items()):
        earlier = then.get(name, (0, {}))[1]
        fields = [
            (field, shares.get(field, 0.0), earlier.get(field)) for field in sorted(shares.keys() | earlier.keys())
        ]
        found.append((name, records, fields))
    return found


def _shares(run: Row) -> dict[str, tuple[int, dict[str, float]]]:
    return {
        f"{source} {kind}": (records, {field: one / records for field, one in told.items() if records})
        for source, kind, records, told in run_stats.coverage(run["stats"])
    }


def difference(one: Difference) -> tuple[str, str, str, str]:
    """(name, before, after, change) of a number of two runs, each in its unit."""
    write = words.percent if one.name.startswith("coverage/") else words.size if one.name == "bytes" else words.number
    if one.change is None:
        change = ""
    elif write is words.percent:
        change = f"{one.change * 100:+.1f} points"
    else:
        change = ("+" if one.change > 0 else "-") + write(abs(one.change))
    return one.name, write(one.before), write(one.after), change


def span_of(run: Row, now: datetime) -> timedelta:
    """How long a run took, has been going, or gave signs of life."""
    return (run["finished_at"] or (run["heartbeat_at"] if run["state"] == "lost" else now)) - run["started_at"]  # type: ignore[no-any-return]

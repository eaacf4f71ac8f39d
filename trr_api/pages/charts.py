"""Charts as SVG, made of numbers alone.

A chart has no text of its own, so that it may be stretched to any width: its caption, labels and legend are HTML around
it (`pages/charts.html`), and beside it stands a table with the same numbers. Colours are classes of the stylesheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup, escape

from trr_api.pages import words

HEIGHT: Final = 100
STEP: Final = 10
"""The width of a column; what it comes to on the page is up to the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of numbers, and the numbers."""

    title: str
    summary: str
    """What there is to see, in a sentence: for those who do not see it."""
    svg: Markup
    columns: Sequence[str] = ()
    """Of the table: the first names the rows."""
    rows: Sequence[Sequence[str]] = ()
    labels: Sequence[str] = ()
    """Below the chart, from left to right."""
    legend: Mapping[str, str] = field(default_factory=dict)
    """Class of a colour -> what it stands for."""
    top: str = ""
    """What the upper edge stands for."""
    below: Markup | None = None
    """A strip under the chart, of the same width."""


def _svg(width: float, height: float, title: str, summary: str, shapes: Iterable[str], kind: str) -> Markup:
    return Markup(  # noqa: S704 - shapes are numbers and escaped words of this module
        f'<svg class="chart {kind}" viewBox="0 0 {_short(width)} {_short(height)}" preserveAspectRatio="none" '
        f'role="img"><title>{escape(title)}</title><desc>{escape(summary)}</desc>{"".join(shapes)}</svg>'
    )


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _points(
    values: Sequence[float], width: float, top: float, at: Sequence[float] | None = None
) -> list[tuple[float, float]]:
    """The places of values over the whole width, evenly or as `at` says; `top` is the value of the upper edge."""
    places = range(len(values)) if at is None else [one - at[0] for one in at]
    step = width / (max(places, default=0) or 1)
    return [
        (place * step, HEIGHT - HEIGHT * value / top if top else HEIGHT)
        for place, value in zip(places, values, strict=True)
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{_short(x)} {_short(y)}" for x, y in points)


def sparkline(values: Sequence[float], *, title: str, bad: Sequence[bool] = ()) -> Markup:
    """A line without axes, one point a value, in a cell; where `bad`, a mark at the bottom."""
    if not values:
        return Markup("")
    top = max(values) * 1.05
    width = max(len(values) - 1, 1) * STEP
    points = _points(values, width, top)
    if len(points) == 1:
        points = [*points, (float(width), points[0][1])]
    shapes = [f'<path class="line" d="{_path(points)}"/>']
    for (x, _), is_bad in zip(points, bad, strict=False):
        if is_bad:
            shapes.append(f'<rect class="bad" x="{_short(max(x - 2, 0))}" y="84" width="4" height="16"/>')
    return _svg(
        width,
        HEIGHT,
        title,
        f"The last value is {words.number(values[-1])}, the highest {words.number(max(values))}.",
        shapes,
        "sparkline",
    )


def stacked(labels: Sequence[str], series: Mapping[str, Sequence[int]], *, title: str, summary: str) -> Markup:
    """Columns, one a label, each a stack of its values; the classes of the colours are the names of the series."""
    totals = [sum(values[at] for values in series.values()) for at in range(len(labels))]
    top = max(totals, default=0) or 1
    shapes = []
    for at, label in enumerate(labels):
        below = 0.0
        told = ", ".join(f"{values[at]} {name}" for name, values in series.items() if values[at]) or "nothing"
        shapes.append(f"<g><title>{escape(label)}: {escape(told)}</title>")
        shapes.append(f'<rect class="empty" x="{at * STEP}" y="0" width="{STEP}" height="{HEIGHT}"/>')
        for name, values in series.items():
            if not values[at]:
                continue
            # However few among many: what went wrong is seen.
            height = max(HEIGHT * values[at] / top, 3.0)
            y = HEIGHT - below - height
            shapes.append(
                f'<rect class="{escape(name)}" x="{at * STEP + 1}" y="{_short(max(y, 0))}" width="{STEP - 2}" '
                f'height="{_short(height)}"/>'
            )
            below += height
        shapes.append("</g>")
    return _svg(max(len(labels), 1) * STEP, HEIGHT, title, summary, shapes, "stacked")


def marks(labels: Sequence[str], severities: Sequence[str], *, title: str) -> Markup:
    """A strip of cells, one a label, coloured where there is a severity."""
    shapes = [
        f"<g><title>{escape(label)}: {escape(severity or 'nothing')}</title>"
        f'<rect class="{escape(severity or "empty")}" x="{at * STEP + 1}" y="0" width="{STEP - 2}" height="{HEIGHT}"/>'
        "</g>"
        for at, (label, severity) in enumerate(zip(labels, severities, strict=True))
    ]
    told = f"{sum(map(bool, severities))} of {len(labels)} are marked."
    return _svg(max(len(labels), 1) * STEP, HEIGHT, title, told, shapes, "marks")


def lines(series: Mapping[str, Sequence[float]], *, at: Sequence[float], title: str) -> Markup:
    """Lines over the same times (`at`), each on a scale of its own; their colours' classes are the series' names."""
    count = max((len(values) for values in series.values()), default=0)
    width = max(count - 1, 1) * STEP
    shapes = []
    for name, values in series.items():
        if not any(values):
            continue
        points = _points(values, width, max(values) * 1.05, at)
        if len(points) == 1:
            points = [(0.0, float(HEIGHT)), (float(width), points[0][1])]
        shapes.append(f'<path class="line {escape(name)}" d="{_path(points)}"><title>{escape(name)}</title></path>')
    told = ", ".join(f"{name} up to {words.number(max(values))}" for name, values in series.items() if values)
    return _svg(width, HEIGHT, title, f"{told}.", shapes, "lines")


def share(part: float, whole: float, *, title: str) -> Markup:
    """A bar that is full where all of `whole` is there."""
    filled = 100 * min(max(part / whole, 0), 1) if whole else 0
    shapes = [
        f'<rect class="empty" x="0" y="0" width="100" height="{HEIGHT}"/>',
        f'<rect class="told" x="0" y="0" width="{_short(filled)}" height="{HEIGHT}"/>',
    ]
    return _svg(100, HEIGHT, title, f"{filled:.0f} per cent.", shapes, "share")


def parts(values: Mapping[str, int], *, title: str, labels: Mapping[str, str]) -> Markup:
    """One bar, divided; the classes of the colours are the names of its parts, `labels` says what they stand for."""
    total = sum(values.values())
    shapes = [f'<rect class="empty" x="0" y="0" width="100" height="{HEIGHT}"/>']
    left = 0.0
    for name, value in values.items():
        if value and total:
            width = 100 * value / total
            shapes.append(
                f'<rect class="{escape(name)}" x="{_short(left)}" y="0" width="{_short(width)}" height="{HEIGHT}">'
                f"<title>{escape(labels[name])}: {value:,}</title></rect>"
            )
            left += width
    told = ", ".join(f"{labels[name]}: {value:,}" for name, value in values.items() if value) or "nothing"
    return _svg(100, HEIGHT, title, f"{told}.", shapes, "parts")

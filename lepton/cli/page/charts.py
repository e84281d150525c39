"""Charts as inline SVG: lines over epochs, an interval, a confusion matrix. No script, no external resource."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lepton.cli.page.markup import Markup, element
from lepton.report import Interval

_WIDTH, _HEIGHT = 520, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 30


@dataclass(frozen=True)
class Line:
    """One curve of a chart; colours come from the style sheet as `series-0`, `series-1`, ..."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Pairs of x and y; those that are not finite are left out."""


def line_chart(lines: Sequence[Line]) -> Markup:
    """Curves over a common x axis that starts at 1 (epochs)."""
    points = [point for line in lines for point in line.points if math.isfinite(point[1])]
    if not points:
        return element("p", "No epochs were recorded.", class_="muted")
    ticks = nice_ticks(min(y for _, y in points), max(y for _, y in points))
    last = max(2.0, *(x for x, _ in points))

    def x_of(x: float) -> float:
        return _LEFT + (x - 1) / (last - 1) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - ticks[0]) / (ticks[-1] - ticks[0]) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_grid_line(y_of(tick), f"{tick:g}") for tick in ticks]
    parts += [_x_label(x_of(x), f"{x:g}") for x in _whole_ticks(last)]
    for number, line in enumerate(lines):
        finite = [(x_of(x), y_of(y)) for x, y in line.points if math.isfinite(y)]
        parts.append(_curve(finite, number))
    return element(
        "svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", class_="chart", aria_label="curve over epochs"
    )


def legend(names: Sequence[str]) -> Markup:
    """The names of the curves with their colours."""
    items = [
        element("span", element("i", class_=f"swatch series-{number % 6}"), name) for number, name in enumerate(names)
    ]
    return element("div", *items, class_="legend")


def interval_bar(interval: Interval, low: float) -> Markup:
    """A figure in percent with its 95 % interval, on a scale from `low` to 100."""
    width, height = 160, 16
    span = max(100.0 - low, 1e-9)

    def x_of(value: float) -> float:
        return 4 + (min(max(value, low), 100.0) - low) / span * (width - 8)

    middle = height / 2
    return element(
        "svg",
        element("title", f"{interval.value:.2f} % (95 %: {interval.low:.2f} to {interval.high:.2f})"),
        element("line", x1=4, x2=width - 4, y1=middle, y2=middle, class_="rail"),
        element("line", x1=x_of(interval.low), x2=x_of(interval.high), y1=middle, y2=middle, class_="whisker"),
        element("circle", cx=x_of(interval.value), cy=middle, r=4, class_="dot"),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="interval",
    )


def confusion_matrix(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Rows are true classes, columns answers; the darker, the larger the share of the row. Numbers where they fit."""
    cell = 34 if len(classes) <= 16 else max(6, 560 // len(classes))
    numbers = cell >= 24
    margin = 12 + 7 * min(14, max(len(name) for name in classes)) if numbers else 12
    side = margin + cell * len(classes)
    parts: list[Markup] = []
    for row, name in enumerate(classes):
        middle = margin + row * cell + cell / 2
        if numbers:
            parts.append(element("text", _shortened(name), x=margin - 6, y=middle + 4, text_anchor="end"))
            turn = f"rotate(-45 {_plain(middle)} {margin - 6})"
            parts.append(element("text", _shortened(name), x=middle, y=margin - 6, transform=turn))
        total = max(1, sum(counts[row]))
        for column, number in enumerate(counts[row]):
            place = (margin + column * cell, margin + row * cell)
            title = element("title", f"{name} answered as {classes[column]}: {number} of {total}")
            square = _cell(place, cell, number, number / total, right=row == column, text=numbers)
            parts.append(element("g", title, square))
    size = side + (margin // 2 if numbers else 12)
    return element(
        "svg", *parts, viewBox=f"0 0 {size} {side + 4}", class_="confusion", role="img", style=f"max-width:{size}px"
    )


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers that span low to high, at least two of them (Heckbert 1990, Graphics Gems)."""
    if high - low < 1e-9:
        margin = max(0.5, 1e-9 * abs(high))  # less is nothing beside a loss of 1e20
        low, high = low - margin, high + margin
    step = _nice((high - low) / (wanted - 1))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _nice(number: float) -> float:
    power = 10.0 ** math.floor(math.log10(number))
    share = number / power
    limits = ((1.5, 1.0), (3.0, 2.0), (7.0, 5.0))
    return next((round_ for limit, round_ in limits if share < limit), 10.0) * power


def _whole_ticks(last: float) -> list[float]:
    step = max(1, round(_nice(max(1.0, last / 8))))
    return [1.0, *(float(x) for x in range(step, int(last) + 1, step) if x > 1 + step / 2)]


def _grid_line(y: float, label: str) -> Markup:
    return element(
        "g",
        element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"),
        element("text", label, x=_LEFT - 6, y=y + 4, text_anchor="end"),
    )


def _x_label(x: float, label: str) -> Markup:
    return element("text", label, x=x, y=_HEIGHT - _BOTTOM + 18, text_anchor="middle")


def _curve(points: Sequence[tuple[float, float]], number: int) -> Markup:
    colour = f"series-{number % 6}"
    if len(points) == 1:
        return element("circle", cx=points[0][0], cy=points[0][1], r=3.5, class_=f"point {colour}")
    path = "M" + " L".join(f"{_plain(x)} {_plain(y)}" for x, y in points)
    return element("path", d=path, class_=f"curve {colour}", fill="none")


def _cell(place: tuple[float, float], side: float, number: int, share: float, *, right: bool, text: bool) -> Markup:
    kind = "right" if right else "wrong"
    parts = [
        element(
            "rect",
            x=place[0] + 1,
            y=place[1] + 1,
            width=side - 2,
            height=side - 2,
            rx=3 if text else 0,
            class_=kind if number else "empty",
            fill_opacity=0.12 + 0.88 * share if number else 1,
        )
    ]
    if text and number:
        strong = " strong" if share > 0.5 else ""
        x, y = place[0] + side / 2, place[1] + side / 2 + 4
        parts.append(element("text", str(number), x=x, y=y, text_anchor="middle", class_=f"count{strong}"))
    return element("g", *parts)


def _shortened(name: str) -> str:
    return name if len(name) <= 14 else name[:13] + "…"


def _plain(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")

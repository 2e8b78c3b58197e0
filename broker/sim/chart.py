"""Plots as inline SVG: lines, stacked areas and bars with axes, units and a title for each mark under the pointer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 20, 40
WORD_PX = 75  # room for a word at a mark
SERIES = 8  # colours c0..c7 of the page's style


@dataclass(frozen=True, slots=True)
class Series:
    """One line or area: its name and its values, one for each time."""

    name: str
    values: Sequence[float]
    style: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """From 0 to a round number."""

    top: float
    step: float

    @classmethod
    def over(cls, most: float, marks: int = 5) -> Axis:
        """An axis with about so many marks."""
        if most <= 0:
            return cls(1.0, 0.5)
        raw = most / marks
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * each for each in (1, 2, 2.5, 5, 10) if unit * each >= raw * 0.999)
        return cls(math.ceil(most / step - 1e-9) * step, step)

    def marks(self) -> list[float]:
        """Where marks stand."""
        return [number * self.step for number in range(round(self.top / self.step) + 1)]


def short(value: float) -> str:
    """A number as short as it can be read: 1.5k, 20M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):g}{unit}"
    return f"{value:g}"


def time_unit(duration_s: float) -> tuple[float, str]:
    """Seconds in the unit of a time axis, and its name."""
    if duration_s <= 600:
        return 1.0, "seconds"
    if duration_s <= 4 * 3600:
        return 60.0, "minutes"
    return (3600.0, "hours") if duration_s <= 48 * 3600 else (86_400.0, "days")


class Plane:
    """The drawing area with its axes; x and y from 0."""

    def __init__(self, x_axis: Axis, y_axis: Axis, x_name: str, y_name: str) -> None:
        self.x_axis, self.y_axis = x_axis, y_axis
        self.parts: list[str] = []
        for value in y_axis.marks():
            y = self.y(value)
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self.parts.append(
                f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short(value)}</text>'
            )
        for value in x_axis.marks():
            if value <= x_axis.top:
                self.parts.append(
                    f'<text class="tick" x="{self.x(value):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">'
                    f"{short(value)}</text>"
                )
        middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
        self.parts.append(
            f'<text class="name" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{escape(x_name)}</text>'
        )
        self.parts.append(f'<text class="name" transform="translate(13 {middle}) rotate(-90)">{escape(y_name)}</text>')

    def x(self, value: float) -> float:
        """Where a value of the x axis stands."""
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_axis.top

    def y(self, value: float) -> float:
        """Where a value of the y axis stands."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value, self.y_axis.top) / self.y_axis.top

    def svg(self, label: str) -> str:
        """The picture."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label, quote=True)}">'
            f"{''.join(self.parts)}</svg>"
        )


def over_time(
    times: Sequence[float],
    series: Sequence[Series],
    name: str,
    *,
    stacked: bool = False,
    marks: Sequence[tuple[float, str]] = (),
    least_top: float = 0.0,
) -> str:
    """Series over time; ``stacked`` puts one on the other. ``marks``: vertical lines with a word."""
    unit_s, unit = time_unit(times[-1] if times else 1.0)
    xs = [at / unit_s for at in times]
    tops = [sum(each.values[at] for each in series) for at in range(len(xs))] if stacked else []
    most = max(tops, default=0.0) if stacked else max((max(each.values, default=0.0) for each in series), default=0.0)
    x_axis = Axis.over(xs[-1] if xs else 1.0, 8)
    plane = Plane(Axis(xs[-1] if xs and xs[-1] > 0 else 1.0, x_axis.step), Axis.over(max(most, least_top)), unit, name)
    base = [0.0] * len(xs)
    for each in series:
        values = [low + value for low, value in zip(base, each.values, strict=True)] if stacked else list(each.values)
        plane.parts.append(_area(plane, xs, base, values, each) if stacked else _line(plane, xs, values, each))
        base = values if stacked else base
    free = 0.0  # a word that would stand on the one before is shown under the pointer only
    for at_s, word in marks:
        x = at_s / unit_s
        plane.parts.append(_mark(plane, x, word, plane.x(x) >= free))
        free = max(free, plane.x(x) + WORD_PX)
    plane.parts.append(_looks(plane, xs, series, unit))
    return plane.svg(f"{name} over time") + legend(series)


def _points(plane: Plane, xs: Sequence[float], values: Sequence[float]) -> list[str]:
    """Points of a line; of a straight run only the ends."""
    found: list[str] = []
    last = len(xs) - 1
    for at, (x, value) in enumerate(zip(xs, values, strict=True)):
        if 0 < at < last and values[at - 1] == value == values[at + 1]:
            continue
        found.append(f"{plane.x(x):.1f},{plane.y(value):.1f}")
    return found


def _line(plane: Plane, xs: Sequence[float], values: Sequence[float], series: Series) -> str:
    return f'<polyline class="line c{series.style % SERIES}" points="{" ".join(_points(plane, xs, values))}"/>'


def _area(plane: Plane, xs: Sequence[float], base: Sequence[float], values: Sequence[float], series: Series) -> str:
    points = _points(plane, xs, values) + _points(plane, xs, base)[::-1]
    return f'<polygon class="area c{series.style % SERIES}" points="{" ".join(points)}"/>'


def _mark(plane: Plane, x: float, word: str, written: bool) -> str:
    at = plane.x(x)
    end = at > WIDTH * 0.75
    where = f'x="{at + (4 if end else -4):.1f}" y="{TOP - 8}" text-anchor="{"end" if end else "start"}"'
    text = f'<text class="word" {where}>{escape(word)}</text>' if written else ""
    line = f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 5}" y2="{HEIGHT - BOTTOM}">'
    return f"{line}<title>{escape(word)}</title></line>{text}"


def _looks(plane: Plane, xs: Sequence[float], series: Sequence[Series], unit: str) -> str:
    """Invisible strips with the values of their time, shown under the pointer."""
    step = max(1, len(xs) // 120)
    found = []
    for at in range(0, len(xs), step):
        left = plane.x(xs[at])
        right = plane.x(xs[min(at + step, len(xs) - 1)])
        lines = [f"{xs[at]:.4g} {unit}", *(f"{each.name}: {each.values[at]:,.4g}" for each in series)]
        found.append(
            f'<rect class="look" x="{left:.1f}" y="{TOP}" width="{max(0.5, right - left):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>{escape(chr(10).join(lines))}</title></rect>'
        )
    return "".join(found)


def bars(
    values: Sequence[float], name: str, x_name: str, label: Callable[[int], str], *, width: float, style: int = 0
) -> str:
    """A histogram; each bar is ``width`` wide in units of the x axis, ``label`` says what it stands for."""
    last = max((at for at, value in enumerate(values) if value), default=0) + 1
    plane = Plane(Axis.over(last * width, 8), Axis.over(max(values, default=0.0)), x_name, name)
    for at, value in enumerate(values[:last]):
        left, right = plane.x(at * width), plane.x((at + 1) * width)
        top = plane.y(value)
        if value and HEIGHT - BOTTOM - top < 1.5:
            top = HEIGHT - BOTTOM - 1.5  # few are not none
        plane.parts.append(
            f'<rect class="bar c{style}" x="{left + 0.5:.1f}" y="{top:.1f}" width="{right - left - 1:.1f}" '
            f'height="{HEIGHT - BOTTOM - top:.1f}"><title>{escape(label(at))}: {value:,.0f}</title></rect>'
        )
    return plane.svg(name)


def legend(series: Sequence[Series]) -> str:
    """Names beside their colours."""
    items = (f'<span><i class="c{each.style % SERIES}"></i>{escape(each.name)}</span>' for each in series)
    return f'<p class="legend">{"".join(items)}</p>'

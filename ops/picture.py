"""A session as a picture: its contexts in columns by duty and rows by region, its links as lines. SVG, no scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

COLUMNS = ("people", "ingress", "relay", "mix", "tap", "stage", "viewers")
TITLES = {"people": "publish", "relay": "relay", "viewers": "view"}
WIDE, HIGH, GAP, ROW, TOP, LEFT = 150, 44, 70, 58, 70, 90
STYLE = """
svg { background: #fff; font: 12px system-ui, sans-serif; color: #1c2733 }
text { fill: currentColor } .quiet { fill: #62707f } .region { fill: #f3f6f9 }
rect.box { fill: #fff; stroke: #62707f } rect.people { stroke-dasharray: 3 3 }
path { fill: none; stroke-width: 2 } .slot { stroke: #1f77b4 } .remote { stroke: #7a3fb0 }
.mix { stroke: #2c8a4b } .voice { stroke: #2c8a4b; stroke-dasharray: 4 3 } .bridge { stroke: #c4681b }
.trunk { stroke: #c4681b; stroke-width: 4 } .tap { stroke: #b02a52 } .leg { stroke: #a9b4bf }
@media (prefers-color-scheme: dark) {
  svg { background: #14191f; color: #e6ebf0 } .region { fill: #1c232b } rect.box { fill: #14191f; stroke: #8793a0 }
  .quiet { fill: #93a0ad }
}
"""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing in the picture."""

    key: str
    column: str
    region: str
    title: str
    note: str = ""


def draw(vmap: dict[str, Any], session: str) -> str:
    """The picture of a session on a map as ``GET /v1/map`` shows it; raises KeyError when there is none."""
    view = vmap["sessions"][session]
    boxes = sorted(_boxes(vmap["nodes"], view), key=lambda box: (box.region, COLUMNS.index(box.column), box.key))
    columns = [name for name in COLUMNS if any(box.column == name for box in boxes)]
    places, bands, height = _places(boxes, columns)
    width = LEFT + len(columns) * (WIDE + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(session)}</title><style>{STYLE}</style>",
        f'<text x="16" y="26" font-size="16">{escape(session)} · {escape(view["intent"]["scenario"])}</text>',
    ]
    for region, (top, bottom) in bands.items():
        parts.append(f'<rect class="region" x="8" y="{top}" width="{width - 16}" height="{bottom - top}" rx="8"/>')
        parts.append(f'<text class="quiet" x="18" y="{top + 20}">{escape(region or "?")}</text>')
    for number, name in enumerate(columns):
        title = TITLES.get(name, name)
        parts.append(f'<text class="quiet" x="{LEFT + number * (WIDE + GAP)}" y="{TOP - 14}">{title}</text>')
    lines = _lines(view, boxes)
    parts += [_line(places, *line) for line in lines]
    parts += _legend(sorted({kind for *_, kind, _ in lines} - {"leg"}), height - 16)
    parts += [_drawn(box, *places[box.key]) for box in boxes]
    return "\n".join([*parts, "</svg>", ""])


def _boxes(nodes: dict[str, Any], view: dict[str, Any]) -> Iterator[Box]:
    """Contexts, and beside them those who publish and those who view."""
    for name, context in view["contexts"].items():
        node, duty = context["node"], context["duty"]
        region = nodes.get(node, {}).get("region", "")
        here = view["attached"].get(name, 0)
        note = f"{here} in the mix" if duty == "mix" else ""
        yield Box(name, duty, region, node, note)
        if duty == "stage":
            yield Box(f"viewers {name}", "viewers", region, f"{here} viewers")
        elif duty == "ingress" and here:
            yield Box(f"people {name}", "people", region, f"{here} publish")


def _lines(view: dict[str, Any], boxes: list[Box]) -> list[tuple[str, str, str, int]]:
    """Lines (from, to, kind, how many); links of one kind between the same two are one line."""
    counts: dict[tuple[str, str, str], int] = {}
    for link in view["links"].values():
        key = (link["source"], link["target"], link["kind"])
        counts[key] = counts.get(key, 0) + 1
    keys = {box.key for box in boxes}
    lines = [(*key, count) for key, count in sorted(counts.items()) if {key[0], key[1]} <= keys]
    legs = [(box.key, box.key.partition(" ")[2]) for box in boxes if box.column == "people"]
    legs += [(box.key.partition(" ")[2], box.key) for box in boxes if box.column == "viewers"]
    return [(*leg, "leg", 1) for leg in legs] + lines


def _places(boxes: list[Box], columns: list[str]) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]], int]:
    """Where each box stands, and from where to where each region reaches."""
    places: dict[str, tuple[int, int]] = {}
    bands: dict[str, tuple[int, int]] = {}
    top = TOP
    for region in sorted({box.region for box in boxes}):
        rows = dict.fromkeys(columns, 0)
        for box in (box for box in boxes if box.region == region):
            x = LEFT + columns.index(box.column) * (WIDE + GAP)
            places[box.key] = (x, top + 12 + rows[box.column] * ROW)
            rows[box.column] += 1
        bottom = top + 12 + max(rows.values()) * ROW
        bands[region] = (top, bottom)
        top = bottom + 14
    return places, bands, top + 30


def _legend(kinds: list[str], y: int) -> Iterator[str]:
    """What the colours mean."""
    for number, kind in enumerate(kinds):
        x = 18 + number * 110
        yield f'<path class="{kind}" d="M{x} {y - 4} h26"/><text class="quiet" x="{x + 34}" y="{y}">{kind}</text>'


def _line(places: dict[str, tuple[int, int]], source: str, target: str, kind: str, count: int) -> str:
    """A curve from the right side of one box to the left side of another; within a column, round the right side."""
    (x1, y1), (x2, y2) = places[source], places[target]
    y1, y2 = y1 + HIGH // 2, y2 + HIGH // 2
    if x1 == x2:
        start, end, bend = x1 + WIDE, x2 + WIDE, x1 + WIDE + 46
        curve = f"M{start} {y1} C{bend} {y1} {bend} {y2} {end} {y2}"
    else:
        start, end = (x1 + WIDE, x2) if x1 < x2 else (x1, x2 + WIDE)
        middle = (start + end) // 2
        curve = f"M{start} {y1} C{middle} {y1} {middle} {y2} {end} {y2}"
    what = f"{kind}: {count}" if kind != "leg" else ""
    return f'<path class="{kind}" d="{curve}"><title>{what}</title></path>'


def _drawn(box: Box, x: int, y: int) -> str:
    """A box with its name, and a note below it."""
    shape = f'<rect class="box {box.column}" x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    below = f'<text class="quiet" x="{x + 10}" y="{y + 35}">{escape(box.note)}</text>' if box.note else ""
    return f'{shape}<text x="{x + 10}" y="{y + (19 if box.note else 26)}">{escape(box.title)}</text>{below}'

"""A run's result as one HTML page that needs nothing else: figures, plots, tables; light and dark."""

from __future__ import annotations

from html import escape
from typing import Any

from broker.sim.chart import Series, bars, over_time
from broker.sim.report import span

STYLE = """
:root{--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5d6b7c;--grid:#e3e7ec;--mark:#c2410c;
--c0:#2563eb;--c1:#e08a00;--c2:#0f9d76;--c3:#c0367a;--c4:#7c5cd6;--c5:#0891b2;--c6:#94a3b8;--c7:#b45309}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;--ink:#e6ebf2;--soft:#9aa7b8;--grid:#2c3440;
--mark:#fb923c;--c0:#6ea0ff;--c1:#f5b544;--c2:#3fcf9f;--c3:#f075b0;--c4:#a78bfa;--c5:#38bdf8;--c6:#7c8aa0;--c7:#fdba74}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 48px}h1{font-size:26px;margin:0 0 4px}
h2{font-size:15px;margin:0 0 2px}.about{color:var(--soft);margin:0 0 20px;max-width:75ch}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(max(165px,23%),1fr));gap:12px;margin-bottom:12px}
.figure,.card{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:12px 14px}
.figure b{display:block;font-size:24px;font-weight:650;letter-spacing:-.01em}
.figure span{color:var(--soft);font-size:13px}
.figure.bad b{color:var(--mark)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:12px}
.note{color:var(--soft);font-size:13px;margin:0 0 8px}
svg{width:100%;height:auto;display:block}.grid{stroke:var(--grid)}
.tick{fill:var(--soft);font-size:11px}.name{fill:var(--soft);font-size:11.5px;text-anchor:middle}
.word{fill:var(--mark);font-size:11px}.mark{stroke:var(--mark);stroke-dasharray:3 3}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.area{fill-opacity:.8;stroke-width:.5}
.look{fill:transparent}.look:hover{fill:var(--ink);fill-opacity:.08}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;margin:6px 0 0;font-size:13px;color:var(--soft)}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:5px}
table{border-collapse:collapse;width:100%;font-size:14px}td,th{padding:4px 8px;text-align:right;
border-bottom:1px solid var(--grid);font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left;padding-left:0}th{color:var(--soft);font-weight:500}
footer{color:var(--soft);font-size:13px;margin-top:20px}
""" + "".join(
    f".line.c{n}{{stroke:var(--c{n})}}.area.c{n},.bar.c{n}{{fill:var(--c{n});stroke:var(--c{n})}}"
    f".legend .c{n}{{background:var(--c{n})}}"
    for n in range(8)
)


def page(result: dict[str, Any], wall: dict[str, float]) -> str:
    """The page."""
    title = f"{result['case']} — rtcdn simulation"
    cards = "".join(
        f'<section class="card"><h2>{escape(name)}</h2><p class="note">{escape(note)}</p>{content}</section>'
        for name, note, content in [*_plots(result), *_tables(result)]
    )
    what = (
        f"{span(result['duration_s'])} of virtual time, {result['nodes']} nodes in {len(result['regions'])} regions, "
        f"policy {result['policy']}, seed {result['seed']}"
    )
    decided = sum(result["totals"]["requests"].values())
    foot = (
        f"{decided:,} decisions by the broker's own core in {wall['cpu_s']:.1f} s of processor time ("
        f"{wall['decisions_ps']:,.0f} a second, put into the map). "
        f"Digest of all decisions: {result['decisions_digest']}. The same file and seed give the same run."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{escape(result["case"])}</h1><p class="about">{escape(result["about"])}. {escape(what)}.</p>'
        f'<div class="figures">{_figures(result)}</div><div class="cards">{cards}</div>'
        f"<footer>{escape(foot)}</footer></main></body></html>\n"
    )


def _figures(result: dict[str, Any]) -> str:
    totals, distance, cost = result["totals"], result["distance"], result["totals"]["cost"]
    refused = sum(totals["refusals"].values())
    shown = [
        (f"{totals['people']:,}", "people came", False),
        (f"{totals['peak_viewers']:,}", "viewers at the peak", False),
        (f"{distance['p50_ms']:.0f} / {distance['p95_ms']:.0f} ms", "to the egress, p50 / p95", False),
        (f"{refused:,}", f"placements refused, {totals['gave_up']:,} gave up", totals["gave_up"] > 0),
        (f"{sum(totals['moves'].values()):,}", "moves", False),
        (f"{totals['dark_viewer_minutes']:,.0f} min", "viewers without media, in all", totals["dark_at_end"] > 0),
        (f"{cost['node_hours_in_use']:,.1f} h", f"of nodes in use, of {cost['node_hours_there']:,.1f}", False),
        (_gb(cost["egress_gb"]), f"to people; {_gb(cost['inter_region_gb'])} between regions", False),
    ]
    return "".join(
        f'<div class="figure{" bad" if bad else ""}"><b>{escape(value)}</b><span>{escape(what)}</span></div>'
        for value, what, bad in shown
    )


def _gb(value: float) -> str:
    return f"{value / 1000:,.1f} TB" if value >= 10_000 else f"{value:,.0f} GB"


def _plots(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    samples, marks, regions = result["samples"], result["marks"], result["regions"]
    times = [sample["t"] for sample in samples]

    def line(*names: str) -> list[Series]:
        return [Series(name, [sample[name] for sample in samples], at) for at, name in enumerate(names)]

    people = [Series(name, [s["viewers"].get(name, 0) for s in samples], at) for at, name in enumerate(regions)]
    kinds = {"ST": "egress", "VR": "ingress and relays", "AB": "mixes"}
    nodes = [Series(what, [s["nodes"].get(k, 0) for s in samples], at) for at, (k, what) in enumerate(kinds.items())]
    heaviest = [
        Series(name, [s["weights"].get(name, {}).get("max", 0.0) for s in samples], at)
        for at, name in enumerate(regions)
        if any(name in s["weights"] for s in samples)
    ]
    every = {mark: [_over(s["weights"], mark) for s in samples] for mark in ("max", "p50", "min")}
    spreads = [Series(what, every[mark], at) for at, (mark, what) in enumerate(
        {"max": "heaviest", "p50": "median (of the regions' medians)", "min": "lightest"}.items())]  # fmt: skip
    dark = [Series("without media", [s["dark"] for s in samples], 3)]
    distance = result["distance"]
    never = {name for name, key in NOTHING.items() if not any(sample[each] for sample in samples for each in key)}
    plots = [
        ("Viewers", "by their own region", over_time(times, people, "viewers", stacked=True, marks=marks)),
        ("Nodes in use", "that hold a context", over_time(times, nodes, "nodes", stacked=True, marks=marks)),
        ("Weight of egress nodes in use", "100 is full; own grants go no further than 90",
         over_time(times, spreads, "points of weight", marks=marks, least_top=100)),
        ("Heaviest egress node of each region", "true load, not the report",
         over_time(times, heaviest, "points of weight", marks=marks, least_top=100)),
        ("Distance of viewers from their egress", f"round trip at each of {distance['placed']:,} placements",
         bars(distance["histogram"], "placements", "round trip, ms",
              lambda at: f"{at * distance['bin_ms']}–{(at + 1) * distance['bin_ms']} ms", width=distance["bin_ms"])),
        ("Moves and refusals", "added up", over_time(times, line("moves", "refused"), "in all", marks=marks)),
        ("Viewers without media", "whose node died under them", over_time(times, dark, "viewers", marks=marks)),
        ("Traffic between regions", "copies of streams over all links",
         over_time(times, [Series("between regions", [s["region_mbps"] for s in samples], 4)], "Mbit/s", marks=marks)),
    ]  # fmt: skip
    return [plot for plot in plots if plot[0] not in never]


# plots that are left out when there was nothing of it
NOTHING = {"Moves and refusals": ("moves", "refused"), "Viewers without media": ("dark",)}


def _over(weights: dict[str, dict[str, float]], mark: str) -> float:
    values = sorted(each[mark] for each in weights.values())
    if not values:
        return 0.0
    return {"max": values[-1], "min": values[0], "p50": values[len(values) // 2]}[mark]


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _tables(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    totals, best, cost = result["totals"], result["optimum"], result["totals"]["cost"]
    by_region = [
        [name, *(f"{marks[mark]:.0f}" for mark in ("p50", "p95", "max"))]
        for name, marks in result["distance"]["by_region"].items()
    ]
    counted = [["refused: " + name, f"{count:,}"] for name, count in totals["refusals"].items()]
    counted += [["refused: " + name, f"{count:,}"] for name, count in totals["refused_other"].items()]
    counted += [["moved: " + name, f"{count:,}"] for name, count in totals["moves"].items()]
    counted += [["request: " + name, f"{count:,}"] for name, count in totals["requests"].items()]
    money = [
        ["nodes in use", f"{cost['node_hours_in_use']:,.1f} h", f"{cost['nodes_in_use_cost']:,.2f}"],
        ["all nodes", f"{cost['node_hours_there']:,.1f} h", f"{cost['nodes_there_cost']:,.2f}"],
        ["sent to people", f"{cost['egress_gb']:,.0f} GB", f"{cost['egress_cost']:,.2f}"],
        ["between regions", f"{cost['inter_region_gb']:,.1f} GB", "–"],
    ]
    found = [("Distance by region", "round trip in ms", _table(["viewers from", "p50", "p95", "most"], by_region))]
    if best:
        heaviest = f"{best['weight_max']:.0f}"
        rows = [
            ["mean way between regions, ms", f"{best['mean_ms']:.1f}", f"{best['optimum_mean_ms']:.1f}"],
            ["viewers not in their nearest region", f"{best['not_nearest']:,}", f"{best['optimum_not_nearest']:,}"],
            ["heaviest egress node, level on all nodes", heaviest, f"{best['optimum_weight_max']:.0f}"],
            ["heaviest egress node, level on those in use", heaviest, f"{best['level_weight_max']:.0f}"],
            ["egress nodes in use", f"{best['nodes_used']}", f"of {best['nodes_there']}"],
        ]
        note = f"the same {best['viewers']:,} viewers placed at once with full knowledge, at {span(best['at_s'])}"
        found.append(("Beside the optimum", note, _table(["at the peak", "here", "optimum"], rows)))
    found.append(("Cost", "in the operator's money", _table(["", "amount", "cost"], money)))
    found.append(("Counts", "refusals by reason, moves by cause, requests decided", _table(["", "count"], counted)))
    return found

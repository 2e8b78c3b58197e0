"""A run's result as text on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def text(result: dict[str, Any], wall: dict[str, float]) -> str:
    """The summary. ``wall``: what real time it took; not part of the result."""
    where = f"{result['nodes']} nodes in {len(result['regions'])} regions"
    head = [
        f"{result['case']}: {result['about']}",
        f"seed {result['seed']}, policy {result['policy']}, {where}, {span(result['duration_s'])} of virtual time",
        "",
    ]
    rows = [f"{name:13}{line}" for name, line in (*_people(result), *_peak(result["optimum"]), *_means(result))]
    decided = f"{wall['decisions_ps']:,.0f} decisions a second, each put into the map"
    return "\n".join(
        [
            *head,
            *rows,
            "",
            f"took {wall['run_s']:.1f} s, {wall['cpu_s']:.1f} s of processor, {decided}",
            f"digest of all decisions {result['decisions_digest']}",
        ]
    )


def _people(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    totals, distance = result["totals"], result["distance"]
    most = f"at most {totals['peak_viewers']:,} viewers at once ({span(totals['peak_t'])})"
    yield "people", f"{totals['people']:,} came, {totals['joins']:,} placements, {most}"
    yield "refusals", f"{counts(totals['refusals'])}; {totals['gave_up']:,} gave up"
    if totals["refused_other"]:
        yield "", f"other requests: {counts(totals['refused_other'])}"
    yield "moves", counts(totals["moves"])
    hours = f"of {totals['viewer_hours']:,.0f} viewer hours"
    yield (
        "in the dark",
        f"{totals['dark_viewer_minutes']:,.1f} viewer minutes {hours}; {totals['dark_at_end']} at the end",
    )
    spread = ", ".join(f"{name} {distance[key]:.0f} ms" for name, key in DISTANCES.items())
    yield "distance", f"{spread}, from a viewer to the egress he was given"


DISTANCES = {"p50": "p50_ms", "p95": "p95_ms", "most": "max_ms"}


def _peak(best: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not best:
        return
    weights = f"p50 {best['weight_p50']:.0f}, p95 {best['weight_p95']:.0f}, most {best['weight_max']:.0f}"
    yield "at the peak", f"weight of egress nodes {weights}; {best['nodes_used']} of {best['nodes_there']} in use"
    level = f"most {best['level_weight_max']:.0f} if perfectly level on those in use"
    yield "  optimum", f"{level}, {best['optimum_weight_max']:.0f} with the nearest with room on all"
    way = f"{best['mean_ms']:.1f} ms between regions on average (optimum {best['optimum_mean_ms']:.1f})"
    yield "", f"{way}; {best['not_nearest']:,} not in the nearest (optimum {best['optimum_not_nearest']:,})"
    if best["optimum_without_room"]:
        yield "", f"{best['optimum_without_room']:,} without room in the optimum"


def _means(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    totals, cost = result["totals"], result["totals"]["cost"]
    over = f"{totals['overloaded_node_s']:,.0f} node seconds above weight 100"
    yield "nodes", f"{cost['node_hours_in_use']:,.1f} node hours in use of {cost['node_hours_there']:,.1f}; {over}"
    nodes = f"{cost['nodes_in_use_cost']:,.2f} for nodes in use ({cost['nodes_there_cost']:,.2f} for all)"
    yield "cost", f"{nodes}, {cost['egress_cost']:,.2f} for {cost['egress_gb']:,.0f} GB to people"
    yield "traffic", f"{cost['inter_region_gb']:,.1f} GB between regions"
    yield "decisions", f"{sum(totals['requests'].values()):,}: {counts(totals['requests'])}"
    yield "invariants", counts(totals["broken_invariants"]) if totals["broken_invariants"] else "all held"


def counts(found: dict[str, int]) -> str:
    """Counts in words, the most frequent first."""
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count:,} {name}" for name, count in ordered) or "none"


def span(seconds: float) -> str:
    """A time in the unit that reads best."""
    if seconds < 300:
        return f"{seconds:.0f} s"
    if seconds < 3 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

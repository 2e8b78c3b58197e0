"""A run's result as text on one screen."""

from __future__ import annotations

from typing import Any


def text(result: dict[str, Any], wall: dict[str, float]) -> str:
    """The summary. ``wall``: what real time it took; not part of the result."""
    totals, distance, best, cost = result["totals"], result["distance"], result["optimum"], result["totals"]["cost"]
    lines = [
        f"{result['case']}: {result['about']}",
        f"seed {result['seed']}, policy {result['policy']}, {result['nodes']} nodes in {len(result['regions'])} regions, "
        f"{span(result['duration_s'])} of virtual time",
        "",
        f"people       {totals['people']:,} came, {totals['joins']:,} placements, at most "
        f"{totals['peak_viewers']:,} viewers at once ({span(totals['peak_t'])})",
        f"refusals     {counts(totals['refusals'])}; {totals['gave_up']:,} gave up"
        + (f"; other requests: {counts(totals['refused_other'])}" if totals["refused_other"] else ""),
        f"moves        {counts(totals['moves'])}",
        f"without media {totals['dark_viewer_minutes']:,.1f} viewer minutes of {totals['viewer_hours']:,.0f} viewer "
        f"hours; {totals['dark_at_end']} viewers at the end",
        f"distance     p50 {distance['p50_ms']:.0f} ms, p95 {distance['p95_ms']:.0f} ms, most {distance['max_ms']:.0f} ms"
        " from a viewer to the egress that was given to him",
    ]
    if best:
        lines += [
            f"at the peak  weight of egress nodes in use: p50 {best['weight_p50']:.0f}, p95 {best['weight_p95']:.0f}, "
            f"most {best['weight_max']:.0f}; {best['nodes_used']} of {best['nodes_there']} nodes in use",
            f"  optimum    same people, perfectly level on the nodes in use: most {best['level_weight_max']:.0f}; nearest "
            f"with room on all nodes: most {best['optimum_weight_max']:.0f}",
            f"             way between regions: {best['mean_ms']:.1f} ms on average, optimum {best['optimum_mean_ms']:.1f}; "
            f"not in the nearest region {best['not_nearest']:,}, optimum {best['optimum_not_nearest']:,}; "
            f"without room in the optimum {best['optimum_without_room']:,}",
        ]
    lines += [
        f"nodes        {cost['node_hours_in_use']:,.1f} node hours in use of {cost['node_hours_there']:,.1f} there; "
        f"above weight 100 for {totals['overloaded_node_s']:,.0f} node seconds",
        f"cost         {cost['nodes_in_use_cost']:,.2f} for nodes in use ({cost['nodes_there_cost']:,.2f} for all), "
        f"{cost['egress_cost']:,.2f} for {cost['egress_gb']:,.0f} GB to people",
        f"traffic      {cost['inter_region_gb']:,.1f} GB between regions",
        f"decisions    {sum(totals['requests'].values()):,}: {counts(totals['requests'])}",
        f"invariants   {counts(totals['broken_invariants']) if totals['broken_invariants'] else 'all held'}",
        "",
        f"took {wall['run_s']:.1f} s, {wall['decisions_ps']:,.0f} decisions a second put into the map "
        f"(digest {result['decisions_digest']})",
    ]
    return "\n".join(lines)


def counts(found: dict[str, int]) -> str:
    """Counts in words, the most frequent first."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(found.items(), key=lambda e: (-e[1], e[0]))) or "none"


def span(seconds: float) -> str:
    """A time in the unit that reads best."""
    if seconds < 300:
        return f"{seconds:.0f} s"
    if seconds < 3 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

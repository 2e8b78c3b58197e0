"""What is said of an audience that cannot be served as asked: unknown regions, more than all nodes carry."""

from __future__ import annotations

from math import ceil

from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.wrappers import kind_for, view_load

STRICT = "strict"  # feature: refuse instead of a remark
SHORT = ("unknown-region", "short-of-capacity", "impossible-audience")


def check(draft: Draft) -> None:
    """Remarks on the audience of a session that was just opened; with the feature ``strict`` it is refused."""
    draft.reasons.extend(_remarks(draft))
    short = [reason for reason in draft.reasons if reason.code in SHORT]
    if short and draft.intent.features.get(STRICT):
        raise Refused("no-capacity", "; ".join(reason.detail for reason in short))


def _remarks(draft: Draft) -> list[Reason]:
    audience = {region: count for region, count in draft.intent.audience.items() if count > 0}
    vmap = draft.vmap
    with_nodes = set(vmap.regions())
    known = with_nodes | {gateway.region for gateway in vmap.gateways.values() if gateway.region}
    remarks = []
    for region in sorted(set(audience) - known):
        among = f"known are {', '.join(sorted(known))}" if known else "no region is known yet"
        detail = f"audience.{region}: no node or gateway is in {region}, {among}; its viewers are led elsewhere"
        remarks.append(Reason("unknown-region", detail))
    stage = kind_for(vmap.kinds, "stage")
    load = view_load(draft.intent.bitrate_bps)
    full = draft.policy.limits.full_weight
    egress = [wrapper for wrapper in map(vmap.node, sorted(vmap.nodes)) if wrapper and wrapper.kind == stage]
    costs = [load.cost(wrapper.labels.capacity) for wrapper in egress if not wrapper.silent]
    most, wanted = sum(int(full / cost) for cost in costs if cost), sum(audience.values())
    if wanted > most and all(costs):
        each = most // len(costs) if costs else 0
        more = f": {ceil((wanted - most) / each)} more such nodes are needed" if each else ": there is no egress node"
        detail = f"all {len(costs)} egress nodes together carry {most} viewers when empty, {wanted} are expected{more}"
        remarks.append(Reason("impossible-audience", detail))
    return remarks

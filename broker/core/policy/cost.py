"""Filters and scores about money, margins and bursts: what ``cost`` and ``pack`` ask beside the others."""

from __future__ import annotations

from broker.core.policy.base import Need, Thresholds
from broker.core.policy.terms import FAR_MS, STEP, NamedFilter, NamedScore
from broker.core.wrappers import NodeWrapper

HOUR_SCALE = 1.0  # a node of this price an hour scores half of what a free one does
GB_SCALE = 0.05  # and so does a gigabyte of this price


def distance_ms(wrapper: NodeWrapper, need: Need) -> float:
    """How far a node is: measured, else by the order of regions as ``near`` counts it."""
    if wrapper.region in need.rtt_ms:
        return need.rtt_ms[wrapper.region]
    if not need.regions:
        return 0.0
    if wrapper.region not in need.regions:
        return FAR_MS
    return min(FAR_MS, FAR_MS * STEP / 100 * need.regions.index(wrapper.region))


def _reach(wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
    return None if distance_ms(wrapper, need) <= limits.reach_ms else "far"


def _margin(wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
    after = wrapper.weight + need.load.cost(wrapper.labels.capacity)
    return None if after <= limits.full_weight - limits.pack_margin else "margin"


def _node_burst(wrapper: NodeWrapper, _need: Need, limits: Thresholds) -> str | None:
    return None if wrapper.unreported < limits.node_burst_legs else "node-burst"


def _cheap(wrapper: NodeWrapper, _need: Need, _limits: Thresholds) -> float:
    return 100.0 / (1.0 + max(0.0, wrapper.labels.price_gb) / GB_SCALE)


def _paid(wrapper: NodeWrapper, _need: Need, _limits: Thresholds) -> float:
    """100 for a node that serves anything, so is paid for already; an idle one by its price an hour."""
    if wrapper.hosting or wrapper.in_use:
        return 100.0
    return 50.0 / (1.0 + max(0.0, wrapper.labels.price_hour) / HOUR_SCALE)


reach = NamedFilter("reach", _reach)
margin = NamedFilter("margin", _margin)
node_burst = NamedFilter("node_burst", _node_burst)
cheap = NamedScore("cheap", _cheap)
paid = NamedScore("paid", _paid)

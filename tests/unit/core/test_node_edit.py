"""One node's changes gathered in one edit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.node_edit import NodeEdit
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import SETTLE_S, Grants, NodeWrapper
from rtcdn import keys
from rtcdn.model import DrainIntent, Leg, ParticipantIntent, PluginData
from tests.unit.core.worlds import node

NOW_S = 1_000_000.0
ROOM = "demo/ingress-vr1"
LEG = Leg("publish", node="vr1", context=ROOM, gateway="gw")
VALUES = {
    "JN:vr1": ("VR", "ST", "XX", None),
    "VR:vr1:ADDRESS": ("192.0.2.9:8188", "", None),
    "VR:vr1:REGION": ("local", "elsewhere", None),
    "VR:vr1:WEIGHT": ("5", "80.5", "-1", "much", None),
    "VR:vr1:LABELS": ('{"host":"h1"}', '{"capacity":3}', "{", None),
    "VR:vr1:PLUGIN": ('{"talkers":{"demo/mix":["ann"]}}', '{"handles":3}', "[]", None),
    keys.drain("vr1"): (DrainIntent("ann").to_json(), "?", None),
    keys.context("demo", "ingress-vr1"): ('{"node":"vr1","kind":"VR"}', None),
    keys.participant("demo", "ann"): (ParticipantIntent(legs=(LEG,), joined_s=NOW_S).to_json(), None),
}
CHANGES = st.sampled_from([(key, text) for key, texts in VALUES.items() for text in texts])


@settings(deadline=None)
@given(st.lists(CHANGES, max_size=16))
def test_changes_at_once_give_what_they_give_one_by_one(changes: list[tuple[str, str | None]]) -> None:
    """So what waits may be taken together."""
    base = VirtualMap.build({key: (text, 1) for key, text in node("vr1", "VR", "local", 9).report()}, NOW_S)
    batch = [(key, text, revision) for revision, (key, text) in enumerate(changes, 2)]
    together, apart = base.apply(batch, NOW_S), base
    for change in batch:
        apart = apart.apply([change], NOW_S)
    assert dict(together.nodes) == dict(apart.nodes)
    assert (together.unreadable, together.revision) == (apart.unreadable, apart.revision)
    assert together.check() == apart.check()


def test_nothing_put_in_changes_nothing() -> None:
    """That the presence of a node not known is gone makes no node of it."""
    edit = NodeEdit(NodeWrapper("vr1"), NOW_S)
    assert (edit.put_presence(None, ("VR",)), edit.changed) == (True, False)
    assert not VirtualMap.empty().apply([("JN:vr1", None, 2), ("VR:vr1:CPU", None, 2)], NOW_S).nodes


def test_a_report_keeps_grants_that_it_cannot_contain() -> None:
    """Also those given in the same batch before it; the cost follows."""
    edit = NodeEdit(NodeWrapper("vr1", grants=(Grants(NOW_S - SETTLE_S, "demo", 1, 4.0),), own_cost=4.0), NOW_S)
    edit.put_grant("demo", 2.5, NOW_S)
    edit.put_detail("VR", "PLUGIN", PluginData().to_json())
    wrapper = edit.finish()
    assert (wrapper.own_cost, wrapper.recent("demo")) == (2.5, 1)

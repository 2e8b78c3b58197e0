"""Steps side by side: only such as touch nothing of each other, in the order of the plan."""

from __future__ import annotations

from broker.core.actions import CreateContext, DestroyContext, Order, RepointLink, StartLink, Step, StopLink
from broker.waves import waves
from rtcdn.model import ContextIntent, Kind, LinkIntent

EU = ContextIntent(kind=Kind.ST, node="eu-st1")
ROOM = ContextIntent(kind=Kind.VR, node="eu-vr1")


def start(name: str, kind: str, source: str, target: str, who: str = "", slot: str = "") -> StartLink:
    """A link that begins."""
    return StartLink("s", name, LinkIntent(kind, source, target, participant=who, slot=slot), ROOM, EU)


def stop(step: StartLink) -> StopLink:
    """The same link ends."""
    return StopLink("s", step.id, step.after, ROOM, EU)


def cut(*steps: Step) -> list[list[str]]:
    """Ids of the steps of each wave."""
    found = list(waves(steps))
    assert [step for wave in found for step in wave] == list(steps)
    return [[step.id for step in wave] for wave in found]


def test_contexts_are_made_at_once_and_removed_at_once() -> None:
    """But not with links, and a module is told of a tap by itself."""
    made = [CreateContext("s", name, EU) for name in ("a", "b")]
    tap = CreateContext("s", "tap", ContextIntent(kind=Kind.AI, node="ai1"))
    gone = [DestroyContext("s", name, EU) for name in ("a", "b")]
    assert cut(tap, *made, start("l", "mix", "m", "a"), *gone) == [["tap"], ["a", "b"], ["l"], ["a", "b"]]


def test_slots_and_mixes_of_all_stages_start_at_once() -> None:
    """Each has ports of its own; two for one slot follow each other."""
    ann = [start(f"ann-{stage}", "slot", "room", stage, "ann", "v1") for stage in ("eu", "us")]
    mix, bob = start("mix", "mix", "mix", "eu"), start("bob", "slot", "room", "eu", "bob", "v2")
    late = start("late", "slot", "room", "eu", "bob", "v1")
    assert cut(*ann, mix, bob, late) == [["ann-eu", "ann-us", "mix", "bob"], ["late"]]
    assert cut(*map(stop, [*ann, mix, bob])) == [["ann-eu", "ann-us", "mix", "bob"]]


def test_a_remote_publisher_stands_before_what_leaves_from_it() -> None:
    """Feeds first; two of one room wait for each other, and so do two sends of one voice."""
    feeds = [start("r1", "remote", "a", "b", "ann"), start("r2", "remote", "a", "c", "bob")]
    assert cut(*feeds, start("slot", "slot", "b", "eu", "ann", "v1")) == [["r1", "r2"], ["slot"]]
    voices = [start("v1", "voice", "a", "m1", "ann"), start("v2", "voice", "b", "m2", "bob")]
    assert cut(*voices) == [["v1", "v2"]]
    assert cut(voices[0], start("v3", "voice", "a", "m3", "ann")) == [["v1"], ["v3"]]
    assert cut(start("b1", "bridge", "m1", "m2"), start("b2", "bridge", "m3", "m2")) == [["b1"], ["b2"]]


def test_re_points_go_stage_by_stage() -> None:
    """Within one stage slots are exchanged in their order; voices, trunks, taps and orders are done one by one."""

    def repoint(name: str, kind: str, target: str) -> RepointLink:
        before, after = LinkIntent(kind, "a", target, slot="v1"), LinkIntent(kind, "a", target, slot="v2")
        return RepointLink("s", name, before, after, ROOM, EU, ROOM, EU)

    assert cut(repoint("x", "slot", "eu"), repoint("y", "slot", "us"), repoint("z", "slot", "eu")) == [
        ["x", "y"],
        ["z"],
    ]
    alone = [repoint("v", "voice", "m"), start("t", "trunk", "m", "n"), start("p", "tap", "m", "tap-x")]
    assert cut(*alone, Order("s", "ann", "1", "role")) == [["v"], ["t"], ["p"], ["ann"]]

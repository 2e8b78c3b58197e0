"""Idle contexts are removed, of every duty, but never the last."""

from __future__ import annotations

from broker.core.requests import Leave
from tests.unit.core.test_reorganise import arrive, comes
from tests.unit.core.worlds import continents, opened, speaks


def test_idle_contexts_are_reaped_of_every_duty_but_the_last() -> None:
    """An ingress whose speaker left, a stage whose viewers left: gone after the idle time; one of each stays."""
    world = continents()
    opened(world, eu=1)
    speaks(world, "ann", regions=("us",))
    speaks(world, "bob", regions=("eu",))
    comes(world, "vic", regions=("us",))
    arrive(world, 5)
    view = world.vmap.sessions["demo"]
    assert sorted(context.duty for context in view.contexts.values()) == ["ingress", "ingress", "mix", "stage", "stage"]
    for name in ("ann", "vic"):
        node = next(leg.node for leg in view.participants[name].legs)
        world.ask(Leave("demo", name))
        for janus_id in list(world.nodes[node].contexts):
            world.nodes[node].unpublish(janus_id, name)
    arrive(world, 5)
    for _ in range(2):
        world.housekeep()
        arrive(world, 61)
    world.housekeep()
    left = world.vmap.sessions["demo"].contexts.values()
    assert sorted(context.duty for context in left) == ["ingress", "mix", "stage"]
    assert world.vmap.check() == []

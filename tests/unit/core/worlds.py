"""Worlds and participants that the stories of the core share."""

from __future__ import annotations

from broker.core.decisions import Decision, Refusal
from broker.core.policy.base import Policy
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, MediaUp, OpenSession
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn.model import Capacity, Role, SessionIntent, StreamInfo

AUDIO = StreamInfo("audio", "0", "opus")
CAMERA = StreamInfo("video", "1", "vp8")
SIMULCAST = StreamInfo("video", "1", "vp8", simulcast=True)
SCREEN = StreamInfo("video", "2", "vp8")


def node(name: str, kind: str, region: str, number: int, handles: int = 400) -> FakeNode:
    """A fake node with an address of its own."""
    return FakeNode(name, kind, region, f"192.0.2.{number}", Capacity(handles=handles))


def local(stages: int = 2, handles: int = 400, policy: Policy = BALANCED) -> World:
    """One region: a VideoRoom, an AudioBridge and some egress nodes; gateway ``gw``."""
    nodes = [node("vr1", "VR", "local", 1), node("ab1", "AB", "local", 2)]
    nodes += [node(f"st{i}", "ST", "local", 10 + i, handles) for i in range(1, stages + 1)]
    world = World(nodes, policy)
    world.gateway("gw", "local")
    return world


def continents(policy: Policy = BALANCED) -> World:
    """Two regions, eu and us, each with two of each kind."""
    nodes = []
    for base, region in ((100, "eu"), (200, "us")):
        for offset, kind in enumerate(("VR", "AB", "ST")):
            nodes += [node(f"{region}-{kind.lower()}{i}", kind, region, base + 10 * offset + i) for i in (1, 2)]
    world = World(nodes, policy)
    world.gateway("gw", "eu")
    return world


def opened(world: World, session: str = "demo", slots: int = 4, **audience: int) -> Decision:
    """Open a session; it must be granted."""
    answer = world.ask(OpenSession(session, SessionIntent(slots=slots, audience=audience)))
    assert isinstance(answer, Decision), answer
    assert world.vmap.check() == []
    return answer


def attach(
    world: World,
    name: str,
    want: str = "view",
    session: str = "demo",
    regions: tuple[str, ...] = (),
    gateway: str = "gw",
) -> Decision | Refusal:
    """A participant asks for one leg; publishers come with a speaker's token."""
    role = Role.SPEAKER if want == "publish" else Role.VIEWER
    return world.ask(Attach(session, name, (want,), role, gateway=gateway, regions=regions))


def watches(world: World, name: str, session: str = "demo", regions: tuple[str, ...] = ()) -> str:
    """A viewer comes and his media flows; gives the node."""
    answer = attach(world, name, "view", session, regions)
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    world.ask(MediaUp(session, name, "view", answer.grant.generation, 1, 2))
    assert world.vmap.check() == []
    return answer.grant.legs[0].node


def speaks(
    world: World,
    name: str,
    streams: tuple[StreamInfo, ...] = (AUDIO, CAMERA),
    session: str = "demo",
    regions: tuple[str, ...] = (),
) -> str:
    """A speaker comes and his media flows; gives the node of his ingress."""
    answer = attach(world, name, "publish", session, regions)
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    leg = answer.grant.legs[0]
    world.nodes[leg.node].publish(leg.context, name)
    up = world.ask(MediaUp(session, name, "publish", answer.grant.generation, 1, 2, streams))
    assert isinstance(up, Decision), up
    assert world.vmap.check() == []
    return leg.node


def shown(world: World, session: str = "demo") -> dict[str, str]:
    """Who is in which slot, on every stage alike."""
    view = world.vmap.sessions[session]
    return {link.slot: link.participant for link in view.links.values() if link.kind == "slot"}


def voices(world: World, session: str = "demo") -> set[str]:
    """Whose audio goes into the mix."""
    return {link.participant for link in world.vmap.sessions[session].links.values() if link.kind == "voice"}


def steps(answer: Decision | Refusal) -> list[str]:
    """The plan in short."""
    assert isinstance(answer, Decision), answer
    return [short(step) for step in answer.plan]


def short(step: object) -> str:
    """A step in short: its name, its id, and whom it carries."""
    from broker.core.actions import Order, step_name

    words = [step_name(step), step.order if isinstance(step, Order) else "", step.id]  # type: ignore[arg-type, attr-defined]
    return " ".join(word for word in words if word)

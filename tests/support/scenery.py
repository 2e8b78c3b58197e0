"""The pictures of docs/scenarios.md, drawn from maps that the core makes: ``python -m tests.support.scenery``."""

from __future__ import annotations

import json
from pathlib import Path

from broker.core.decisions import Decision
from broker.core.requests import Attach, MediaUp, OpenSession
from broker.sim.node import FakeNode
from broker.sim.world import World
from ops.picture import draw
from rtcdn.model import Capacity, Role, SessionIntent, StreamInfo

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
REGIONS = ("ap", "eu", "us")
STREAMS = (StreamInfo("audio", "0", "opus"), StreamInfo("video", "1", "vp8"))


def world(stages: int) -> World:
    """Three regions, each with a VideoRoom, an AudioBridge and ``stages`` Streaming nodes on hosts of their own."""
    fakes = []
    for base, region in enumerate(REGIONS):
        kinds = [("vr1", "VR"), ("ab1", "AB"), *((f"st{n}", "ST") for n in range(1, stages + 1))]
        for number, (name, kind) in enumerate(kinds):
            address = f"192.0.2.{20 * base + number + 1}"
            fakes.append(FakeNode(f"{region}-{name}", kind, region, address, Capacity(handles=400)))
    made = World(fakes)
    for region in REGIONS:
        made.gateway(f"gw-{region}", region)
    return made


def comes(made: World, who: str, region: str, *want: str, role: Role = Role.VIEWER) -> None:
    """A participant comes to session ``demo`` in a region, and his media flow."""
    asked = Attach("demo", who, want, role, rights=("speak",), gateway=f"gw-{region}", regions=(region,))
    answer = made.ask(asked)
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    for leg in answer.grant.legs:
        if leg.leg == "publish":
            made.nodes[leg.node].publish(leg.context, who)
        streams = STREAMS if leg.leg == "publish" else ()
        made.ask(MediaUp("demo", who, leg.leg, answer.grant.generation, 1, 2, streams))


def archipelago() -> World:
    """Two speakers in two regions, an audience in three that needs two stages each."""
    made = world(stages=2)
    made.ask(OpenSession("demo", SessionIntent("archipelago", audience=dict.fromkeys(REGIONS, 500))))
    for who, region in (("ada", "eu"), ("bob", "us")):
        comes(made, who, region, "publish", "talk", role=Role.SPEAKER)
    for number in range(60):
        comes(made, f"guest-{number}", REGIONS[number % 3], "view")
    return made


def big_island() -> World:
    """Everybody may speak; some in each region do, and some show themselves."""
    made = world(stages=1)
    made.ask(OpenSession("demo", SessionIntent("big_island", slots=6, audience=dict.fromkeys(REGIONS, 60))))
    for number in range(48):
        region = REGIONS[number % 3]
        role = Role.SPEAKER if number < 12 else Role.VIEWER
        comes(made, f"one-{number}", region, *(("publish",) if number < 6 else ()), "talk", "view", role=role)
    return made


def atollo() -> World:
    """Four people on one host."""
    fakes = [
        FakeNode("eu-vr1", "VR", "eu", "192.0.2.1", machine="eu1"),
        FakeNode("eu-ab1", "AB", "eu", "192.0.2.1", machine="eu1"),
        FakeNode("eu-st1", "ST", "eu", "192.0.2.1", machine="eu1"),
    ]
    made = World(fakes)
    made.gateway("gw-eu", "eu")
    made.ask(OpenSession("demo", SessionIntent("atollo", audience={"eu": 4})))
    for who in ("ada", "bob", "cem", "dee"):
        comes(made, who, "eu", "publish", "talk", "view", role=Role.SPEAKER)
    return made


def pictures() -> dict[str, str]:
    """File name -> picture."""
    scenes = {"atollo": atollo(), "big_island": big_island(), "archipelago": archipelago()}
    for made in scenes.values():
        assert made.vmap.check() == []
    return {f"{name}.svg": draw(json.loads(json.dumps(made.vmap.to_dict())), "demo") for name, made in scenes.items()}


if __name__ == "__main__":
    for file, picture in pictures().items():
        (FOLDER / file).write_text(picture, encoding="utf-8")
        print(FOLDER / file)

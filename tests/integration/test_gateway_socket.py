"""The WebSocket API on real Janus nodes: join, promotion, demotion, one's own voice, screens, a moderator's acts."""

from __future__ import annotations

import pytest

from rtcdn.model import Role
from tests.integration.socket_world import Hall
from tests.support.gateway import until

pytestmark = pytest.mark.real


async def test_a_candidate_is_promoted_heard_seen_and_demoted(hall: Hall) -> None:
    """The whole way, with the tones that each one hears; the viewer's connection is never renegotiated."""
    viewer = hall.client("vera")
    joined = await viewer.join(name="Vera")
    assert [each.get("slot", "") for each in joined["receive"]["media"]] == ["", "v1"]
    chair = hall.client("chair", Role.MODERATOR, "view", "speak")
    await chair.join(media=False)
    alice = hall.client("alice", Role.VIEWER, "view", "speak", tone_hz=440)
    await alice.join(ready=True, name="Alice")
    await hall.broker.seen("media", "alice", count=2)  # view and talk
    assert not viewer.ears["receive", "audio"].hears(440)

    assert (await chair.ask("promote", participant="alice"))["ok"]
    await alice.told("role", role="speaker", live=True)
    camera = await alice.send_camera()
    ear = viewer.ears["receive", "audio"]
    await until(lambda: ear.hears(440), "the viewer hears Alice")
    seats = [{"slot": "v1", "participant": "alice", "name": "Alice"}]
    await viewer.told("stage", seats=seats)
    await until(lambda: viewer.ears["receive", "video"].frames > 5, "the viewer sees Alice")
    await viewer.told("talking", participants=["alice"])

    bob = hall.client("bob", Role.SPEAKER, "view", "speak", "publish", tone_hz=1000)
    await bob.join()
    assert (await bob.ask("publish"))["role"] == "speaker"
    await bob.told("role", live=True)
    await until(lambda: alice.ears["voice", "audio"].hears(1000), "Alice hears Bob in her voice connection")
    await until(lambda: ear.hears(440) and ear.hears(1000), "the viewer hears both")
    await until(lambda: alice.ears["receive", "audio"].sound, "Alice heard the mix before")
    heard = alice.ears["receive", "audio"].frames
    assert not alice.ears["voice", "audio"].hears(440)

    assert (await chair.ask("demote", participant="alice"))["ok"]
    await alice.told("role", role="viewer", live=False)
    await alice.told("disconnect", connection=camera)
    await until(lambda: not ear.hears(440) and ear.hears(1000), "Alice is not heard any more")
    await until(lambda: alice.ears["receive", "audio"].frames > heard + 50, "Alice hears the mix again")
    assert not alice.ears["receive", "audio"].hears(440)
    await viewer.told("stage", seats=[])
    assert len(viewer.connections) == 1
    for each in (viewer, alice, bob, chair):
        assert (await each.ask("leave"))["ok"]
        assert await each.closed() == 4000
    await hall.nothing_left()

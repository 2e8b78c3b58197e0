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
    await until(lambda: alice.ears["receive", "audio"].frames > 25, "Alice hears the mix")
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
    assert not alice.ears["receive", "audio"].hears(440)
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


async def test_a_screen_is_added_and_taken_away(hall: Hall) -> None:
    """A second video by renegotiation goes to s1; switched off by ``sources``, its slot is free."""
    alice = hall.client("alice", Role.SPEAKER, "view", "speak", "publish")
    await alice.join(media=False)
    camera = await alice.send_camera()
    await alice.told("stage", seats=[{"slot": "v1", "participant": "alice"}])
    await alice.send_screen(camera)
    screen = {"slot": "s1", "participant": "alice", "source": "screen"}
    await alice.told("stage", seats=[screen, {"slot": "v1", "participant": "alice"}])
    other = hall.client("bob", Role.SPEAKER, "view", "speak", "publish")
    await other.join(media=False)
    await other.told("stage")
    refused = await other.ask("offer", purpose="send", sdp="v=0", sources={"0": "screen"})
    assert refused["problem"]["type"] == "urn:rtcdn:problem:screen-taken"
    told = await hall.broker.seen("media", "alice", count=2)
    mid = next(stream["mid"] for stream in told["streams"] if stream["source"] == "screen")
    assert (await alice.ask("sources", connection=camera, sources={mid: "off"}))["ok"]
    await other.told("stage", seats=[{"slot": "v1", "participant": "alice"}])
    for each in (alice, other):
        await each.ask("leave")
    await hall.nothing_left()


async def test_a_moderator_mutes_lowers_and_removes(hall: Hall) -> None:
    """And a viewer may not."""
    chair = hall.client("chair", Role.MODERATOR, "view", "speak")
    await chair.join(media=False)
    bob = hall.client("bob", Role.VIEWER, "view", "speak")
    await bob.join(media=False)
    for act in ("promote", "demote", "remove", "mute"):
        refused = await bob.ask(act, participant="chair")
        assert refused["problem"]["type"] == "urn:rtcdn:problem:wrong-role"
    refused = await bob.ask("publish")
    assert refused["problem"]["type"] == "urn:rtcdn:problem:may-not-publish"
    refused = await bob.ask("offer", purpose="send", sdp="v=0")
    assert refused["problem"]["type"] == "urn:rtcdn:problem:not-on-stage"
    assert not [call for call, who, _ in hall.broker.calls if call == "role"]
    assert (await bob.ask("hand"))["ok"]
    await until(
        lambda: [e["participant"] for e in chair.newest("hands")["queue"]] == ["bob"], "the chair sees the hand"
    )
    await bob.told("hands", place=1)
    assert (await chair.ask("mute", participant="bob"))["ok"]
    await bob.told("muted", on=True, by="chair")
    refused = await chair.ask("mute", participant="bob", on=False)
    assert refused["problem"]["type"] == "urn:rtcdn:problem:may-not-unmute"
    assert (await chair.ask("hand", participant="bob", up=False))["ok"]
    await bob.told("hands", place=0)
    assert (await bob.ask("mute", on=False))["ok"]
    sent = await bob.ask("send", data="hello", topic="chat")
    await chair.told("data", n=sent["n"], data="hello", sender="bob")
    assert (await chair.ask("remove", participant="bob"))["ok"]
    await bob.told("closed", reason="removed", by="chair")
    assert await bob.closed() == 4000
    await chair.ask("leave")
    await hall.nothing_left()


async def test_the_broker_hears_whom_people_want_to_see(hall: Hall) -> None:
    """Counted over everybody here; a later wish replaces the earlier, and who leaves wishes no more."""
    for number, wishes in enumerate((["ada", "bob"], ["ada"])):
        each = hall.client(f"fan-{number}")
        await each.join(media=False)
        assert (await each.ask("watch", participants=wishes))["ok"]
    await until(lambda: hall.broker.watched == {"demo": {"ada": 2, "bob": 1}}, "both wishes are told")
    assert (await each.ask("watch", participants=[]))["ok"]
    await until(lambda: hall.broker.watched == {"demo": {"ada": 1, "bob": 1}}, "one wish is taken back")
    assert not (await each.ask("watch", participants=["ada"] * 17))["ok"]

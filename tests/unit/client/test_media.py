"""Media of the Python client against aiortc at the other end: received, counted, recorded, sent, replaced."""

from __future__ import annotations

import asyncio
import time
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from rtcdn.client import Session, connect, connections
from rtcdn.client.received import Received, Slot, strength, tone_hz
from rtcdn.client.tracks import Shared, ToneTrack
from tests.unit.client.gateway import running
from tests.unit.client.test_session import QUICK, TOKEN, assert_known


async def test_receives_every_slot_and_the_sound(tmp_path: Path) -> None:
    """Both videos of one connection are decoded and counted, the tone is heard, files hold what came."""
    async with running(tone_hz=600) as gateway, connect(gateway.url, TOKEN, videos=2) as session:
        session.record(tmp_path)
        for slot in ("v1", "v2"):
            await session.media.received.sees(slot, 5)
        await session.media.received.hears(600)
        figures = await session.statistics()
        slots = figures["slots"]
        assert {name for name, slot in slots.items() if slot.frames and slot.packets} == {"a", "v1", "v2"}
        assert (slots["v2"].width, slots["v2"].height) == (160, 96)
        assert 0 < slots["v1"].longest_gap_ms < 5000
        streams = figures["connections"][0]["streams"]
        assert sorted(stream["kind"] for stream in streams) == ["audio", "video", "video"]
        await gateway.until(lambda: gateway.of("statistics"))
        assert_known(gateway)
    with wave.open(str(tmp_path / "audio.wav")) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32)
    assert abs(tone_hz(samples[-24_000:]) - 600) < 5
    for slot in ("v1", "v2"):
        with av.open(str(tmp_path / f"{slot}.mkv")) as film:
            frames = list(film.decode(video=0))
        assert len(frames) >= 5
        assert (frames[0].width, frames[0].height) == (160, 96)


def test_records_pictures_that_come_in_one_millisecond(tmp_path: Path) -> None:
    """After a stall several come at once: each is written, later than the one before."""
    received = Received()
    received.record(tmp_path)
    picture, now_s = av.VideoFrame(160, 96, "yuv420p"), time.monotonic()
    for later_s in (0.0, 0.1, 0.1, 0.1, 0.2):
        received._write_picture("v1", picture, now_s + later_s)
    received.stop_recording()
    with av.open(str(tmp_path / "v1.mkv")) as film:
        assert len(list(film.decode(video=0))) == 5


async def test_goes_live_when_promoted_and_rests_before() -> None:
    """The voice connection is silent until he is live; then tone and camera flow, and stop when he is not any more."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1, video=True, audio=900) as session:
        assert gateway.of("join")[0]["ready"] is True
        for _ in range(2):  # the same again changes nothing
            await gateway.say(event="connect", connection="c7", purpose="voice", reason="ready")
        await gateway.until(lambda: gateway.of("offer"))
        await session.media.received.hears(440)
        assert gateway.heard.get("c7/audio", 0) == 0
        assert len(gateway.of("offer")) == 1
        await gateway.say(event="role", role="speaker", live=False, by="mod")
        await gateway.say(event="role", role="speaker", live=True, by="mod")  # both may come in one turn
        await gateway.until(lambda: gateway.heard.get("c7/audio", 0) > 10)
        await gateway.until(lambda: gateway.heard.get("c3/video", 0) > 3)
        offer = gateway.of("offer")[-1]
        assert (offer["purpose"], offer["connection"], list(offer["sources"].values())) == ("send", "", ["camera"])
        await session.mute()
        before = gateway.heard["c3/video"]
        await gateway.say(event="role", role="speaker", live=False)  # his voice is being led to another node
        await session.until(lambda known: not known.live)
        await gateway.until(lambda: gateway.heard["c3/video"] > before + 10)
        await gateway.say(event="role", role="viewer", live=False, by="mod")
        await session.until(lambda known: known.role == "viewer")
        await gateway.until(lambda: gateway.peers["c3"].connectionState == "closed")
        assert_known(gateway)


async def test_publishes_by_himself() -> None:
    """``publish`` asks first and offers his camera once."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1) as session:
        await session.publish(video=True, audio=700)
        await gateway.say(event="role", role="speaker", live=True)
        await gateway.until(lambda: gateway.heard.get("c2/video", 0) > 3)
        assert [asked["type"] for asked in gateway.asked if asked["type"] != "statistics"] == [
            "join",
            "publish",
            "offer",
        ]
        await session.unpublish()
        assert session.role == "viewer"
        assert_known(gateway)


async def test_a_file_is_published(tmp_path: Path) -> None:
    """A film's picture and sound, again and again."""
    film = tmp_path / "film.mkv"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1) as session:
        await session.publish(video=film)
        await gateway.until(lambda: gateway.heard.get("c2/video", 0) > 7)
        with pytest.raises(ValueError, match="has no audio"):
            await session.publish(audio=film)


async def test_a_connection_is_replaced_without_a_gap() -> None:
    """The new one flows before the old one ends, and the gateway is told."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1) as session:
        await session.media.received.sees("v1", 3)
        await gateway.say(event="connect", connection="c9", purpose="receive", replaces="c1", reason="moved")
        await gateway.until(lambda: gateway.of("flowing"))
        assert gateway.of("flowing")[0]["connection"] == "c9"
        await gateway.until(lambda: gateway.peers["c1"].connectionState == "closed")
        await session.media.received.sees("v1", 5)
        assert session.media.slot("v1").longest_gap_ms < 3000


async def taken_over(session: Session, slots: set[str]) -> None:
    """The connection ``c1`` shows all but these."""
    received, old = session.media.received, session.media._connections["c1"]
    async with received._changed, asyncio.timeout(10):
        await received._changed.wait_for(lambda: old._taken == slots)


async def test_each_picture_goes_on_until_the_new_connection_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyframe of one speaker may be a second away: the old connection shows him until then, and only him."""
    monkeypatch.setattr(connections, "PATIENCE_S", 30.0)
    keyframe = asyncio.Event()
    async with (
        running(late={"c9/v2": keyframe}) as gateway,
        connect(gateway.url, TOKEN, videos=2) as session,
    ):
        await session.media.received.sees("v2", 3)
        await gateway.say(event="connect", connection="c9", purpose="receive", replaces="c1", reason="moved")
        await taken_over(session, {"a", "v1"})
        await session.media.received.sees("v1", 5)
        await session.media.received.sees("v2", 5)
        assert gateway.of("flowing") == []
        keyframe.set()
        await gateway.until(lambda: gateway.of("flowing"))
        await gateway.until(lambda: gateway.peers["c1"].connectionState == "closed")
        await session.media.received.sees("v2", 5)


async def test_a_picture_that_does_not_come_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old node wants to be empty."""
    monkeypatch.setattr(connections, "PATIENCE_S", 0.3)
    async with (
        running(late={"c9/v1": asyncio.Event()}) as gateway,
        connect(gateway.url, TOKEN, videos=1) as session,
    ):
        await session.media.received.sees("v1", 3)
        await gateway.say(event="connect", connection="c9", purpose="receive", replaces="c1", reason="moved")
        await gateway.until(lambda: gateway.peers["c1"].connectionState == "closed")
        assert gateway.of("flowing")[0]["connection"] == "c9"


async def test_what_the_old_connection_shows_counts_again_when_the_new_one_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The node that he was led to died before its second picture came."""
    monkeypatch.setattr(connections, "PATIENCE_S", 30.0)
    async with (
        running(late={"c9/v2": asyncio.Event()}) as gateway,
        connect(gateway.url, TOKEN, videos=2) as session,
    ):
        await session.media.received.sees("v2", 3)
        await gateway.say(event="connect", connection="c9", purpose="receive", replaces="c1", reason="moved")
        await taken_over(session, {"a", "v1"})
        await gateway.peers["c9"].close()
        await session.media.received.sees("v1", 20)
        assert gateway.of("flowing") == []


async def test_a_camera_that_is_moved_is_sent_to_both_places_meanwhile() -> None:
    """Every frame to each of them, until the gateway says that the old one has ended."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1) as session:
        await session.publish(video=True)
        await gateway.say(event="role", role="speaker", live=True)
        await gateway.until(lambda: gateway.heard.get("c2/video", 0) > 3)
        await gateway.say(event="connect", connection="c9", purpose="send", replaces="c2", reason="moved")
        await gateway.until(lambda: gateway.of("flowing"))
        before = gateway.heard["c2/video"]
        await gateway.until(lambda: gateway.heard["c2/video"] > before + 20)
        assert gateway.heard["c9/video"] > 10
        await gateway.say(event="disconnect", connection="c2", reason="moved")
        await gateway.until(lambda: gateway.peers["c2"].connectionState == "closed")
        before = gateway.heard["c9/video"]
        await gateway.until(lambda: gateway.heard["c9/video"] > before + 5)
        assert_known(gateway)


async def test_a_shared_track_gives_each_reader_every_frame_and_outlives_a_connection() -> None:
    """aiortc stops a track with the sender that ends; what it is made of ends when it is told to."""
    tone = ToneTrack(440)
    shared = Shared(tone)
    for _ in range(3):
        one, other = await asyncio.gather(shared.recv(), shared.recv())
        assert one is other
    shared.stop()
    assert (await shared.recv()).pts == one.pts + one.samples
    assert tone.readyState == "live"
    shared.end()
    assert tone.readyState == "ended"


async def test_media_outlive_the_socket() -> None:
    """Frames go on while the socket is cut and resumed; no other connection is made."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=1, reconnect=QUICK) as session:
        await session.media.received.sees("v1", 3)
        session.cut()
        await gateway.until(lambda: gateway.of("resume"))
        await session.media.received.sees("v1", 5)
        assert list(gateway.peers) == ["c1"]


def test_gaps_and_tones() -> None:
    """The longest pause between frames counts from the first one; a tone is told from another."""
    slot = Slot("v1")
    for at_s in (1.0, 1.1, 1.6, 1.7):
        slot.frame(at_s)
    assert (slot.frames, slot.first_s, round(slot.longest_gap_ms)) == (4, 1.0, 500)
    wave_form = 1000 * np.sin(2 * np.pi * 500 * np.arange(960) / 48_000)
    assert strength(wave_form, 500) == pytest.approx(1000, rel=0.01)
    assert strength(wave_form, 900) < 60
    assert tone_hz(np.zeros(0)) == 0.0

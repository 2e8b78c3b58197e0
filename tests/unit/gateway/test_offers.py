"""What the gateway makes of offers that real clients made."""

from __future__ import annotations

import pytest

from gateway import protocol, sdp
from gateway.protocol import WHEP, WHIP, Problem
from rtcdn.model import Codec
from tests.support.clients import OFFERS, captured

NAMES = sorted(path.stem for path in OFFERS.glob("*.sdp"))
PUBLISH = [name for name in NAMES if "-publish" in name]
WATCH = [name for name in NAMES if "-watch" in name]
OPUS = "opus/48000/2"
CLIENTS = ("aiortc", "chromium", "firefox", "gstreamer", "simple-whip-client")


def refused(way: protocol.Way, name: str, codec: Codec) -> Problem | None:
    """The problem that an offer meets in a session of ``codec``, or None."""
    try:
        protocol.check_codecs(protocol.read_offer(way, captured(name)), codec)
    except Problem as problem:
        return problem
    return None


def test_every_kind_of_client_is_there() -> None:
    """A missing file would silently test less."""
    assert set(CLIENTS) == {client for client in CLIENTS if f"{client}-publish" in NAMES}


@pytest.mark.parametrize("name", [name for name in PUBLISH if not name.endswith(("h264", "vp9"))])
def test_publishers_with_vp8_are_taken_in_a_vp8_session(name: str) -> None:
    """Whatever the order of m-lines, payload types and extensions."""
    assert refused(WHIP, name, Codec.VP8) is None


@pytest.mark.parametrize("name", ["chromium-publish-h264", "chromium-publish", "gstreamer-publish-h264"])
def test_publishers_with_h264_are_taken_in_an_h264_session(name: str) -> None:
    """Baseline and packetization mode 1 are among what they offer."""
    assert refused(WHIP, name, Codec.H264) is None


@pytest.mark.parametrize("name", WATCH)
def test_viewers_are_taken_in_a_vp8_session(name: str) -> None:
    """One video m-line or many."""
    assert refused(WHEP, name, Codec.VP8) is None


@pytest.mark.parametrize(
    ("name", "codec", "named"),
    [
        ("chromium-publish-vp9", Codec.VP8, "VP8"),
        ("chromium-publish-vp9", Codec.H264, "H.264"),
        ("chromium-publish-h264", Codec.VP8, "VP8"),
        ("firefox-publish-vp9", Codec.VP8, "VP8"),
        ("gstreamer-publish-h264", Codec.VP8, "VP8"),
        ("gstreamer-publish", Codec.H264, "H.264"),
        ("simple-whip-client-publish", Codec.H264, "H.264"),
    ],
)
def test_a_codec_not_carried_is_refused_and_the_right_one_named(name: str, codec: Codec, named: str) -> None:
    """406 says what to offer instead."""
    problem = refused(WHIP, name, codec)
    assert problem is not None
    assert (problem.status, problem.kind) == (406, "codec-not-carried")
    assert named in problem.detail
    assert named in problem.cure


@pytest.mark.parametrize("name", ["chromium-data-only", "firefox-data-only"])
@pytest.mark.parametrize("way", [WHIP, WHEP])
def test_an_offer_without_media_is_refused(way: protocol.Way, name: str) -> None:
    """A data channel is not media."""
    problem = refused(way, name, Codec.VP8)
    assert problem is not None
    assert (problem.status, problem.kind) == (400, "no-media")


@pytest.mark.parametrize(("way", "name"), [(WHIP, "chromium-watch-1"), (WHEP, "chromium-publish")])
def test_media_in_the_wrong_direction_are_refused(way: protocol.Way, name: str) -> None:
    """A viewer cannot publish, a publisher cannot watch."""
    problem = refused(way, name, Codec.VP8)
    assert problem is not None
    assert (problem.status, problem.kind) == (400, "wrong-direction")


@pytest.mark.parametrize("name", NAMES)
def test_janus_is_given_the_offer_with_three_changes(name: str) -> None:
    """The client becomes the DTLS client, bundled media get a port, Opus its usual case; nothing else changes."""
    before, after = captured(name).split(), sdp.for_janus(captured(name)).split()
    changed = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
    assert changed <= {("a=setup:actpass", "a=setup:active"), ("0", "9"), ("OPUS/48000/2", OPUS), ("OPUS/48000", OPUS)}
    assert ("a=setup:actpass", "a=setup:active") in changed
    assert (("0", "9") in changed) == ("a=bundle-only" in before)


def test_media_are_read_as_they_stand() -> None:
    """Kinds, mids, directions, layers of Chromium's simulcast offer."""
    audio, video = sdp.parse(captured("chromium-publish-simulcast")).media
    assert (audio.kind, audio.mid, audio.direction, audio.rids) == ("audio", "0", "sendonly", ())
    assert (video.kind, video.mid, video.direction, video.rids) == ("video", "1", "sendonly", ("h", "m", "l"))
    assert {"vp8", "vp9", "h264", "av1", "rtx"} <= {form.name for form in video.formats}


def test_a_viewer_of_many_keeps_the_order_of_his_media() -> None:
    """Slots are given in m-line order."""
    offer = sdp.parse(captured("firefox-watch-4"))
    assert [medium.kind for medium in offer.media] == ["audio", "video", "video", "video", "video"]
    assert [str(number) for number in range(5)] == [medium.mid for medium in offer.media]
    assert all(medium.receives and not medium.sends for medium in offer.media)


@pytest.mark.parametrize("name", PUBLISH)
def test_an_offer_with_restarted_ice_differs_in_ice_alone(name: str) -> None:
    """Other credentials, a newer version, the candidates of the restart."""
    before = sdp.parse(captured(name))
    text = sdp.with_ice(before.text, "newf", "newpassword" * 2, ("1 1 udp 1 192.0.2.7 5000 typ host",))
    after = sdp.parse(text)
    assert {"newf"} == {medium.ufrag for medium in after.media}
    assert [(m.kind, m.mid, m.formats, m.direction) for m in before.media] == [
        (m.kind, m.mid, m.formats, m.direction) for m in after.media
    ]
    assert after.media[0].candidates == ("1 1 udp 1 192.0.2.7 5000 typ host",)
    version = [int(d.splitlines()[1].split()[2]) for d in (before.text, text)]
    assert version[0] + 1 == version[1]

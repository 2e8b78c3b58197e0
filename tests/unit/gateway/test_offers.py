"""What the gateway makes of offers that real clients made."""

from __future__ import annotations

import pytest

from gateway import protocol, sdp
from gateway.protocol import WHEP, WHIP, Problem
from tests.support.clients import OFFERS, captured

NAMES = sorted(path.stem for path in OFFERS.glob("*.sdp"))
PUBLISH = [name for name in NAMES if "-publish" in name]
WATCH = [name for name in NAMES if "-watch" in name]
OPUS = "opus/48000/2"
CLIENTS = ("aiortc", "chromium", "firefox", "gstreamer", "simple-whip-client")


def codecs(way: protocol.Way, name: str) -> list[str] | None:
    """Video codecs in which an offer can be carried; None: it has no video."""
    return protocol.offered_codecs(protocol.read_offer(way, captured(name)))


def fits(way: protocol.Way, name: str, codec: str) -> bool:
    """Whether an offer can be carried in a session of ``codec``; one without video in any."""
    found = codecs(way, name)
    return found is None or codec in found


def refused(way: protocol.Way, name: str) -> Problem | None:
    """The problem that an offer meets before the broker is asked, or None."""
    try:
        codecs(way, name)
    except Problem as problem:
        return problem
    return None


def test_every_kind_of_client_is_there() -> None:
    """A missing file would silently test less."""
    assert set(CLIENTS) == {client for client in CLIENTS if f"{client}-publish" in NAMES}


@pytest.mark.parametrize("name", [name for name in PUBLISH if not name.endswith(("h264", "vp9"))])
def test_publishers_with_vp8_are_taken_in_a_vp8_session(name: str) -> None:
    """Whatever the order of m-lines, payload types and extensions."""
    assert fits(WHIP, name, "vp8")


@pytest.mark.parametrize("name", ["chromium-publish-h264", "chromium-publish", "gstreamer-publish-h264"])
def test_publishers_with_h264_are_taken_in_an_h264_session(name: str) -> None:
    """Baseline and packetization mode 1 are among what they offer."""
    assert fits(WHIP, name, "h264")


@pytest.mark.parametrize("name", WATCH)
def test_viewers_are_taken_in_a_vp8_session(name: str) -> None:
    """One video m-line or many."""
    assert fits(WHEP, name, "vp8")


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("chromium-publish-vp9", []),
        ("firefox-publish-vp9", []),
        ("chromium-publish-h264", ["h264"]),
        ("gstreamer-publish-h264", ["h264"]),
        ("gstreamer-publish", ["vp8"]),
        ("simple-whip-client-publish", ["vp8"]),
        ("chromium-publish", ["vp8", "h264"]),
        ("chromium-publish-audio", None),
    ],
)
def test_the_broker_is_told_which_codecs_can_be_carried(name: str, fitting: list[str] | None) -> None:
    """None of ours, some, or no video at all: it refuses before a seat is taken."""
    assert fitting == codecs(WHIP, name)


def test_audio_that_is_not_opus_is_refused_and_opus_named() -> None:
    """406 says what was offered and what to offer instead."""
    offer = protocol.read_offer(WHIP, captured("chromium-publish-audio").replace("opus/48000/2", "iLBC/8000"))
    with pytest.raises(Problem) as caught:
        protocol.offered_codecs(offer)
    assert (caught.value.status, caught.value.kind) == (406, "codec-not-carried")
    assert "Opus" in caught.value.cure


@pytest.mark.parametrize("name", ["chromium-data-only", "firefox-data-only"])
@pytest.mark.parametrize("way", [WHIP, WHEP])
def test_an_offer_without_media_is_refused(way: protocol.Way, name: str) -> None:
    """A data channel is not media."""
    problem = refused(way, name)
    assert problem is not None
    assert (problem.status, problem.kind) == (400, "no-media")


@pytest.mark.parametrize(("way", "name"), [(WHIP, "chromium-watch-1"), (WHEP, "chromium-publish")])
def test_media_in_the_wrong_direction_are_refused(way: protocol.Way, name: str) -> None:
    """A viewer cannot publish, a publisher cannot watch."""
    problem = refused(way, name)
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

"""The rules of WHIP and WHEP, without I/O."""

from __future__ import annotations

import asyncio

import pytest

from gateway import protocol, sdp
from gateway.limits import Buckets, Gate
from gateway.protocol import WHEP, WHIP, Problem
from rtcdn.model import Codec
from tests.support.clients import captured

MINIMAL = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=recvonly",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 AB:CD",
        "a=setup:actpass",
        "a=rtpmap:96 VP8/90000",
        "",
    ]
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "v=0"),
        ("hello", "v=0"),
        ("v=0\r\nnonsense\r\n", "form"),
        ("v=0\r\ns=-\r\n", "m-line"),
        (MINIMAL.replace("m=video 9", "m=video 0"), "refused"),
        (MINIMAL.replace("a=ice-pwd:abcdefghijklmnopqrstuv\r\n", ""), "ice-pwd"),
        (MINIMAL.replace("a=fingerprint:sha-256 AB:CD\r\n", ""), "fingerprint"),
        (MINIMAL.replace("m=video 9 UDP/TLS/RTP/SAVPF 96", "m=video nine"), "m-line"),
    ],
)
def test_what_is_no_offer_is_refused_with_the_reason(text: str, part: str) -> None:
    """400 names what is missing."""
    with pytest.raises(Problem) as caught:
        protocol.read_offer(WHEP, text)
    assert (caught.value.status, caught.value.kind, caught.value.field) == (400, "bad-offer", "sdp")
    assert part in caught.value.detail


def test_a_rejected_medium_with_bundle_only_counts() -> None:
    """Port 0 with bundle-only is how max-bundle offers are written."""
    offer = protocol.read_offer(WHEP, MINIMAL.replace("m=video 9", "m=video 0") + "a=bundle-only\r\n")
    assert len(offer.of("video")) == 1


def test_two_videos_of_a_publisher_are_refused() -> None:
    """A stage slot has one."""
    two = MINIMAL.replace("recvonly", "sendonly")
    two += two[two.index("m=video") :].replace("a=mid:0", "a=mid:1")
    with pytest.raises(Problem) as caught:
        protocol.read_offer(WHIP, two)
    assert (caught.value.status, caught.value.kind) == (406, "too-many-media")


@pytest.mark.parametrize(
    ("fmtp", "fits"),
    [
        ("profile-level-id=42e01f;packetization-mode=1", True),
        ("level-asymmetry-allowed=1; packetization-mode=1; profile-level-id=42001F", True),
        ("packetization-mode=1", True),
        ("profile-level-id=42e01f;packetization-mode=0", False),
        ("profile-level-id=640032;packetization-mode=1", False),
        ("profile-level-id=4d001f;packetization-mode=1", False),
    ],
)
def test_h264_is_carried_as_baseline_in_mode_1(fmtp: str, fits: bool) -> None:
    """Mountpoints have one form of it."""
    text = MINIMAL.replace("VP8/90000", f"H264/90000\r\na=fmtp:96 {fmtp}")
    assert fits is protocol.carries(sdp.parse(text).media[0], "h264")


def test_an_answer_that_takes_no_video_is_refused() -> None:
    """Janus leaves what it cannot carry inactive; the player would wait for ever."""
    offer = protocol.read_offer(WHEP, captured("chromium-watch-1"))
    answer = captured("chromium-watch-1").replace("a=recvonly", "a=sendonly")
    protocol.check_answer(offer, sdp.parse(answer), Codec.VP8)
    head, video = answer.split("m=video")
    with pytest.raises(Problem) as caught:
        protocol.check_answer(offer, sdp.parse(head + "m=video" + video.replace("sendonly", "inactive")), Codec.VP8)
    assert (caught.value.status, "VP8" in caught.value.detail) == (406, True)


def test_candidates_are_read_with_their_medium() -> None:
    """As RFC 8840 writes them."""
    lines = ["a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "m=audio 9 RTP/AVP 0", "a=mid:0"]
    lines += ["a=candidate:1 1 udp 2122 192.0.2.1 61764 typ host", "a=end-of-candidates"]
    fragment = protocol.read_fragment("\r\n".join(lines))
    assert (fragment.ufrag, fragment.complete) == ("EsAw", True)
    assert (sdp.Candidate("candidate:1 1 udp 2122 192.0.2.1 61764 typ host", "0", 0),) == fragment.candidates


@pytest.mark.parametrize("text", ["", "hello", "m=audio 9 RTP/AVP 0\r\na=mid:0", "a=ice-ufrag:a b\r\na=ice-pwd:x"])
def test_a_fragment_without_ice_is_refused(text: str) -> None:
    """400, not a PATCH that does nothing."""
    with pytest.raises(Problem) as caught:
        protocol.read_fragment(text)
    assert caught.value.status == 400


def test_a_restart_is_a_fragment_of_other_credentials() -> None:
    """The same credentials are an ordinary trickle."""
    fragment = protocol.read_fragment("a=ice-ufrag:bbbb\r\na=ice-pwd:" + "b" * 22)
    assert protocol.is_restart(fragment, "aaaa")
    assert not protocol.is_restart(fragment, "bbbb")
    assert not protocol.is_restart(fragment, "")


def test_the_answer_to_a_restart_tells_credentials_and_candidates() -> None:
    """What a WHIP client needs to go on."""
    text = sdp.fragment_of(sdp.parse(captured("aiortc-publish")))
    fragment = protocol.read_fragment(text)
    assert sdp.parse(captured("aiortc-publish")).ufrag == fragment.ufrag
    assert fragment.complete
    assert fragment.candidates


@pytest.mark.parametrize("given", ['"7.0"', "*", '"1.0", "7.0"', 'W/"7.0"'])
def test_a_trickle_that_names_its_ice_session_is_taken(given: str) -> None:
    """Or any, by the star."""
    protocol.check_if_match(given, protocol.etag(7))


@pytest.mark.parametrize(("given", "status"), [("", 428), ('"7.1"', 412), ("garbage", 412)])
def test_a_trickle_of_no_or_another_ice_session_is_refused(given: str, status: int) -> None:
    """RFC 9725: 428 without If-Match, 412 for another one."""
    with pytest.raises(Problem) as caught:
        protocol.check_if_match(given, protocol.etag(7))
    assert caught.value.status == status


def test_ice_servers_become_links() -> None:
    """With credentials where there are some."""
    servers = [{"urls": ["stun:s.example:3478"]}, {"urls": ["turn:t.example"], "username": "u", "credential": "c"}]
    assert protocol.links(servers) == [
        '<stun:s.example:3478>; rel="ice-server"',
        '<turn:t.example>; rel="ice-server"; username="u"; credential="c"; credential-type="password"',
    ]


@pytest.mark.parametrize(
    ("header", "query", "token"), [("Bearer abc", "", "abc"), ("bearer  abc", "x", "abc"), ("", "q", "q")]
)
def test_a_token_comes_by_header_or_query(header: str, query: str, token: str) -> None:
    """The header wins."""
    assert token == protocol.bearer(header, query)


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer "])
def test_no_token_is_refused(header: str) -> None:
    """401."""
    with pytest.raises(Problem) as caught:
        protocol.bearer(header, "")
    assert caught.value.status == 401


def test_a_problem_is_a_document_without_empty_members() -> None:
    """RFC 9457."""
    assert Problem(400, "bad-offer", "why", field="sdp").document() == {
        "type": "urn:rtcdn:problem:bad-offer",
        "title": "Bad offer",
        "status": 400,
        "detail": "why",
        "field": "sdp",
    }


def test_an_address_may_join_in_a_burst_and_then_at_its_rate() -> None:
    """Others are not touched; time brings tokens back."""
    buckets = Buckets(rate_ps=2, burst=3)
    assert [buckets.take("a", 10.0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 10.0) == 0.5
    assert buckets.take("b", 10.0) == 0
    assert buckets.take("a", 10.5) == 0
    assert buckets.take("a", 10.5) == 0.5


def test_a_resume_takes_a_quarter_of_a_join_from_the_same_bucket() -> None:
    """So that all who sit behind one address come back at once, and nobody asks for ever."""
    gate = Gate(Buckets(rate_ps=1, burst=2), asyncio.Semaphore(1), most=10)
    gate.admit("a", 0, 10.0)
    for _ in range(4):
        gate.readmit("a", 10.0)
    with pytest.raises(Problem) as caught:
        gate.readmit("a", 10.0)
    assert (caught.value.status, caught.value.kind, caught.value.retry_after_s) == (429, "too-many-joins", 1)
    gate.readmit("b", 10.0)
    gate.readmit("a", 10.25)

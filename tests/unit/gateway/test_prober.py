"""The prober: what it says when it cannot see a stage, and what it feeds."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from typing import Any

import pylibsrtp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiortc.rtp import RtpPacket

from gateway.prober import Prober, application, read
from rtcdn.client.feed import Feed
from rtcdn.errors import ConfigError, NodeAway, NodeRefused
from rtcdn.model import Kind, Leg
from rtcdn.probe import ProbeAsk
from rtcdn.secrets import fresh_key

LEG = Leg("view", Kind.ST, "st1", "192.0.2.1:8188", "demo/stage-st1", slots=("v1", "v2", "s1"))


class FailingNodes:
    """Every view ends like this; a number: takes that long."""

    def __init__(self, how: Exception | float) -> None:
        self.how = how
        self.opaque_id, self.offer = "", ""

    async def view(self, _leg: Leg, opaque_id: str, offer: str) -> None:
        self.opaque_id, self.offer = opaque_id, offer
        if isinstance(self.how, Exception):
            raise self.how
        await asyncio.sleep(self.how)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (NodeAway("st1: no janus_session within 2 s"), "NodeAway: st1: no janus_session within 2 s"),
        (NodeRefused(455, "No such mountpoint"), "No such mountpoint"),
        (OSError(101, "Network is unreachable"), "OSError: [Errno 101] Network is unreachable"),
        (RuntimeError("the answer fits no offer"), "RuntimeError: the answer fits no offer"),
        (9.0, "no frame of slot v1 was decoded within 3 s"),
    ],
)
async def test_a_stage_that_cannot_be_seen_is_not_ready_and_the_reason_is_told(
    how: Exception | float, why: str
) -> None:
    """Never an exception; one audio and a video per slot are asked for, on a handle that is no participant's."""
    nodes = FailingNodes(how)
    answer = await Prober(nodes).probe(ProbeAsk(LEG, within_s=3.0 if how == 9.0 else 20.0))  # type: ignore[arg-type]
    assert not answer.decoded
    assert why in answer.reason
    assert nodes.opaque_id == "probe"
    assert (nodes.offer.count("m=audio"), nodes.offer.count("m=video")) == (1, 3)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_a_clip_is_fed_to_every_layer_with_an_ssrc_of_its_own(codec: str) -> None:
    """Whole frames, of the mountpoint's payload type."""
    ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    with contextlib.ExitStack() as stack:
        for end in ends:
            stack.enter_context(end)
            end.bind(("127.0.0.1", 0))
            end.setblocking(False)
        feeding = asyncio.create_task(Feed(codec, "127.0.0.1", tuple(end.getsockname()[1] for end in ends), 96).run())
        frames = await asyncio.wait_for(asyncio.gather(*(_frame(end) for end in ends)), 20)
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
    ssrcs = [{packet.ssrc for packet in frame} for frame in frames]
    assert [len(each) for each in ssrcs] == [1, 1]
    assert ssrcs[0] != ssrcs[1]
    assert [packet.payload for packet in frames[0]] == [packet.payload for packet in frames[1]]
    assert all(packet.payload_type == 96 for packet in frames[0])


async def test_a_clip_for_an_encrypted_stage_is_encrypted_with_its_key() -> None:
    """Whoever has the key reads the frame; nobody else does."""
    key = fresh_key()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        end.setblocking(False)
        feeding = asyncio.create_task(Feed("vp8", "127.0.0.1", (end.getsockname()[1],), 96, key=key).run())
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(end, 2000), 20)
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
    with pytest.raises(pylibsrtp.Error):
        _reader(fresh_key()).unprotect(data)
    plain = _reader(key).unprotect(data)
    assert len(plain) == len(data) - 10
    assert RtpPacket.parse(plain).payload_type == 96


def _reader(key: str) -> pylibsrtp.Session:
    return pylibsrtp.Session(pylibsrtp.Policy(base64.b64decode(key), pylibsrtp.Policy.SSRC_ANY_INBOUND))


async def _frame(end: socket.socket) -> list[RtpPacket]:
    """Packets up to the first marker."""
    loop, found = asyncio.get_running_loop(), list[RtpPacket]()
    while not found or not found[-1].marker:
        found.append(RtpPacket.parse(await loop.sock_recv(end, 2000)))
    return found


async def test_only_a_broker_may_ask_and_garbage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """403 without its certificate, whatever the body; 400 for what is no question; a feed that fails is the reason."""
    stage: dict[str, Any] = {"leg": LEG.to_dict(), "within_s": 3.0}
    bodies = [b"", b"\xff\xfe", b"[]", b"{}", json.dumps({**stage, "within_s": 0}).encode()]
    async with TestClient(TestServer(application(Prober(FailingNodes(9.0))))) as http:  # type: ignore[arg-type]
        for body in (*bodies, json.dumps(stage).encode()):
            assert (await http.post("/probe", data=body)).status == 403
        monkeypatch.setattr("rtcdn.tls.common_name", lambda _: "broker")
        for body in bodies:
            assert (await http.post("/probe", data=body)).status == 400
        fed = await http.post("/probe", json={**stage, "within_s": 5.0, "feed_ip": "127.0.0.1", "feed_ports": [70_000]})
        assert (fed.status, (await fed.json())["reason"][:13]) == (200, "OverflowError")


def test_what_is_missing_in_the_environment_is_named() -> None:
    """All at once."""
    with pytest.raises(ConfigError) as caught:
        read({})
    assert any("RTCDN_PROBER_LISTEN" in problem for problem in caught.value.problems)

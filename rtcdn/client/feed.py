"""A picture as plain RTP to UDP ports, as a forwarder sends it: what a warm-up is proven with where nobody speaks."""

from __future__ import annotations

import asyncio
import base64
import datetime
import random
import socket
from fractions import Fraction

from aiortc import RTCRtpCodecParameters
from aiortc.codecs import get_encoder
from aiortc.rtp import RtpPacket
from av import VideoFrame
from pylibsrtp import Policy, Session

from rtcdn.client.picture import Picture

FPS = 10
CLOCK = 90_000
WIDTH, HEIGHT = 320, 176
MIME = {"vp8": "video/VP8", "h264": "video/H264"}


class Feed:
    """``run`` sends until it is cancelled: key frames alone, so that whoever comes can decode the next one."""

    def __init__(
        self, codec: str, ip: str, ports: tuple[int, ...], payload_type: int, *, label: str = "warm-up", key: str = ""
    ) -> None:
        """The same picture goes to each of ``ports``, those of a slot's layers, each with an ssrc of its own.

        ``key``: of the stage (base64) if it takes SRTP.
        """
        parameters = RTCRtpCodecParameters(mimeType=MIME[codec], clockRate=CLOCK, payloadType=payload_type)
        self._encoder = get_encoder(parameters)
        self._picture = Picture(label, width=WIDTH, height=HEIGHT)
        self._payload_type, self._sequence = payload_type, random.randrange(1 << 15)  # noqa: S311  (not secret)
        self._ends = [(random.randrange(1, 1 << 32), (ip, port)) for port in ports]  # noqa: S311
        self._srtp = Session(Policy(base64.b64decode(key), Policy.SSRC_ANY_OUTBOUND)) if key else None

    async def run(self) -> None:
        """For ever."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            number = 0
            while True:
                payloads, timestamp = await asyncio.to_thread(self._encode, number)
                self._send(sender, payloads, timestamp)
                number += 1
                await asyncio.sleep(1 / FPS)

    def _encode(self, number: int) -> tuple[list[bytes], int]:
        plane = self._picture.draw(datetime.datetime.now(datetime.UTC), number / FPS)
        frame = VideoFrame.from_ndarray(plane, format="yuv420p")
        frame.pts, frame.time_base = number * CLOCK // FPS, Fraction(1, CLOCK)
        payloads, timestamp = self._encoder.encode(frame, force_keyframe=True)
        return payloads, int(timestamp)

    def _send(self, sender: socket.socket, payloads: list[bytes], timestamp: int) -> None:
        for at, payload in enumerate(payloads):
            self._sequence = (self._sequence + 1) & 0xFFFF
            for ssrc, address in self._ends:
                packet = RtpPacket(
                    payload_type=self._payload_type,
                    marker=int(at == len(payloads) - 1),
                    sequence_number=self._sequence,
                    timestamp=timestamp & 0xFFFFFFFF,
                    ssrc=ssrc,
                )
                packet.payload = payload
                data = packet.serialize()
                sender.sendto(self._srtp.protect(data) if self._srtp else data, address)

"""What a client may offer for each purpose, and which source each of its media is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway import protocol, sdp
from gateway.client.requests import Purpose
from gateway.protocol import Problem
from rtcdn.model import StreamInfo

MAX_VIDEOS = {"receive": 16, "send": 3, "voice": 0}


def read(purpose: Purpose, text: str) -> sdp.Description:
    """A description that fits the purpose; raises ``Problem``."""
    try:
        offer = sdp.parse(text)
    except (sdp.BadSdpError, ValueError) as error:
        raise Problem(400, "bad-offer", f"the offer cannot be used: {error}", protocol.WHOLE, "sdp") from None
    audio, video = offer.of("audio"), offer.of("video")
    if not audio and not video:
        raise Problem(400, "no-media", "the offer has no audio and no video", "offer media", "sdp")
    if len(audio) > 1 or len(video) > MAX_VIDEOS[purpose]:
        detail = f"the offer has {len(audio)} audio and {len(video)} video"
        cure = f"at most one audio and {MAX_VIDEOS[purpose]} video to {purpose}"
        raise Problem(406, "too-many-media", detail, cure, "sdp")
    if purpose == "send" and audio:
        raise Problem(406, "voice-apart", "the voice has a connection of its own", "offer video only", "sdp")
    if purpose == "voice" and not audio:
        raise Problem(400, "no-media", "the offer has no audio", "offer one audio, sendrecv", "sdp")
    if not any(_flows(purpose, medium) for medium in (*audio, *video)):
        wanted = {"receive": "recvonly", "send": "sendonly", "voice": "sendrecv"}[purpose]
        raise Problem(400, "wrong-direction", f"no medium of the offer is {wanted}", f"offer it {wanted}", "sdp")
    protocol.offered_codecs(offer)  # raises where audio is not Opus
    return offer


def _flows(purpose: Purpose, medium: sdp.Medium) -> bool:
    return medium.receives if purpose == "receive" else medium.sends


def sources(offer: sdp.Description, told: dict[str, Any]) -> dict[str, str]:
    """Source of each video by mid: as told, else the first is the camera and another the screen."""
    free = [name for name in ("camera", "screen") if name not in told.values()]
    found = {}
    for medium in offer.of("video"):
        if medium.mid in told:
            found[medium.mid] = str(told[medium.mid])
        else:
            found[medium.mid] = free.pop(0) if free else "off"
    return found


def with_sources(streams: tuple[StreamInfo, ...], known: dict[str, str]) -> tuple[StreamInfo, ...]:
    """Streams with what they show; those that are off left out."""
    named = (replace(each, source=known.get(each.mid, "")) for each in streams)
    return tuple(each for each in named if each.source in ("camera", "screen"))

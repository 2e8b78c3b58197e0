"""The rules of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) without I/O: which offers are taken, what is answered.

A rule that is broken raises ``Problem``, which ``api`` writes as a problem document (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway import sdp
from rtcdn.errors import RtcdnError
from rtcdn.model import Codec

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
MAX_BODY_BYTES = 64 * 1024  # Chromium's offer for five media is 25 kB
NAMES = {"vp8": "VP8", "h264": "H.264", "vp9": "VP9", "av1": "AV1", "h265": "H.265", "opus": "Opus"}
NO_CODECS = ("rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event")
BASELINE = "42"  # profile_idc 66: baseline and constrained baseline
WHOLE = "send the whole description that createOffer made, after setLocalDescription"


class Problem(RtcdnError):
    """What went wrong with a client's request: ``kind`` is stable, ``detail`` and ``cure`` are for people."""

    def __init__(
        self, status: int, kind: str, detail: str, cure: str = "", field: str = "", *, retry_after_s: int = 0
    ) -> None:
        super().__init__(f"{status} {kind}: {detail}")
        self.status = status
        self.kind = kind
        self.detail = detail
        self.cure = cure
        self.field = field
        self.retry_after_s = retry_after_s

    def document(self) -> dict[str, object]:
        """The problem document."""
        title = self.kind.replace("-", " ").capitalize()
        document: dict[str, object] = {"type": f"urn:rtcdn:problem:{self.kind}", "title": title, "status": self.status}
        more = {"detail": self.detail, "cure": self.cure, "field": self.field}
        return document | {name: value for name, value in more.items() if value}


@dataclass(frozen=True, slots=True)
class Way:
    """One of the two protocols: its name in paths, its leg, and which direction a client's media have."""

    name: str
    leg: str
    sends: bool


WHIP = Way("whip", "publish", sends=True)
WHEP = Way("whep", "view", sends=False)
WAYS = {way.name: way for way in (WHIP, WHEP)}


def body_type(content_type: str, wanted: str) -> None:
    """Check the media type of a body."""
    if content_type.partition(";")[0].strip().lower() != wanted:
        raise Problem(415, "wrong-media-type", f"the body is {content_type or 'of no type'}", f"send {wanted}")


def read_offer(way: Way, text: str) -> sdp.Description:
    """Check that an offer can be used at all, whatever the session's codec is."""
    try:
        offer = sdp.parse(text)
    except sdp.BadSdpError as error:
        raise Problem(400, "bad-offer", f"the offer cannot be used: {error}", WHOLE, "sdp") from None
    audio, video = offer.of("audio"), offer.of("video")
    if not audio and not video:
        cure = "offer one audio and one video" if way.sends else "offer one audio and one or more video"
        raise Problem(400, "no-media", "the offer has no audio and no video", cure, "sdp")
    flowing = [medium for medium in (*audio, *video) if (medium.sends if way.sends else medium.receives)]
    if not flowing:
        wanted = "sendonly" if way.sends else "recvonly"
        raise Problem(400, "wrong-direction", f"no medium of the offer is {wanted}", f"offer media as {wanted}", "sdp")
    if way.sends and (len(audio) > 1 or len(video) > 1):
        found = f"{len(audio)} audio and {len(video)} video"
        raise Problem(406, "too-many-media", f"the offer has {found}", "publish one audio and one video", "sdp")
    if len(audio) > 1:
        raise Problem(406, "too-many-media", f"the offer has {len(audio)} audio", "ask for one audio: the mix", "sdp")
    return offer


def offered_codecs(offer: sdp.Description) -> list[str] | None:
    """Of the codecs a session may have, those in which every video of the offer can be carried; None: no video.

    Audio is Opus in every session: 406 for an offer without it.
    """
    for medium in offer.of("audio"):
        if not carries(medium, "opus"):
            raise not_carried("audio", "opus", medium)
    videos = offer.of("video")
    fitting = (codec.value for codec in Codec if all(carries(medium, codec.value) for medium in videos))
    return list(fitting) if videos else None


def carries(medium: sdp.Medium, wanted: str) -> bool:
    """Is ``wanted`` (opus, vp8, h264) among its formats, in the form that is carried?"""
    return any(form.name == wanted and (wanted != "h264" or h264_fits(form.parameters)) for form in medium.formats)


def h264_fits(parameters: Mapping[str, str]) -> bool:
    """Baseline and packetization mode 1. GStreamer names no profile: its answer's side must then send baseline."""
    profile = parameters.get("profile-level-id", BASELINE).lower()
    return profile.startswith(BASELINE) and parameters.get("packetization-mode", "1") == "1"


def not_carried(kind: str, wanted: str, medium: sdp.Medium | None = None) -> Problem:
    """The 406 that names the codec of the session and what was offered instead."""
    name = NAMES[wanted]
    if wanted == "h264":
        name += " (constrained baseline, packetization-mode 1)"
    found = sorted({NAMES.get(form.name, form.name) for form in medium.formats} - set(NO_CODECS)) if medium else []
    offered = f"; offered: {', '.join(found)}" if found else ""
    return Problem(406, "codec-not-carried", f"{kind} of this session is {name}{offered}", f"offer {name}", "sdp")


def check_answer(offer: sdp.Description, answer: sdp.Description, codec: Codec) -> None:
    """Check that Janus took something of each kind that was offered: what it cannot carry it leaves inactive."""
    for kind, wanted in (("video", codec.value), ("audio", "opus")):
        asked = [m for m in offer.media if m.kind == kind and not m.refused and m.direction != "inactive"]
        taken = [m for m in answer.media if m.kind == kind and not m.refused and m.direction != "inactive"]
        if asked and not taken:
            raise not_carried(kind, wanted, asked[0])


def etag(generation: int, restarts: int = 0) -> str:
    """Entity tag of an ICE session: of one resource, after so many restarts."""
    return f'"{generation}.{restarts}"'


def check_if_match(if_match: str, current: str) -> None:
    """A trickle PATCH must name the ICE session it belongs to (RFC 9725, 4.3.3)."""
    if not if_match:
        raise Problem(428, "if-match-missing", "the PATCH has no If-Match", "send the ETag of the 201 as If-Match")
    tags = [tag.strip().removeprefix("W/") for tag in if_match.split(",")]
    if "*" not in tags and current not in tags:
        raise Problem(412, "ice-session-changed", f"If-Match {if_match[:60]} is not {current}", "use the newest ETag")


def read_fragment(text: str) -> sdp.Fragment:
    """Read the body of a PATCH."""
    try:
        return sdp.parse_fragment(text)
    except sdp.BadSdpError as error:
        cure = "send a=candidate lines, or a=ice-ufrag and a=ice-pwd"
        raise Problem(400, "bad-fragment", f"the fragment cannot be used: {error}", cure, "sdpfrag") from None


def is_restart(fragment: sdp.Fragment, ufrag: str) -> bool:
    """Does a fragment begin another ICE session than the one of ``ufrag``?"""
    return bool(fragment.ufrag and fragment.pwd and ufrag and fragment.ufrag != ufrag)


def links(ice_servers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Values of Link headers that tell ICE servers (RFC 9725, 4.6): one for each URL."""
    found = []
    for server in ice_servers:
        more = ""
        if server.get("username"):
            more = f'; username="{server["username"]}"; credential="{server["credential"]}"; credential-type="password"'
        found += [f'<{url}>; rel="ice-server"{more}' for url in server["urls"]]
    return found


def bearer(authorization: str, query_token: str) -> str:
    """The client token of a request: of the Authorization header, or ``?token=`` for players that cannot set one."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if query_token:
        return query_token
    raise Problem(401, "no-token", "the request carries no token", "send Authorization: Bearer <client token>")

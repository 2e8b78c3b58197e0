"""Session descriptions without I/O: what an offer contains, and the few changes made to it.

Only what WHIP and WHEP need is read (RFC 8866, RFC 8829); everything else passes through untouched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
SETUP = re.compile(r"^a=setup:actpass(?=\r?$)", re.MULTILINE)
OPUS = re.compile(r"^(a=rtpmap:\d+ )opus/48000(/2)?$", re.IGNORECASE)
BUNDLED = re.compile(r"^(m=\S+) 0 ")
CREDENTIAL = re.compile(r"[A-Za-z0-9+/]{4,256}")
MEDIA = ("audio", "video")


class BadSdpError(ValueError):
    """The text is not a description that can be used; says what is missing."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of a medium: ``name`` in lower case, ``parameters`` of its fmtp."""

    payload_type: int
    name: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Medium:
    """One m-line."""

    kind: str
    mid: str
    direction: str
    formats: tuple[Format, ...]
    refused: bool  # port 0 without bundle-only
    rids: tuple[str, ...] = ()
    ufrag: str = ""
    pwd: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def sends(self) -> bool:
        """Does whoever wrote it send here?"""
        return not self.refused and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Does whoever wrote it receive here?"""
        return not self.refused and self.direction in ("sendrecv", "recvonly")


@dataclass(frozen=True, slots=True)
class Description:
    """A whole description; ``text`` is what came."""

    text: str = field(repr=False)
    media: tuple[Medium, ...]

    def of(self, kind: str) -> tuple[Medium, ...]:
        """Its media of one kind, refused ones left out."""
        return tuple(medium for medium in self.media if medium.kind == kind and not medium.refused)

    @property
    def ufrag(self) -> str:
        """Its ICE user fragment: of the first medium that has one."""
        return next((medium.ufrag for medium in self.media if medium.ufrag), "")


def parse(text: str) -> Description:
    """Read a description; raises ``BadSdpError`` when it is none or lacks what WebRTC cannot do without."""
    head, sections = split(text)
    common = _attributes(head)
    media = tuple(_medium(section, common) for section in sections)
    if not media:
        raise BadSdpError("it has no m-line")
    live = [medium for medium in media if not medium.refused]
    if not live:
        raise BadSdpError("all its media are refused (port 0)")
    if not any(medium.ufrag and medium.pwd for medium in live):
        raise BadSdpError("it has no a=ice-ufrag and a=ice-pwd")
    if "a=fingerprint:" not in text:
        raise BadSdpError("it has no a=fingerprint: media must be encrypted by DTLS-SRTP")
    return Description(text, media)


def split(text: str) -> tuple[list[str], list[list[str]]]:
    """Lines before the first m-line, and the lines of each medium."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    lines = [line for line in lines if line]
    if not lines or lines[0] != "v=0":
        raise BadSdpError("it does not begin with v=0")
    if not all(len(line) > 1 and line[1] == "=" for line in lines):
        raise BadSdpError("a line is not of the form <letter>=<value>")
    head: list[str] = []
    sections: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else head).append(line)
    return head, sections


def _attributes(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value)
    return found


def _medium(lines: list[str], common: dict[str, list[str]]) -> Medium:
    fields = lines[0][2:].split()
    if len(fields) < 4 or not fields[1].partition("/")[0].isdigit():
        raise BadSdpError(f"{lines[0][:60]!r} is not a whole m-line")
    own = _attributes(lines[1:])
    first = {name: values[0] for name, values in {**common, **own}.items()}
    port = int(fields[1].partition("/")[0])
    return Medium(
        kind=fields[0],
        mid=first.get("mid", "") if "mid" in own else "",
        direction=next((name for level in (own, common) for name in DIRECTIONS if name in level), "sendrecv"),
        formats=_formats(fields[3:], own),
        refused=port == 0 and "bundle-only" not in own,
        rids=tuple(value.split()[0] for value in own.get("rid", ()) if value.split()),
        ufrag=first.get("ice-ufrag", ""),
        pwd=first.get("ice-pwd", ""),
        candidates=tuple(own.get("candidate", ())),
    )


def _formats(payload_types: list[str], own: dict[str, list[str]]) -> tuple[Format, ...]:
    names = dict(_pair(value) for value in own.get("rtpmap", ()))
    parameters = dict(_pair(value) for value in own.get("fmtp", ()))
    return tuple(
        Format(int(pt), names[pt].partition("/")[0].lower(), _parameters(parameters.get(pt, "")))
        for pt in payload_types
        if pt.isdigit() and pt in names
    )


def _pair(value: str) -> tuple[str, str]:
    name, _, rest = value.partition(" ")
    return name, rest.strip()


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.lower(): value for name, _, value in pairs if name}


def for_janus(offer: str) -> str:
    """``offer`` as Janus is given it: three things changed, none that the client would mind.

    actpass becomes active, so that the client sends the first DTLS message: browsers repeat a lost ClientHello after
    50 ms, Janus (OpenSSL) after a second. Media that are bundle-only (Firefox writes all but the first of a kind so)
    get a port: Janus takes port 0 for a refusal. Opus is written ``opus/48000/2``: GStreamer
    writes ``OPUS``, maybe without channels, and Janus does not know it then.
    """
    head, sections = split(SETUP.sub("a=setup:active", offer))
    for lines in sections:
        if "a=bundle-only" in lines:
            lines[0] = BUNDLED.sub(r"\1 9 ", lines[0])
        lines[:] = [OPUS.sub(r"\1opus/48000/2", line) for line in lines]
    return "\r\n".join([*head, *(line for section in sections for line in section)]) + "\r\n"


def with_ice(offer: str, ufrag: str, pwd: str, candidates: tuple[str, ...] = ()) -> str:
    """The same offer after an ICE restart: other credentials, other candidates, a newer version in its origin."""
    head, sections = split(offer)
    for number, lines in enumerate([head, *sections]):
        kept = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        lines[:] = [_credential(line, ufrag, pwd) for line in kept]
        if number == 1:
            lines += [f"a=candidate:{candidate}" for candidate in candidates]
    head[:] = [_next_version(line) for line in head]
    return "\r\n".join([*head, *(line for section in sections for line in section)]) + "\r\n"


def _credential(line: str, ufrag: str, pwd: str) -> str:
    if line.startswith("a=ice-ufrag:"):
        return f"a=ice-ufrag:{ufrag}"
    return f"a=ice-pwd:{pwd}" if line.startswith("a=ice-pwd:") else line


def _next_version(line: str) -> str:
    fields = line.split(" ")
    if not line.startswith("o=") or len(fields) < 3 or not fields[2].isdigit():
        return line
    return " ".join([*fields[:2], str(int(fields[2]) + 1), *fields[3:]])


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ICE candidate of a fragment, without ``a=``."""

    text: str
    mid: str
    index: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """Body of a PATCH (application/trickle-ice-sdpfrag, RFC 8840)."""

    ufrag: str
    pwd: str
    candidates: tuple[Candidate, ...]
    complete: bool


def parse_fragment(text: str) -> Fragment:
    """Read a fragment; raises ``BadSdpError`` when it holds nothing of ICE."""
    ufrag = pwd = mid = ""
    index, complete = -1, False
    candidates: list[tuple[str, int]] = []
    mids: dict[int, str] = {}
    for line in (raw.strip() for raw in text.split("\n")):
        name, _, value = line.removeprefix("a=").partition(":")
        if line.startswith("m="):
            index += 1
        elif name == "ice-ufrag":
            ufrag = ufrag or value
        elif name == "ice-pwd":
            pwd = pwd or value
        elif name == "mid":
            mid = value
            mids[max(index, 0)] = mid
        elif name == "candidate":
            candidates.append((line.removeprefix("a="), max(index, 0)))
        elif name == "end-of-candidates":
            complete = True
    if not (ufrag or candidates or complete):
        raise BadSdpError("it holds no ICE credentials and no candidates")
    for value in (ufrag, pwd):
        if value and not CREDENTIAL.fullmatch(value):
            raise BadSdpError("its ICE credentials are not 4 to 256 letters, digits, '+' or '/'")
    return Fragment(ufrag, pwd, tuple(Candidate(c, mids.get(i, ""), i) for c, i in candidates), complete)


def fragment_of(answer: Description) -> str:
    """Fragment that tells the credentials and candidates of ``answer`` after an ICE restart."""
    first = next(medium for medium in answer.media if medium.ufrag)
    lines = [f"a=ice-ufrag:{first.ufrag}", f"a=ice-pwd:{first.pwd}"]
    lines += [f"m={first.kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{first.mid}"]
    lines += [f"a=candidate:{candidate}" for candidate in first.candidates] + ["a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"

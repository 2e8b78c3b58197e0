"""Names: which are valid, and how ids of ours become ids inside Janus."""

from __future__ import annotations

import re

from rtcdn.errors import InvalidRequest

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PARTICIPANT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}(~[0-9a-z]{1,16})?")
LINK_PREFIX = "link~"
TAP = "tap-"  # of contexts and links of a tap
DETOUR = "detour-"  # of the room that links from other hosts pass on their way into a mix
ANSWER = "answer-"  # of the link by which a tap of a participant is heard


def check_id(field: str, value: str) -> str:
    """Return ``value`` if it is a valid id, else raise ``InvalidRequest`` naming ``field``."""
    if not ID.fullmatch(value):
        raise InvalidRequest(field, f"{value[:80]!r} is not an id: use a-z, 0-9 and '-', 1 to 63 characters")
    return value


def check_participant_id(field: str, value: str) -> str:
    """As ``check_id``; also accepts ``<sub>~<n>``, a viewer who came by a shared link."""
    if not PARTICIPANT_ID.fullmatch(value):
        raise InvalidRequest(field, f"{value[:80]!r} is not a participant id: use a-z, 0-9 and '-', 1 to 63 characters")
    return value


def is_shared(participant: str) -> bool:
    """Whether a participant came by a shared link: the id is nobody's for longer than he stays."""
    return "~" in participant


def janus_context(session: str, context: str) -> str:
    """Id of a context inside a Janus plugin: ``<session>/<context>``."""
    return f"{session}/{context}"


def split_janus_context(janus_id: str) -> tuple[str, str] | None:
    """``(session, context)`` of a context id, or None when it is not one of ours."""
    session, slash, context = janus_id.partition("/")
    if slash and ID.fullmatch(session) and ID.fullmatch(context):
        return session, context
    return None


def speaker_of(janus_participant: str) -> str:
    """The participant whose voice an AudioBridge hears: of a person the id itself, of a voice link the one it names.

    A module that speaks is ``tap-<tap>``.
    """
    if janus_participant.startswith((f"{LINK_PREFIX}{TAP}", f"{LINK_PREFIX}{ANSWER}")):
        return TAP + janus_participant.partition("-")[2]
    return janus_participant.removeprefix(f"{LINK_PREFIX}voice-")


def link_participant(link: str) -> str:
    """Id of a link's RTP participant inside an AudioBridge: ``link~<link>``; hidden from clients."""
    return f"{LINK_PREFIX}{link}"

"""Voice links: a VideoRoom publisher's audio enters a mix through a plain RTP participant of the AudioBridge.

Bridges and trunks between mixes have such participants too (``rtcdn.janus.bridges``).
Nobody is connected for such a participant: a REST janus_session holds him. It outlives the broker that made it, and a
broker that lost its record finds and adopts it here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from rtcdn.errors import NodeRefused
from rtcdn.ids import link_participant
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import audiobridge
from rtcdn.janus.protocol import NO_SUCH_HANDLE, NO_SUCH_SESSION, Json
from rtcdn.janus.rest import RestClient

T = TypeVar("T")
FREE_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class VoiceHold:
    """The REST janus_session and handle that hold the RTP participant of a link, and the port it listens on."""

    janus_session: int
    handle: int
    port: int


def join_voice(
    node: NodeClient,
    mix: str,
    link: str,
    held: tuple[int, int] = (0, 0),
    *,
    group: str = "local",
    two_way: bool = False,
) -> VoiceHold:
    """The RTP participant of a link in ``mix`` on an AudioBridge; adopted when it stands already.

    ``held`` is its recorded janus_session and handle. Record the answer's ids, then call ``keep_voice``: until then it
    dies by itself within a minute. ``two_way``: it will be told where to send what it hears (by a configure).
    """
    participant = link_participant(link)
    adopted = _adopt(node, mix, participant, held)
    if adopted:
        return adopted
    rest = rest_of(node)
    if held[0]:
        rest.destroy(held[0])
    janus_session, handle = rest.open(node.kind, f"{mix}/{participant}")
    body = audiobridge.join_rtp(mix, participant, node.keys(mix).pin, group, two_way=two_way)
    try:
        port = audiobridge.read_rtp_port(_call_when_free(rest, (janus_session, handle), body))
    except NodeRefused:
        rest.destroy(janus_session)
        raise
    return VoiceHold(janus_session, handle, port)


def keep_voice(node: NodeClient, hold: VoiceHold) -> None:
    """Let the janus_session of a link live without keepalives."""
    node.admin.set_session_timeout(hold.janus_session, 0)


def leave_voice(node: NodeClient, mix: str, link: str, janus_session: int = 0) -> None:
    """End the RTP participant of a link and whatever janus_session holds it; gone already is fine."""
    if janus_session:
        rest_of(node).destroy(janus_session)
    stray = find_voice(node, mix, link)
    if stray and stray.janus_session != janus_session:
        rest_of(node).destroy(stray.janus_session)


def find_voice(node: NodeClient, mix: str, link: str, held: tuple[int, int] = (0, 0)) -> VoiceHold | None:
    """The RTP participant of a link as it stands, None when there is none."""
    return _adopt(node, mix, link_participant(link), held)


def _adopt(node: NodeClient, mix: str, participant: str, held: tuple[int, int]) -> VoiceHold | None:
    """Who holds the participant: ``held`` if it does, else whichever janus_session is found to (a lost record)."""
    answer = node.if_there(audiobridge.list_participants(mix))
    if not answer or participant not in {each.id for each in audiobridge.read_participants(answer)}:
        return None
    everywhere = ((s, h) for s in node.admin.janus_sessions() for h in _handles(node, s))
    for janus_session, handle in chain([held] if all(held) else [], everywhere):
        info = _unless_gone(node.admin.handle_info, janus_session, handle) or {}
        port = audiobridge.read_handle_rtp_port(info, mix, participant)
        if port:
            return VoiceHold(janus_session, handle, port)
    return None


def _handles(node: NodeClient, janus_session: int) -> tuple[int, ...]:
    return _unless_gone(node.admin.handles, janus_session) or ()


def _unless_gone(ask: Callable[..., T], *ids: int) -> T | None:
    """The answer, or None when the janus_session or handle is gone."""
    try:
        return ask(*ids)
    except NodeRefused as refused:
        if refused.code in (NO_SUCH_SESSION, NO_SUCH_HANDLE):
            return None
        raise


def _call_when_free(rest: RestClient, ids: tuple[int, int], body: Json) -> Json:
    """Join; one who has just left keeps his id for a moment."""
    until_s = time.monotonic() + FREE_WITHIN_S
    while True:
        try:
            return rest.call(*ids, body)
        except NodeRefused as refused:
            if refused.code != audiobridge.ID_EXISTS or time.monotonic() > until_s:
                raise
        time.sleep(0.02)


def rest_of(node: NodeClient) -> RestClient:
    """The node's REST API; ``NodeRefused`` when it tells none."""
    if node.rest is None:
        raise NodeRefused(0, "the node tells no REST address (labels.rest): links into a mix need one")
    return node.rest

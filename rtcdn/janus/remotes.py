"""Remote links: all of a publisher's media goes from his VideoRoom to another, where he stands under the same id.

Both ends are made together or not at all: ports are told only once, in the answer that makes the remote publisher.
Nothing is automatic in Janus: when the publisher leaves, the far room still shows him.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from rtcdn.errors import NodeRefused
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import Srtp, videoroom
from rtcdn.model import Leg, RemoteInfo
from rtcdn.secrets import fresh_key


@dataclass(frozen=True, slots=True)
class End:
    """A room on its node."""

    node: NodeClient
    room: str


@dataclass(frozen=True, slots=True)
class Way:
    """How media get from one node to another: the address there as seen from here, and whether encrypted."""

    host: str
    sealed: bool = False

    def fresh_key(self) -> Srtp | None:
        """A key for a link that is made now, if it needs one: never one that was used before."""
        return Srtp(80, fresh_key()) if self.sealed else None


def start_remote(
    source: End, target: End, publisher: str, link: str, leg: Leg, *, way: Way | None = None, anew: bool = False
) -> None:
    """Send a publisher of one room to another; ``leg`` is his publish leg, with what he sends.

    Adopts what stands at both ends; half of it, or all with ``anew``, is removed and made again, with a new key.
    """
    way = way or Way(target.node.media_ip)
    if not leg.streams:
        raise NodeRefused(videoroom.NO_SUCH_FEED, f"{publisher} publishes nothing now")
    sent = [each for each in remotes_of(source, publisher) if each.id == link]
    standing = has_remote(target, publisher)
    if not anew and standing and [each.host for each in sent] == [way.host]:
        return
    if sent:
        stop_sending(source, publisher, link)
    if standing:
        remove_remote(target, publisher)
    streams, srtp = videoroom.remote_streams(leg.streams, _lines(source.node, leg)), way.fresh_key()
    added = target.node.admin.plugin(
        target.node.kind,
        videoroom.add_remote_publisher(target.room, target.node.keys(target.room), publisher, streams, srtp),
    )
    ports, keys = videoroom.read_remote_ports(added), source.node.keys(source.room)
    body = videoroom.publish_remotely(source.room, keys, publisher, link, (way.host, *ports), srtp=srtp)
    try:
        source.node.admin.plugin(source.node.kind, body)
    except NodeRefused:
        remove_remote(target, publisher)
        raise


def stop_sending(source: End, publisher: str, link: str) -> None:
    """Stop sending a publisher over a link; one that is not sent, or is gone, is fine."""
    body = videoroom.unpublish_remotely(source.room, source.node.keys(source.room), publisher, link)
    source.node.if_there(body, {videoroom.NO_SUCH_FEED})


def remove_remote(target: End, publisher: str) -> None:
    """Remove a remote publisher, and his forwarders with him; one who publishes there himself is left alone."""
    body = videoroom.remove_remote_publisher(target.room, target.node.keys(target.room), publisher)
    target.node.if_there(body, {videoroom.NO_SUCH_FEED})


def remotes_of(source: End, publisher: str) -> tuple[RemoteInfo, ...]:
    """Where a publisher is sent to; nowhere when he is not there."""
    body = videoroom.list_remotes(source.room, source.node.keys(source.room), publisher)
    return videoroom.read_remotes(source.node.if_there(body, {videoroom.NO_SUCH_FEED}) or {})


def has_remote(target: End, publisher: str) -> bool:
    """Is there a remote publisher of this id?"""
    answer = target.node.if_there(videoroom.list_participants(target.room)) or {}
    return any(each.remote and each.id == publisher for each in videoroom.read_publishers(answer))


def _lines(node: NodeClient, leg: Leg) -> dict[str, int]:
    """The m-line of each of his mids, as his Janus knows them; empty when his handle is not there."""
    if not leg.handle:
        return {}
    with contextlib.suppress(NodeRefused):
        return videoroom.read_lines(node.admin.handle_info(leg.janus_session, leg.handle))
    return {}

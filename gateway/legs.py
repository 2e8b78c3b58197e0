"""Legs in Janus: a publisher's in a VideoRoom, a viewer's in a mountpoint, a voice in a mix.

Each has a janus_session of its own.

Sockets are one per node and shared; a janus_session outlives its socket, so that another gateway can claim it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway import sdp
from gateway.protocol import Problem
from rtcdn import log
from rtcdn.errors import ConfigError, NodeAway, NodeRefused
from rtcdn.janus.plugins import PACKAGES, ContextKeys, audiobridge, streaming, videoroom
from rtcdn.janus.protocol import Jsep, Json
from rtcdn.janus.ws import Handle, JanusSession, JanusSocket, TokenSource
from rtcdn.model import NETWORK, Kind, Leg, NodeSecrets, StreamInfo
from rtcdn.secrets import context_pin, context_secret, load_node_secrets

ID_EXISTS = {Kind.VR: 436, Kind.AB: audiobridge.ID_EXISTS}
TAKE_OVER_TRIES = 10
TAKE_OVER_PAUSE_S = 0.1
OPEN_S = 2.0  # a node that does not even answer this is away: the client may try elsewhere
END_S = 1.0
IDLE_SOCKET_S = 60.0

SocketKey = tuple[str, str, str]  # node, address, version of its secrets
_log = log.get("gateway.legs")


@dataclass
class LiveLeg:
    """A leg that exists in Janus. ``answer`` is empty and ``streams`` unknown after a claim."""

    session: JanusSession
    handle: Handle
    answer: str = field(default="", repr=False)
    streams: tuple[StreamInfo, ...] = ()

    async def trickle(self, fragment: sdp.Fragment) -> None:
        """Hand candidates on."""
        candidates: list[Json] = [
            {"candidate": each.text, "sdpMLineIndex": each.index, **({"sdpMid": each.mid} if each.mid else {})}
            for each in fragment.candidates
            if ".local " not in each.text  # a name only the client's own network knows; Janus would look it up
        ]
        if fragment.complete:
            candidates.append({"completed": True})
        if candidates:
            await self.handle.trickle(candidates)

    async def restart(self, offer: str) -> str:
        """Answer a publisher's next offer: new ICE credentials, or other media; his streams may change with it."""
        data, answer = await self.handle.call(videoroom.restart_ice(), Jsep("offer", offer))
        if answer is None:
            raise NodeRefused(0, "no answer to another offer")
        self.streams = read_streams(data) or self.streams
        return answer.sdp

    async def speak(self, room: str, participant: str, on: bool) -> None:
        """Take part in the mix, or wait suspended."""
        act = audiobridge.resume if on else audiobridge.suspend
        await self.handle.request(act(room, participant))

    async def mute(self, on: bool) -> None:
        """Mute a voice, or not."""
        await self.handle.call(audiobridge.configure(muted=on))

    async def shape(self, streams: list[Json]) -> None:
        """Say which media of a view are sent, as ``streaming.stream`` writes them."""
        await self.handle.call(streaming.configure_streams(streams))

    async def speaks(self, room: str, participant: str) -> bool:
        """Does a claimed voice take part in the mix?"""
        found = audiobridge.read_participants(await self.handle.request(audiobridge.list_participants(room)))
        return any(each.id == participant and not each.suspended for each in found)

    async def end(self) -> None:
        """Destroy the janus_session: the connection closes and the context lets him go. Never raises.

        Where the node does not answer, Janus ends it by itself a minute later, since nobody keeps it alive any more.
        """
        try:
            async with asyncio.timeout(END_S):
                await self.session.destroy()
        except (NodeAway, NodeRefused, TimeoutError) as error:
            _log.info("leg-end-unheard", janus_session=self.session.id, reason=error)


def door(leg: Leg) -> SocketKey:
    """What tells one socket to a node from another: a node that has other secrets now is entered anew."""
    return leg.node, leg.address, leg.secret_version


def socket_key(leg: Leg) -> SocketKey:
    """What tells one socket to a node from another: a node that has other secrets now is entered anew."""
    return leg.node, leg.address, leg.secret_version


class Nodes:
    """Sockets to nodes, made when first needed and closed when long idle."""

    def __init__(self, secrets_dir: Path, network: str = NETWORK) -> None:
        """``network``: ours. Nodes of another are reached at their public address."""
        self._secrets_dir, self._network = secrets_dir, network
        self._secrets: dict[str, NodeSecrets] = {}
        self._sockets: dict[SocketKey, JanusSocket] = {}
        self._used_s: dict[SocketKey, float] = {}

    async def publish(self, leg: Leg, participant: str, opaque_id: str, offer: str) -> LiveLeg:
        """Join the leg's VideoRoom and publish ``offer``. Whoever is there under the same id is put out."""
        live = await self._open(leg, opaque_id)
        try:
            pin = context_pin(self.secrets(leg).context_key, leg.context)
            await self._join(live.handle, leg, participant, videoroom.join_publisher(leg.context, participant, pin))
            body = videoroom.publish(leg.bitrate_bps)
            data, answer = await live.handle.call(body, Jsep("offer", sdp.for_janus(offer)))
        except BaseException:
            await asyncio.shield(live.end())
            raise
        live.streams = read_streams(data)
        live.answer = answer.sdp if answer else ""
        return live

    async def talk(self, leg: Leg, participant: str, opaque_id: str, offer: str) -> LiveLeg:
        """Join the leg's mix suspended, with ``offer``: connected, neither mixed nor encoded."""
        live = await self._open(leg, opaque_id)
        try:
            pin = context_pin(self.secrets(leg).context_key, leg.context)
            body = audiobridge.join(leg.context, participant, pin, suspended=True)
            live.answer = await self._join(live.handle, leg, participant, body, Jsep("offer", sdp.for_janus(offer)))
        except BaseException:
            await asyncio.shield(live.end())
            raise
        return live

    async def view(self, leg: Leg, opaque_id: str, offer: str) -> LiveLeg:
        """Watch the leg's mountpoint with the viewer's ``offer``."""
        live = await self._open(leg, opaque_id)
        try:
            pin = context_pin(self.secrets(leg).context_key, leg.context)
            body = streaming.watch(leg.context, pin)
            _, answer = await live.handle.call(body, Jsep("offer", sdp.for_janus(offer)))
        except BaseException:
            await asyncio.shield(live.end())
            raise
        live.answer = answer.sdp if answer else ""
        return live

    async def claim(self, leg: Leg) -> LiveLeg:
        """Take over a leg that another gateway held; ``NodeRefused`` when Janus does not know it any more."""
        session = await self.socket(leg).claim(leg.janus_session)
        return LiveLeg(session, session.adopt(leg.handle), streams=leg.streams)

    async def _open(self, leg: Leg, opaque_id: str) -> LiveLeg:
        try:
            async with asyncio.timeout(OPEN_S):
                session = await self.socket(leg).create()
        except TimeoutError:
            raise NodeAway(f"{leg.node}: no janus_session within {OPEN_S} s") from None
        try:
            return LiveLeg(session, await session.attach(opaque_id))
        except BaseException:
            await asyncio.shield(LiveLeg(session, Handle(session, 0)).end())
            raise

    async def _join(self, handle: Handle, leg: Leg, participant: str, body: Json, offer: Jsep | None = None) -> str:
        """Join a room; the answer to ``offer``. While the id is taken by an earlier connection, put that one out."""
        node = self.secrets(leg)
        pin = context_pin(node.context_key, leg.context)
        keys = ContextKeys(secret=context_secret(node.context_key, leg.context), pin=pin)
        kick = (audiobridge if leg.kind is Kind.AB else videoroom).kick(leg.context, keys, participant)
        for _ in range(TAKE_OVER_TRIES):
            try:
                _, answer = await handle.call(body, offer)
            except NodeRefused as refused:
                if refused.code != ID_EXISTS[leg.kind]:
                    raise
                _log.info("taken-over", context=leg.context, participant=participant)
                await self._put_out(handle, kick)
                await asyncio.sleep(TAKE_OVER_PAUSE_S)
            else:
                return answer.sdp if answer else ""
        raise NodeRefused(ID_EXISTS[leg.kind], "the earlier connection of this speaker does not go away")

    async def _put_out(self, handle: Handle, kick: Json) -> None:
        """Kick; who has gone by himself meanwhile need not be kicked."""
        try:
            await handle.request(kick)
        except NodeRefused as refused:
            if refused.code not in (videoroom.NO_SUCH_FEED, audiobridge.NO_SUCH_USER):
                raise

    def socket(self, leg: Leg) -> JanusSocket:
        """The socket to a leg's node; ``Problem`` when we hold no secrets of it."""
        key = socket_key(leg)
        self._used_s[key] = time.monotonic()
        if key not in self._sockets:
            package = PACKAGES[leg.kind]
            tokens = TokenSource(self.secrets(leg).token_secret, package)
            address = leg.address if leg.network == self._network else leg.public or leg.address
            self._sockets[key] = JanusSocket(f"ws://{address}", package, tokens)
            self._sockets[key].start()
        return self._sockets[key]

    def secrets(self, leg: Leg) -> NodeSecrets:
        """Secrets of a leg's node, in its version; the folder is read again for a node not known yet."""
        node = leg.node
        if node not in self._secrets:
            try:
                self._secrets = load_node_secrets(self._secrets_dir)
            except ConfigError as error:
                _log.error("secrets-unreadable", reason=error)
        if node not in self._secrets:
            raise Problem(503, "node-unknown", "this gateway has no access to the media node", "tell the operator")
        return self._secrets[node].of(leg.secret_version)

    async def close_idle(self, used: set[SocketKey]) -> None:
        """Close sockets that nobody uses (``used``: keys of legs held) and nobody asked for lately."""
        now_s = time.monotonic()
        for key, socket in tuple(self._sockets.items()):
            if key not in used and now_s - self._used_s[key] > IDLE_SOCKET_S:
                del self._sockets[key]
                await socket.close()

    async def close(self) -> None:
        """Close every socket; janus_sessions live on for a minute, so that others can claim them."""
        await asyncio.gather(*(socket.close() for socket in self._sockets.values()))
        self._sockets.clear()


def read_streams(data: Json) -> tuple[StreamInfo, ...]:
    """A publisher's streams as the VideoRoom tells them."""
    rows = data.get("streams")
    found = (StreamInfo.from_dict(row) for row in rows) if isinstance(rows, list) else ()
    return tuple(stream for stream in found if stream)

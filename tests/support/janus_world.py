"""One node of each kind, in memory or real, as the contract suites of Janus see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import httpx

from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import audiobridge
from rtcdn.janus.rest import RestClient
from rtcdn.model import Codec, Kind, MountpointMedia, NodeSecrets
from tests.support.engine import Engine
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets, start_janus

KINDS = (Kind.VR, Kind.AB, Kind.ST)


@dataclass
class World:
    """One node of each kind, and the PLIs that were sent."""

    clients: dict[Kind, NodeClient]
    secrets: dict[Kind, NodeSecrets]
    urls: dict[Kind, tuple[str, str]]
    transports: dict[Kind, httpx.BaseTransport | None]
    plis: list[tuple[str, int]] = field(default_factory=list)

    def other(self, kind: Kind, **changed: str) -> NodeClient:
        """A client of the same node with other secrets."""
        return make_client(kind, *self.urls[kind], replace(self.secrets[kind], **changed), self.transports[kind], [])


def make_client(
    kind: Kind,
    admin: str,
    rest: str,
    own: NodeSecrets,
    transport: httpx.BaseTransport | None,
    plis: list[tuple[str, int]],
    media_ip: str = "127.0.0.1",
) -> NodeClient:
    return NodeClient(
        kind,
        AdminClient(admin, own.admin_secret, transport=transport),
        own,
        media_ip,
        rest=RestClient(rest, own.api_secret, transport=transport),
        pli=lambda host, port: plis.append((host, port)),
    )


def fake_world() -> World:
    plis: list[tuple[str, int]] = []
    own = {kind: fresh_secrets() for kind in KINDS}
    urls = ("http://node/admin", "http://node/janus")
    transports: dict[Kind, httpx.BaseTransport | None] = {k: FakeJanus(k, own[k]).transport() for k in KINDS}
    clients = {kind: make_client(kind, *urls, own[kind], transports[kind], plis) for kind in KINDS}
    return World(clients, own, dict.fromkeys(KINDS, urls), transports, plis)


def real_world(engine: Engine) -> World:
    plis: list[tuple[str, int]] = []
    network = engine.network()
    nodes = {kind: start_janus(engine, kind, network=network) for kind in KINDS}
    urls = {kind: (node.admin_url, node.rest_url) for kind, node in nodes.items()}
    clients = {k: make_client(k, *urls[k], node.secrets, None, plis, node.media_ip) for k, node in nodes.items()}
    return World(clients, {kind: node.secrets for kind, node in nodes.items()}, urls, dict.fromkeys(KINDS), plis)


def make_context(client: NodeClient, janus_id: str) -> tuple[MountpointMedia, ...]:
    if client.kind is Kind.VR:
        client.ensure_room(janus_id, Codec.VP8, 8, 1_500_000)
    elif client.kind is Kind.AB:
        client.ensure_mix(janus_id)
    else:
        return client.ensure_stage(janus_id, Codec.VP8, ("v1", "v2", "s1"))
    return ()


def make_publisher(world: World, room: str, name: str) -> None:
    """Somebody who publishes audio (mid 0) and video (mid 1), without a browser."""
    client = world.clients[Kind.VR]
    streams = [
        {"type": "audio", "mindex": 0, "mid": "0", "codec": "opus"},
        {"type": "video", "mindex": 1, "mid": "1", "codec": "vp8"},
    ]
    body = {"request": "add_remote_publisher", "room": room, "secret": client.keys(room).secret, "id": name}
    client.admin.plugin(Kind.VR, {**body, "streams": streams})


def participants(client: NodeClient, mix: str) -> list[str]:
    answer = client.if_there(audiobridge.list_participants(mix))
    return [each.id for each in audiobridge.read_participants(answer or {})]

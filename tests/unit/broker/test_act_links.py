"""The actor's links on the Janus of tests: what is recorded, and when; what a second try or a lost end makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from broker.act import Nodes
from broker.act_links import LinkActor, Wire
from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap
from broker.sim.node import FakeNode
from rtcdn.errors import NodeRefused, StoreAway
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import audiobridge
from rtcdn.model import Codec, ContextIntent, Kind, Leg, LinkIntent, ParticipantIntent, SessionIntent, StreamInfo
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets
from tests.support.janus_world import make_client, participants

TRUNK = LinkIntent("trunk", "mix-a", "mix-b")
BRIDGE = LinkIntent("bridge", "mix-a", "mix-b")
REMOTE = LinkIntent("remote", "ingress-a", "ingress-b", "ann")
STREAMS = (StreamInfo("audio", "0", "opus"),)


@dataclass
class Pair:
    """Two nodes of a kind with a context each, and the link that was recorded last."""

    kind: Kind
    duty: str
    janus: dict[str, FakeJanus] = field(default_factory=dict)
    client: dict[str, NodeClient] = field(default_factory=dict)
    vmap: VirtualMap = field(default_factory=lambda: VirtualMap.build({}, 0.0))
    recorded: list[LinkIntent] = field(default_factory=list)
    away: bool = False

    def __post_init__(self) -> None:
        for number, name in enumerate("ab"):
            own = fresh_secrets()
            self.janus[name] = FakeJanus(self.kind, own, f"127.0.0.{number + 1}")
            urls = "http://node/admin", "http://node/janus"
            transport = self.janus[name].transport()
            self.client[name] = make_client(self.kind, *urls, own, transport, [], f"127.0.0.{number + 1}")
            self.make(name)
        seen = [FakeNode(name, self.kind, "here", f"127.0.0.{n + 1}").report() for n, name in enumerate("ab")]
        self.vmap = VirtualMap.build({key: (text, 1) for told in seen for key, text in told}, 0.0)
        self.actor = LinkActor(Nodes({}), self._record)

    def make(self, name: str) -> None:
        """Its context, (again)."""
        if self.kind is Kind.AB:
            self.client[name].ensure_mix(self.context(name))
        else:
            self.client[name].ensure_room(self.context(name), Codec.VP8, 8, 1_000_000)

    def context(self, name: str) -> str:
        return f"s/{self.duty}-{name}"

    def start(self, link: LinkIntent) -> LinkIntent:
        """Start it; the link as it is recorded now."""
        self.actor.start(self._wire(link), self.vmap, self.client["a"], self.client["b"], anew=False)
        return self.recorded[-1] if self.recorded else link

    def stop(self, link: LinkIntent, *ends: str) -> None:
        """Stop it at these ends."""
        here, there = (self.client[name] if name in ends else None for name in "ab")
        self.actor.stop(self._wire(link), self.vmap, here, there)

    def _wire(self, link: LinkIntent) -> Wire:
        ends = [ContextIntent(name, self.kind, self.duty) for name in "ab"]
        return Wire("s", f"{link.kind}-a-b", link, *ends)

    def _record(self, change: IntentChange) -> None:
        if self.away:
            raise StoreAway("away")
        assert isinstance(change.record, LinkIntent)
        self.recorded.append(change.record)


@pytest.fixture
def mixes() -> Pair:
    return Pair(Kind.AB, "mix")


@pytest.fixture
def rooms() -> Pair:
    return Pair(Kind.VR, "ingress")


def peer(pair: Pair, name: str, hold: tuple[int, int]) -> tuple[str, int]:
    """Where an end of a trunk sends to."""
    return audiobridge.read_handle_rtp_peer(pair.client[name].admin.handle_info(*hold))


def test_both_ends_of_a_trunk_are_recorded_and_told_of_each_other(mixes: Pair) -> None:
    """Started again, from the record or without it, nothing more is made or recorded."""
    held = mixes.start(TRUNK)
    assert peer(mixes, "a", (held.far_session, held.far_handle)) == ("127.0.0.2", held.port)
    host, port = peer(mixes, "b", (held.janus_session, held.handle))
    assert host == "127.0.0.1"
    assert port > 0
    assert mixes.start(held) == held
    assert len(mixes.recorded) == 1
    assert mixes.start(TRUNK) == held
    mixes.stop(held, "a", "b")
    assert [participants(mixes.client[name], mixes.context(name)) for name in "ab"] == [[], []]
    assert [mixes.client[name].admin.janus_sessions() for name in "ab"] == [(), ()]


@pytest.mark.parametrize("lost", ["a", "b"])
def test_a_trunk_heals_whichever_end_was_made_again(mixes: Pair, lost: str) -> None:
    """The end that stayed keeps who holds it and is told of the new one."""
    before = mixes.start(TRUNK)
    mixes.janus[lost].restart()
    mixes.make(lost)
    after = mixes.start(before)
    assert ((before.janus_session, before.handle) == (after.janus_session, after.handle)) == (lost == "a")
    assert ((before.far_session, before.far_handle) == (after.far_session, after.far_handle)) == (lost == "b")
    assert peer(mixes, "a", (after.far_session, after.far_handle)) == ("127.0.0.2", after.port)
    assert peer(mixes, "b", (after.janus_session, after.handle))[0] == "127.0.0.1"


@pytest.mark.parametrize("link", [TRUNK, BRIDGE])
def test_what_could_not_be_recorded_is_not_kept_alive(mixes: Pair, link: LinkIntent) -> None:
    """It dies by itself; the next try adopts it while it lives."""
    kept: list[int] = []
    for client in mixes.client.values():
        client.admin.set_session_timeout = lambda session, _: kept.append(session)  # type: ignore[method-assign]
    mixes.away = True
    with pytest.raises(StoreAway):
        mixes.start(link)
    assert kept == []
    standing = [mixes.client[name].admin.janus_sessions() for name in "ab"]
    mixes.away = False
    held = mixes.start(link)
    assert [mixes.client[name].admin.janus_sessions() for name in "ab"] == standing
    assert set(kept) == {each for each in (held.janus_session, held.far_session) if each}


def test_a_bridge_sends_to_the_port_of_today(mixes: Pair) -> None:
    """The forwarder to a port of yesterday is stopped; stopping leaves neither forwarder nor participant."""
    before = mixes.start(BRIDGE)
    mixes.janus["b"].restart()
    mixes.janus["b"].plugin.ports = iter(range(50_000, 50_100))
    mixes.make("b")
    after = mixes.start(before)
    found = [(each.host, each.port, each.group) for each in mixes.client["a"].forwarders("s/mix-a")]
    assert found == [("127.0.0.2", after.port, "local")]
    assert after.port != before.port
    mixes.stop(after, "a", "b")
    assert mixes.client["a"].forwarders("s/mix-a") == ()
    assert participants(mixes.client["b"], "s/mix-b") == []
    mixes.stop(after, "b")


def test_a_publisher_is_sent_as_the_map_says(rooms: Pair) -> None:
    """One of whom the map knows no streams is refused; stopping at one end leaves the other to its own stop."""
    rooms.janus["a"].plugin.contexts["s/ingress-a"].people["ann"] = {"publisher": True}
    with pytest.raises(NodeRefused, match="ann publishes nothing now"):
        rooms.start(REMOTE)
    leg = Leg("publish", Kind.VR, "a", context="s/ingress-a", state="up", streams=STREAMS)
    snapshot = {
        "SS:s": (SessionIntent().to_json(), 1),
        "PT:s:ann": (ParticipantIntent(legs=(leg,)).to_json(), 1),
    }
    rooms.vmap = rooms.vmap.apply([(key, *told) for key, told in snapshot.items()], 0.0)
    rooms.start(REMOTE)
    far = rooms.janus["b"].plugin.contexts["s/ingress-b"].people
    near = rooms.janus["a"].plugin.contexts["s/ingress-a"].people
    assert far["ann"]["remote"]
    assert list(near["ann"]["remotes"]) == ["remote-a-b"]
    rooms.stop(REMOTE, "a")
    assert near["ann"]["remotes"] == {}
    assert "ann" in far
    rooms.stop(REMOTE, "b")
    assert "ann" not in far

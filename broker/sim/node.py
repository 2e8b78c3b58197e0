"""A fake node: performs steps as a Janus would and reports as its collector would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.core.wrappers import Load
from rtcdn import keys
from rtcdn.ids import link_participant
from rtcdn.model import (
    PLAIN,
    Capacity,
    ContextInfo,
    ContextIntent,
    ForwarderInfo,
    Kind,
    Labels,
    LinkIntent,
    MountpointMedia,
    PluginData,
    PublisherInfo,
    RemoteInfo,
    seal,
)


@dataclass
class FakeNode:
    """One node of the fake world. ``used`` is its true load, in points of weight."""

    id: str
    kind: str
    region: str
    host: str
    capacity: Capacity = field(default_factory=Capacity)
    used: float = 0.0
    started_us: int = 1
    place: tuple[float, ...] = ()  # latitude, longitude
    machine: str = ""  # label of its host
    links: str = PLAIN  # to other machines
    contexts: dict[str, ContextInfo] = field(default_factory=dict)
    _ports: int = 20_000
    _streams: int = 0

    def add_load(self, load: Load) -> None:
        """A client has come."""
        self.used += load.cost(self.capacity)

    def restart(self) -> None:
        """Janus restarts: nothing made by its API is left, and ports are given out from the beginning."""
        self.contexts, self.used, self._ports = {}, 0.0, 20_000
        self.started_us += 1

    def create(self, janus_id: str, intent: ContextIntent) -> None:
        """Make a context; it may exist already."""
        media = tuple(self._medium(mid) for mid in ("a", *intent.slots)) if self.kind in (Kind.ST, Kind.AI) else ()
        self.contexts.setdefault(janus_id, ContextInfo(janus_id, media=media))

    def _medium(self, mid: str) -> MountpointMedia:
        self._ports += 4
        if mid == "a":
            return MountpointMedia(mid, "audio", self._ports)
        return MountpointMedia(mid, "video", self._ports, self._ports + 1, self._ports + 2, self._ports + 3)

    def destroy(self, janus_id: str) -> None:
        """Remove a context; it may be gone already."""
        self.contexts.pop(janus_id, None)

    def publish(self, janus_id: str, publisher: str) -> None:
        """A publisher's media is up."""
        info = self.contexts[janus_id]
        others = tuple(each for each in info.publishers if each.id != publisher)  # a remote one is put out
        self.contexts[janus_id] = replace(info, publishers=(*others, PublisherInfo(publisher)))

    def unpublish(self, janus_id: str, publisher: str) -> None:
        """A publisher is gone, and with him his forwarders and what is sent of him to other rooms."""
        info = self.contexts.get(janus_id)
        if info:
            publishers = tuple(each for each in info.publishers if each.id != publisher)
            forwarders = tuple(each for each in info.forwarders if each.publisher != publisher)
            remotes = tuple(each for each in info.remotes if each.publisher != publisher)
            self.contexts[janus_id] = replace(info, publishers=publishers, forwarders=forwarders, remotes=remotes)

    def send(self, janus_id: str, name: str, link: LinkIntent, target: FakeNode, target_id: str) -> None:
        """A publisher of a room stands in another too, unless he does; both ends are made together."""
        info, end = self.contexts.get(janus_id), target.contexts.get(target_id)
        who = link.participant
        if info is None or end is None or who not in {each.id for each in info.publishers if not each.remote}:
            return
        there = any(each.id == who and each.remote for each in end.publishers)
        if not there or name not in {each.id for each in info.remotes}:
            self.unsend(janus_id, name)
            target.remove(target_id, who)
            end = target.contexts[target_id]
            target.contexts[target_id] = replace(end, publishers=(*end.publishers, PublisherInfo(who, remote=True)))
            info = self.contexts[janus_id]
            remotes = (*info.remotes, RemoteInfo(name, who, target.host, 10_000))
            self.contexts[janus_id] = replace(info, remotes=remotes)

    def unsend(self, janus_id: str, name: str) -> None:
        """A publisher is not sent over a link any more; the far room still shows him."""
        info = self.contexts.get(janus_id)
        if info:
            self.contexts[janus_id] = replace(info, remotes=tuple(e for e in info.remotes if e.id != name))

    def remove(self, janus_id: str, publisher: str) -> None:
        """A remote publisher goes; one who publishes here himself stays."""
        info = self.contexts.get(janus_id)
        if info and any(each.id == publisher and each.remote for each in info.publishers):
            self.unpublish(janus_id, publisher)

    def forward(self, janus_id: str, link: LinkIntent, target: FakeNode, target_id: str, key: int = 0) -> None:
        """Make the forwarders of a link, unless they are there; ``key``: generation of that of its stage."""
        info, end = self.contexts.get(janus_id), target.contexts.get(target_id)
        if info is None or end is None:
            return
        publisher = link.participant if self.kind == Kind.VR else ""
        if publisher and publisher not in {each.id for each in info.publishers}:
            return
        kind = "video" if link.kind == "slot" else "audio"
        ports, sealed = ports_of(end, link), seal(key) if key else 0
        stale = {(target.host, port) for port in ports}
        kept = [e for e in info.forwarders if (e.host, e.port) not in stale or e.seal == sealed]
        known = {(each.host, each.port) for each in kept}
        for port in ports:
            if (target.host, port) not in known:
                group = "local" if link.kind == "bridge" else ""
                kept.append(ForwarderInfo(self.number(), target.host, port, kind, publisher, group, sealed))
        self.contexts[janus_id] = replace(info, forwarders=tuple(kept))

    def number(self) -> int:
        """Of the next forwarder."""
        self._streams += 1
        return self._streams

    def stop(self, janus_id: str, link: LinkIntent, target: FakeNode | None, target_id: str) -> None:
        """Stop the forwarders of a link; they may be gone."""
        info = self.contexts.get(janus_id)
        end = target.contexts.get(target_id) if target else None
        if info is None or end is None or target is None:
            return
        gone = {(target.host, port) for port in ports_of(end, link)}
        kept = tuple(each for each in info.forwarders if (each.host, each.port) not in gone)
        self.contexts[janus_id] = replace(info, forwarders=kept)

    def stop_stream(self, janus_id: str, stream_id: int) -> None:
        """Stop one forwarder by its number."""
        info = self.contexts.get(janus_id)
        if info:
            kept = tuple(each for each in info.forwarders if each.stream_id != stream_id)
            self.contexts[janus_id] = replace(info, forwarders=kept)

    def join(self, janus_id: str, link: str) -> None:
        """An RTP participant for a link into a mix."""
        info = self.contexts.get(janus_id)
        if info and link_participant(link) not in info.links:
            self.contexts[janus_id] = replace(info, links=(*info.links, link_participant(link)))

    def part(self, janus_id: str, link: str) -> None:
        """The RTP participant of a link goes."""
        info = self.contexts.get(janus_id)
        if info:
            self.contexts[janus_id] = replace(info, links=tuple(e for e in info.links if e != link_participant(link)))

    def report(self) -> list[tuple[str, str]]:
        """What its collector writes, in order."""
        labels = Labels(
            media_ip=self.host,
            host=self.machine,
            place=self.place,
            capacity=self.capacity,
            started_us=self.started_us,
            links=self.links,
        )
        plugin = PluginData(tuple(self.contexts[name] for name in sorted(self.contexts)))
        fields = {
            "ADDRESS": f"{self.host}:8188",
            "CPU": "0",
            "MEM": "0",
            "WEIGHT": f"{self.used:.2f}",
            "REGION": self.region,
            "LABELS": labels.to_json(),
            "PLUGIN": plugin.to_json(),
        }
        details = [(keys.node_field(self.kind, self.id, name), text) for name, text in fields.items()]
        return [*details, (keys.node(self.id), self.kind)]


def ports_of(end: ContextInfo, link: LinkIntent) -> list[int]:
    """Ports a link sends to; an AudioBridge gives each RTP participant a port of his own, told apart by name here."""
    if link.kind in ("voice", "bridge"):
        name = link.participant or link.source
        return [40_000 + sum(map(ord, name)) * 2]
    medium = next(each for each in end.media if each.mid == link.slot)
    return [port for port in (medium.port, medium.port_2, medium.port_3) if port]

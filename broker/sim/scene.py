"""The scenery of a case: regions and the way between them, hosts and nodes with their true load."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from broker.core.wrappers import AUDIO_KBPS, AUDIO_PACKETS_PS, VIDEO_PACKET_BYTES, Load, leg_load
from broker.sim.case import Case, Region, node_names
from broker.sim.node import FakeNode
from rtcdn import keys
from rtcdn.ids import split_janus_context
from rtcdn.model import Labels, Leg, PluginData

EARTH_KM = 6371.0
MS_PER_KM = 0.015  # there and back at 200 km a millisecond, on ways half as long again as the great circle
LAYERS = 3  # ports of a video slot: the layers of a simulcast source share its bitrate
Rate = Callable[[str], tuple[int, int]]  # session -> bitrate of a video in bit/s, videos shown


def great_circle_ms(one: Region, other: Region) -> float:
    """Round trip between two places when nobody measured it."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(each) for each in region.place) for region in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_KM * math.asin(math.sqrt(half)) * MS_PER_KM, 1)


def matrix(case: Case) -> dict[str, dict[str, float]]:
    """Round trip from every region to every other; 0 to itself."""
    found: dict[str, dict[str, float]] = {}
    for one in sorted(case.regions):
        found[one] = {}
        for other in sorted(case.regions):
            told = case.rtt_ms.get(one, {}).get(other, case.rtt_ms.get(other, {}).get(one))
            way = great_circle_ms(case.regions[one], case.regions[other]) if told is None else told
            found[one][other] = 0.0 if one == other else way
    return found


@dataclass
class SimNode(FakeNode):
    """A fake node whose load is what really hangs on it; its report tells that, and no earlier."""

    machine: str = ""
    price_hour: float = 0.0
    price_gb: float = 0.0
    place: tuple[float, ...] = ()
    dead: bool = False
    held: dict[tuple[str, str, str, bool], int] = field(default_factory=dict)  # session, context, leg, live -> legs
    talking: dict[str, set[str]] = field(default_factory=dict)  # context -> who talk now
    load: Load = field(default_factory=Load)
    _labels: tuple[int, str] = (0, "")

    def hold(self, session: str, leg: Leg, live: bool, step: int) -> None:
        """A leg more, or one less."""
        key = (session, leg.context, leg.leg, live)
        self.held[key] = self.held.get(key, 0) + step
        if not self.held[key]:
            del self.held[key]

    def measure(self, rate: Rate) -> None:
        """Work out the true load: what people receive and what is forwarded."""
        handles = kbps = packets = active = 0.0
        for (session, _, leg, live), count in self.held.items():
            bitrate_bps, shown = rate(session)
            each = leg_load(Leg(leg), 0 if leg == "publish" else bitrate_bps, 0, shown, live)
            handles += count * each.handles
            kbps += count * each.egress_kbps
            packets += count * each.egress_packets_ps
            active += count * each.participants
        for janus_id, info in self.contexts.items():
            ours = split_janus_context(janus_id)
            if ours and info.forwarders:
                video = sum(forwarder.type == "video" for forwarder in info.forwarders)
                audio = len(info.forwarders) - video
                video_kbps = video * rate(ours[0])[0] / 1000 / LAYERS
                kbps += video_kbps + audio * AUDIO_KBPS
                packets += video_kbps * 125 / VIDEO_PACKET_BYTES + audio * AUDIO_PACKETS_PS
        self.load = Load(handles, kbps, packets, active)
        self.used = self.load.cost(self.capacity)

    def people_kbps(self, rate: Rate) -> float:
        """What it sends to people now."""
        found = 0.0
        for (session, _, leg, live), count in self.held.items():
            if leg != "publish":
                bitrate_bps, shown = rate(session)
                found += count * leg_load(Leg(leg), bitrate_bps, 0, shown, live).egress_kbps
        return found

    @property
    def viewers(self) -> int:
        """People who watch here."""
        return sum(count for (_, _, leg, _), count in self.held.items() if leg == "view")

    def report(self) -> list[tuple[str, str]]:
        """What its collector writes, in order."""
        if self._labels[0] != self.started_us:
            labels = Labels(
                media_ip=self.host,
                host=self.machine,
                capacity=self.capacity,
                started_us=self.started_us,
                place=self.place,
                price_hour=self.price_hour,
                price_gb=self.price_gb,
            )
            self._labels = (self.started_us, labels.to_json())
        fields = {
            "ADDRESS": f"{self.host}:8188",
            "CPU": "0",
            "MEM": "0",
            "WEIGHT": f"{self.used:.2f}",
            "REGION": self.region,
            "LABELS": self._labels[1],
            "PLUGIN": self._plugin().to_json(),
        }
        details = [(keys.node_field(self.kind, self.id, name), text) for name, text in fields.items()]
        return [*details, (keys.node(self.id), self.kind)]

    def _plugin(self) -> PluginData:
        counts: dict[str, list[int]] = {}  # context -> viewers, mixed, suspended
        for (_, context, leg, live), count in self.held.items():
            if leg != "publish":
                place = 0 if leg == "view" else (1 if live else 2)
                counts.setdefault(context, [0, 0, 0])[place] += count
        contexts = []
        for name in sorted(self.contexts):
            viewers, mixed, suspended = counts.get(name, (0, 0, 0))
            info = self.contexts[name]
            contexts.append(replace(info, viewers=viewers, participants=mixed, suspended=suspended))
        handles = sum(self.held.values())
        talkers = {name: tuple(sorted(self.talking[name])) for name in sorted(self.talking) if self.talking[name]}
        return PluginData(tuple(contexts), handles, handles, talkers)


def make_nodes(case: Case) -> list[SimNode]:
    """All nodes of a case, each with an address of its own."""
    made = []
    for number, (name, (host, kind, group)) in enumerate(node_names(case).items(), 1):
        made.append(
            SimNode(
                name,
                kind,
                group.region,
                f"198.18.{number // 250}.{number % 250 + 1}",
                group.capacity(kind),  # type: ignore[arg-type]
                machine=host,
                price_hour=group.price_hour,
                price_gb=group.price_gb,
                place=case.regions[group.region].place,
            )
        )
    return made

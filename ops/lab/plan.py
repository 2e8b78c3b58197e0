"""What a lab is: its hosts, their addresses, and the ways between its regions. Pure; nothing is started here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rtcdn.errors import ConfigError
from rtcdn.ids import ID

REGIONS = {"eu": 1, "us": 2, "ap": 3}  # first digit of the last number of an address
HOSTS = ("eu1", "eu2", "us1", "us2", "ap1", "ap2")
NETWORK = "198.18.42.0/24"  # of those set apart for measurements (RFC 2544)
ONE_WAY_MS = {"eu-us": 45.0, "us-ap": 80.0, "eu-ap": 110.0}
HOST = re.compile(r"([a-z]+)([1-9])")
DELAY = re.compile(r"(\d+(?:\.\d+)?)ms")
LOSS = re.compile(r"(\d+(?:\.\d+)?)%")
WAY_FORM = "write REGION-REGION=DELAY[,JITTER[,LOSS]], such as eu-us=45ms,2ms,0.1%, or =cut, or =mend"


@dataclass(frozen=True, slots=True)
class Way:
    """The way between two regions, alike in both directions."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss_pct: float = 0.0
    cut: bool = False

    def __str__(self) -> str:
        """As it is written on the command line."""
        told = f"{self.delay_ms:g}ms,{self.jitter_ms:g}ms,{self.loss_pct:g}%"
        return f"cut (was {told})" if self.cut else told


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab: ``hosts`` in order; ``ways`` by pair of regions (``eu-us``)."""

    name: str
    network: str
    hosts: tuple[str, ...]
    ways: Mapping[str, Way]

    @property
    def prefix(self) -> str:
        """The first three numbers of every address."""
        return str(ipaddress.ip_network(self.network).network_address).rpartition(".")[0]

    def address(self, host: str) -> str:
        """Fixed for each host: eu1 is .11, us2 is .22."""
        region, number = split(host)
        return f"{self.prefix}.{REGIONS[region]}{number}"

    def container(self, host: str) -> str:
        """Name of its container."""
        return f"rtcdn-{self.name}-{host}"

    def ways_of(self, host: str) -> dict[str, dict[str, Any]]:
        """Address of each host of another region -> the way there, as ``ops.lab.wan`` reads it."""
        own = split(host)[0]
        far = [each for each in self.hosts if split(each)[0] != own]
        return {self.address(each): asdict(self.ways[pair(own, split(each)[0])]) for each in far}

    def to_json(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"name": self.name, "network": self.network, "hosts": list(self.hosts),
                "ways": {name: asdict(way) for name, way in self.ways.items()}}  # fmt: skip

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Lab:
        """The reverse of ``to_json``."""
        ways = {name: Way(**way) for name, way in told["ways"].items()}
        return cls(told["name"], told["network"], tuple(told["hosts"]), ways)


def new(name: str, network: str = NETWORK, hosts: Iterable[str] = HOSTS) -> Lab:
    """A lab with the usual delays; raises ConfigError naming what cannot be."""
    problems = []
    if not ID.fullmatch(name) or len(name) > 20:
        problems.append(f"--name: {name!r} is no name: use up to 20 of a-z, 0-9 and '-'")
    try:
        if ipaddress.ip_network(network).prefixlen != 24 or ":" in network:
            problems.append(f"--network: {network} is not of 256 addresses: write one such as {NETWORK}")
    except ValueError:
        problems.append(f"--network: {network!r} is no network: write one such as {NETWORK}")
    for host in hosts:
        found = HOST.fullmatch(host)
        if not found or found[1] not in REGIONS:
            problems.append(f"{host!r} is no host of a lab: write a region of {', '.join(REGIONS)} and 1 to 9, as eu3")
    if problems:
        raise ConfigError(problems)
    return Lab(name, network, tuple(hosts), {name: Way(delay_ms) for name, delay_ms in ONE_WAY_MS.items()})


def with_hosts(lab: Lab, more: Iterable[str]) -> Lab:
    """The lab with more hosts."""
    added = new(lab.name, lab.network, tuple(more)).hosts
    return replace(lab, hosts=(*lab.hosts, *(each for each in dict.fromkeys(added) if each not in lab.hosts)))


def with_ways(lab: Lab, texts: Iterable[str]) -> Lab:
    """The lab after ``eu-us=45ms,2ms,0.1%``, ``eu-ap=cut``, ``eu-ap=mend``; raises ConfigError listing all mistakes."""
    ways, problems = dict(lab.ways), []
    for text in texts:
        name, _, told = text.partition("=")
        regions = name.split("-")
        known = pair(*regions) if len(regions) == 2 else ""
        if known not in ways:
            problems.append(f"{text!r}: {name!r} is not a way of this lab ({', '.join(ways)}): {WAY_FORM}")
        elif told in ("cut", "mend"):
            ways[known] = replace(ways[known], cut=told == "cut")
        elif way := _way(told):
            ways[known] = way
        else:
            problems.append(f"{text!r}: {WAY_FORM}")
    if problems:
        raise ConfigError(problems)
    return replace(lab, ways=ways)


def _way(told: str) -> Way | None:
    """``45ms``, ``45ms,2ms``, ``45ms,2ms,0.1%``."""
    parts = told.split(",")
    delay, jitter = DELAY.fullmatch(parts[0]), DELAY.fullmatch(parts[1] if len(parts) > 1 else "0ms")
    loss = LOSS.fullmatch(parts[2] if len(parts) > 2 else "0%")
    if not (delay and jitter and loss) or len(parts) > 3 or float(loss[1]) > 100:
        return None
    return Way(float(delay[1]), float(jitter[1]), float(loss[1]))


def pair(one: str, other: str) -> str:
    """The way between two regions by its one name; empty where there is none."""
    names = {frozenset(pair.split("-")): pair for pair in ONE_WAY_MS}
    return names.get(frozenset((one, other)), "")


def split(host: str) -> tuple[str, str]:
    """Region and number of a host's name."""
    found = HOST.fullmatch(host)
    assert found is not None, host
    return found[1], found[2]


def inventory(lab: Lab) -> dict[str, Any]:
    """What ``inventories/lab`` cannot know: another name or network, and hosts beside the six."""
    spares = [each for each in lab.hosts if each not in HOSTS]
    common = {"lab_name": lab.name, "lab_network": lab.prefix,
              "lab_spares": {each: {"private": lab.address(each), "public": lab.address(each),
                                    "region": split(each)[0], "zone": split(each)[1], "spare": True}
                             for each in spares}}  # fmt: skip
    regions: dict[str, dict[str, dict[str, Any]]] = {
        f"region_{region}": {"hosts": {each: {} for each in spares if split(each)[0] == region}} for region in REGIONS
    }
    hosts = {each: {"ansible_host": lab.address(each), **common} for each in lab.hosts}
    return {"all": {"hosts": hosts, "children": regions}}

"""What an event file says, as records. The schema has been asked before; here are the defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from ops.event.source import Source

DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
UNITS_S = (86400, 3600, 60, 1)
QUALITIES_KBPS = {"low": 400, "medium": 800, "high": 1500, "full": 3000}  # of one video, all layers
KINDS = {"VR": "videoroom", "AB": "audiobridge", "ST": "streaming", "AI": "ai"}


def seconds(text: str) -> int:
    """``1h30m`` in seconds."""
    found = DURATION.fullmatch(text)
    return sum(int(each) * unit for each, unit in zip(found.groups(), UNITS_S, strict=True) if each) if found else 0


def share(value: float | str) -> float:
    """``45%`` as 0.45; a number as it is."""
    return float(value[:-1]) / 100 if isinstance(value, str) else float(value)


class HostSpec(Struct, frozen=True, kw_only=True):
    """A host as it is told."""

    private: str
    public: str = ""
    ssh: str = ""
    user: str = ""
    connection: str = "ssh"
    network: str = "default"
    zone: str = "a"
    place: tuple[float, ...] = ()
    price_hour: float | None = None
    price_gb: float | None = None
    spare: bool = False
    duties: tuple[str, ...] | None = None
    nodes: dict[str, int] | None = None


class Pem(Struct, frozen=True, kw_only=True):
    """A given certificate: paths, from the event file on."""

    kind: str = ""
    certificate: str = ""
    key: str = ""


class Acme(Struct, frozen=True, kw_only=True):
    """Who gives certificates by ACME."""

    directory: str
    email: str = ""
    ca: str = ""


class Certificates(Pem, frozen=True, kw_only=True):
    """What browsers see, where a region has no certificate of its own."""

    acme: Acme | None = None


class Region(Struct, frozen=True, kw_only=True):
    """A region: where it is, how its clients come in, which hosts it has."""

    hosts: dict[str, HostSpec] | tuple[str, ...]
    label: str = ""
    place: tuple[float, ...] = ()
    url: str = ""
    certificate: Pem | None = None


class Ssh(Struct, frozen=True, kw_only=True):
    """How hosts are reached, where they do not say it themselves."""

    user: str = ""
    port: int = 0
    key: str = ""
    known_hosts: str = ""


class Control(Struct, frozen=True, kw_only=True):
    """The control plane. 0 and empty: chosen."""

    region: str = ""
    managers: int = 0
    etcd: int = 0
    brokers: int = 2


class SessionKind(Struct, frozen=True, kw_only=True):
    """Sessions of one kind: how many in the event, how many at once, who is in each."""

    name: str
    scenario: str = "archipelago"
    count: int = 1
    at_once: int = 0
    speakers: int = 1
    viewers: int | None = None
    length: str = "1h"
    codec: str = "vp8"
    quality: str = "high"
    bitrate_kbps: int = 0
    slots: int = 4
    policy: str = ""

    @property
    def together(self) -> int:
        """How many run at once."""
        return self.at_once or self.count

    @property
    def kbps(self) -> int:
        """Of one video."""
        return self.bitrate_kbps or QUALITIES_KBPS[self.quality]


class Point(Struct, frozen=True, kw_only=True):
    """The audience at a time, as a share of its peak."""

    at: str
    share: float | str


class Audience(Struct, frozen=True, kw_only=True):
    """Where people are, and when. ``regions``: shares (``45%``) or numbers of people at the peak."""

    regions: dict[str, float | str] = {}
    curve: tuple[Point, ...] = ()
    days: int = 1


class Features(Struct, frozen=True, kw_only=True):
    """What is deployed beside the core."""

    demo: bool = False
    turn: bool = True
    ai: bool = False
    geodata: bool = False


class Firewall(Struct, frozen=True, kw_only=True):
    """What hosts let in."""

    policy: str = "list"
    admin_sources: tuple[str, ...] = ()


class Ports(Struct, frozen=True, kw_only=True):
    """Where numbers begin; each host counts from there."""

    nginx: int = 8443
    acme: int = 80
    registry: int = 8090
    etcd_client: int = 8379
    etcd_peer: int = 8380
    broker: int = 8101
    gateway: int = 8201
    nodes: int = 8300
    udp: str = "20000-39999"
    turn: int = 3478
    turn_tls: int = 5349
    turn_relay: str = "40000-40999"


class Limits(Struct, frozen=True, kw_only=True):
    """What must not be passed. None: no limit."""

    hosts: int | None = None
    cost_per_hour: float | None = None
    cost: float | None = None
    currency: str = "EUR"


class Policy(Struct, frozen=True, kw_only=True):
    """The placement policy of sessions that name none, and policies of the operator's own."""

    name: str = ""
    policies: dict[str, dict[str, Any]] = {}


class Engine(Struct, frozen=True, kw_only=True):
    """Settings of the Docker engines."""

    dns: tuple[str, ...] = ()
    options: dict[str, Any] = {}


class Spec(Struct, frozen=True, kw_only=True):
    """The whole file."""

    event: str
    about: str = ""
    inventory: str = ""
    private_network: bool = False
    regions: dict[str, Region]
    ssh: Ssh = Ssh()
    control: Control = Control()
    sessions: tuple[SessionKind, ...] = ()
    audience: Audience = Audience()
    features: Features = Features()
    versions: dict[str, str] = {}
    certificates: Certificates = Certificates()
    firewall: Firewall = Firewall()
    ports: Ports = Ports()
    capacity: dict[str, dict[str, int]] = {}
    limits: Limits = Limits()
    policy: Policy = Policy()
    engine: Engine = Engine()
    variables: dict[str, Any] = {}
    lasts: str = ""


@dataclass(frozen=True)
class Host:
    """A host of the event, wherever it was told: here or in the base inventory."""

    name: str
    region: str
    spec: HostSpec
    given: bool = False  # the base inventory has it, and knows how to reach it


@dataclass(frozen=True)
class Event:
    """A checked event: what the file says, and its hosts."""

    spec: Spec
    source: Source
    hosts: dict[str, Host] = field(default_factory=dict)  # in the order of regions and of the file
    given: frozenset[str] = frozenset()  # variables that the base inventory sets

    @property
    def name(self) -> str:
        """Of the event, which is that of the deployment."""
        return self.spec.event

    @property
    def control(self) -> str:
        """The control region: the first, unless told."""
        return self.spec.control.region or next(iter(self.spec.regions))

    @property
    def base(self) -> Path | None:
        """The inventory that hosts are taken from."""
        return (self.source.path.parent / self.spec.inventory).resolve() if self.spec.inventory else None

    def within(self, region: str) -> list[Host]:
        """Hosts of a region that carry duties."""
        return [host for host in self.hosts.values() if host.region == region and not host.spec.spare]

"""What is: records that collectors and gateways write of themselves; seen by every part through ``rtcdn.model``."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtcdn.record import Record

NETWORK = "default"
PLAIN, SRTP = "plain", "srtp"


@dataclass(frozen=True, slots=True)
class Capacity(Record):
    """What a node carries at weight 100. Rates per second; 0 means not a limit."""

    handles: int = 400
    egress_kbps: int = 800_000
    egress_packets_ps: int = 80_000
    participants: int = 60  # active participants of an AudioBridge


@dataclass(frozen=True, slots=True)
class Labels(Record):
    """A node's own description (``<KIND>:<node>:LABELS``). Addresses are ``host:port`` or URLs."""

    admin: str = ""  # URL of the Admin API, http://host:port/admin
    rest: str = ""  # URL of the Janus REST API, http://host:port/janus
    media_ip: str = "127.0.0.1"  # where links to this node are sent
    public_ip: str = ""
    host: str = ""
    zone: str = ""
    codecs: tuple[str, ...] = ("vp8", "h264")
    version: str = ""  # of Janus, such as 1.4.1
    secret_version: str = ""
    started_us: int = 0  # changes when Janus restarts
    capacity: Capacity = field(default_factory=Capacity)
    weight_terms: dict[str, float] = field(default_factory=dict)  # each term of the weight, 0-100
    rtt_ms: dict[str, float] = field(default_factory=dict)  # to hosts of other regions, by region: the least of late
    place: tuple[float, ...] = ()  # latitude, longitude of its host
    price_hour: float = 0.0  # of the node, in the operator's money
    price_gb: float = 0.0  # of a gigabyte sent to clients
    network: str = NETWORK  # nodes of one reach each other at media_ip, those of others at public_ip
    links: str = PLAIN  # to and from other hosts: ``srtp``, or ``plain`` where the network between them is private
    listen: str = ""  # where media of links are taken; empty: at media_ip alone


@dataclass(frozen=True, slots=True)
class StreamInfo(Record):
    """One media stream of a publisher, as Janus describes it."""

    type: str = "video"
    mid: str = "0"
    codec: str = ""
    simulcast: bool = False
    h264_profile: str = ""
    source: str = ""  # what a publisher sends, as his gateway tells it: camera, screen; empty: by order (WHIP)


@dataclass(frozen=True, slots=True)
class ForwarderInfo(Record):
    """One active forwarder: Janus' own ``stream_id``, where it sends, for which publisher (empty: a mix)."""

    stream_id: int = 0
    host: str = ""
    port: int = 0
    type: str = ""
    publisher: str = ""
    group: str = ""  # of a mix: only that group is sent; empty: all
    seal: int = 0  # 0: plain RTP; else what its ssrc tells of the key it was made with (``Srtp.seal``)


@dataclass(frozen=True, slots=True)
class RemoteInfo(Record):
    """One publisher whose media a VideoRoom sends to another VideoRoom: the link's id, whose, and where to."""

    id: str = ""
    publisher: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class PublisherInfo(Record):
    """One publisher of a VideoRoom context."""

    id: str = ""
    streams: tuple[StreamInfo, ...] = ()
    remote: bool = False


@dataclass(frozen=True, slots=True)
class MountpointMedia(Record):
    """One medium of a mountpoint: ``mid`` (the slot) and the ports it listens on (0: none)."""

    mid: str = ""
    type: str = "video"
    port: int = 0
    port_2: int = 0
    port_3: int = 0
    rtcp_port: int = 0
    age_ms: int = -1


@dataclass(frozen=True, slots=True)
class ContextInfo(Record):
    """What a collector saw of one context. Only the fields of its kind are filled."""

    id: str = ""  # inside Janus: <session>/<context>
    publishers: tuple[PublisherInfo, ...] = ()  # VR
    forwarders: tuple[ForwarderInfo, ...] = ()  # VR, AB
    remotes: tuple[RemoteInfo, ...] = ()  # VR: its publishers that are sent to other VideoRooms
    media: tuple[MountpointMedia, ...] = ()  # ST
    viewers: int = 0  # ST
    participants: int = 0  # AB: people who are mixed; links and suspended ones not counted
    suspended: int = 0  # AB: people who wait, neither mixed nor encoded
    links: tuple[str, ...] = ()  # AB: ids of link participants


@dataclass(frozen=True, slots=True)
class PluginData(Record):
    """Plugin data of a node (``<KIND>:<node>:PLUGIN``)."""

    contexts: tuple[ContextInfo, ...] = ()
    handles: int = 0
    peerconnections: int = 0
    talkers: dict[str, tuple[str, ...]] = field(default_factory=dict)  # VR, AB: context id -> who talk now


@dataclass(frozen=True, slots=True)
class GatewayInfo(Record):
    """Presentation of a gateway (``GW:<gateway>``)."""

    region: str = ""
    url: str = ""  # what clients are told, https://host:port
    address: str = ""  # host:port for other gateways
    version: str = ""

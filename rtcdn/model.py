"""Records that cross a border: what stands in etcd, what broker and gateway say to each other.

Every record is frozen; ``to_json`` writes it, ``from_json`` reads it and never raises: text of another
machine that cannot be read gives None, and the reader treats the thing as silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rtcdn.record import Record as Record  # noqa: PLC0414  (seen from here by every part)


class Kind(StrEnum):
    """Kinds of node: VideoRoom, AudioBridge, Streaming, and modules."""

    VR = "VR"
    AB = "AB"
    ST = "ST"
    AI = "AI"


class Role(StrEnum):
    """The role a participant holds now."""

    SPEAKER = "speaker"
    VIEWER = "viewer"
    MODERATOR = "moderator"


class Codec(StrEnum):
    """The one video codec of a session."""

    VP8 = "vp8"
    H264 = "h264"


# ---- what is: written by collectors ---------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class StreamInfo(Record):
    """One media stream of a publisher, as Janus describes it."""

    type: str = "video"
    mid: str = "0"
    codec: str = ""
    simulcast: bool = False
    h264_profile: str = ""
    source: str = ""  # camera, screen; empty: not told (WHIP)


@dataclass(frozen=True, slots=True)
class ForwarderInfo(Record):
    """One active forwarder: Janus' own ``stream_id``, where it sends, for which publisher (empty: a mix)."""

    stream_id: int = 0
    host: str = ""
    port: int = 0
    type: str = ""
    publisher: str = ""


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
    media: tuple[MountpointMedia, ...] = ()  # ST
    viewers: int = 0  # ST
    participants: int = 0  # AB: people, links not counted
    links: tuple[str, ...] = ()  # AB: ids of link participants


@dataclass(frozen=True, slots=True)
class PluginData(Record):
    """Plugin data of a node (``<KIND>:<node>:PLUGIN``)."""

    contexts: tuple[ContextInfo, ...] = ()
    handles: int = 0
    peerconnections: int = 0
    talking: dict[str, str] = field(default_factory=dict)  # VR, AB: context id -> who talks now


@dataclass(frozen=True, slots=True)
class GatewayInfo(Record):
    """Presentation of a gateway (``GW:<gateway>``)."""

    region: str = ""
    url: str = ""  # what clients are told, https://host:port
    address: str = ""  # host:port for other gateways
    version: str = ""


# ---- what should be: written by the broker --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionIntent(Record):
    """``SS:<session>``."""

    scenario: str = "archipelago"
    codec: Codec = Codec.VP8
    slots: int = 4  # most speakers on stage
    audience: dict[str, int] = field(default_factory=dict)  # region -> viewers expected
    policy: str = ""  # empty: the deployment's
    features: dict[str, bool] = field(default_factory=dict)
    bitrate_bps: int = 1_500_000
    opened_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot(Record):
    """What a slot of a stage shows: a participant's stream."""

    participant: str = ""
    mid: str = ""
    simulcast: bool = False
    source: str = ""  # context of his VideoRoom


@dataclass(frozen=True, slots=True)
class ContextIntent(Record):
    """``CX:<session>:<context>``. ``duty``: ingress (VR), mix (AB), stage (ST), relay (VR)."""

    node: str = ""
    kind: Kind = Kind.VR
    duty: str = "ingress"
    codec: Codec = Codec.VP8
    slots: tuple[str, ...] = ()  # ST: mids of its video slots, v1..vK and s1
    options: dict[str, int] = field(default_factory=dict)  # publishers, bitrate_bps, ...
    idle_since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkIntent(Record):
    """``LK:<session>:<link>``. ``kind``: slot (VR -> ST video), mix (AB -> ST audio), voice (VR -> AB audio)."""

    kind: str = "slot"
    source: str = ""  # context id
    target: str = ""  # context id
    participant: str = ""  # slot, voice: whose media
    mid: str = ""  # of the source stream
    simulcast: bool = False
    slot: str = ""  # slot: mid of the target mountpoint
    generation: int = 0  # grows with each re-point
    janus_session: int = 0  # voice: REST janus_session and handle that hold the RTP participant
    handle: int = 0


@dataclass(frozen=True, slots=True)
class Leg(Record):
    """One attachment of a participant. ``leg``: publish (VR), view (ST), talk (AB)."""

    leg: str = "view"
    kind: Kind = Kind.ST
    node: str = ""
    address: str = ""  # of the node's Janus WebSocket, host:port
    context: str = ""  # id inside Janus
    state: str = "granted"  # granted, up
    janus_session: int = 0
    handle: int = 0
    streams: tuple[StreamInfo, ...] = ()
    slots: tuple[str, ...] = ()  # view: mids of the video slots
    bitrate_bps: int = 0  # publish
    generation: int = 0  # of the attach that made it: a report with another one is stale
    gateway: str = ""  # who holds it: a participant's legs may be at two gateways


@dataclass(frozen=True, slots=True)
class ParticipantIntent(Record):
    """``PT:<session>:<participant>``."""

    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    name: str = ""
    region: str = ""
    place: tuple[float, ...] = ()  # latitude, longitude
    gateway: str = ""  # of the latest attach
    legs: tuple[Leg, ...] = ()
    generation: int = 0  # grows with each attach: the later takes over
    joined_s: float = 0.0  # of the latest attach
    admitted: bool = False  # announced by an application: stays when the last leg ends
    resume: str = ""  # SHA-256 (hex) of the key by which his client may go on elsewhere


@dataclass(frozen=True, slots=True)
class DrainIntent(Record):
    """``ND:<node>``."""

    by: str = ""
    deadline_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PlanRecord(Record):
    """``PL:<session>``: the plan in progress, so that a new leader finishes it."""

    decision: str = ""
    step: int = 0
    leader_revision: int = 0
    steps: tuple[dict[str, Any], ...] = ()  # the whole plan, each with its name under "step"


@dataclass(frozen=True, slots=True)
class LeaderInfo(Record):
    """``LD:``, the leader."""

    broker: str = ""
    url: str = ""  # of its HTTP API
    stream_url: str = ""


# ---- what broker and gateway say ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttachGrant(Record):
    """Answer to an attach: where the gateway leads its participant."""

    session: str = ""
    participant: str = ""
    role: Role = Role.VIEWER
    codec: Codec = Codec.VP8
    generation: int = 0
    legs: tuple[Leg, ...] = ()
    ice_servers: tuple[dict[str, str], ...] = ()
    decision: str = ""
    name: str = ""  # as admitted, else as the attach told


@dataclass(frozen=True, slots=True)
class NodeSecrets(Record):
    """Content of the Docker secret ``node_<id>``; a part reads only the fields it is given."""

    version: str = "1"
    admin_secret: str = ""  # broker, collector
    api_secret: str = ""  # broker
    admin_key: str = ""  # broker: create, forward; collector: list what is private
    token_secret: str = ""  # gateways: sign Janus tokens
    context_key: str = ""  # broker, collector, gateways: secrets and pins of contexts

    def __repr__(self) -> str:
        """Never the secrets themselves: a record may end in a log."""
        return f"NodeSecrets(version={self.version!r})"

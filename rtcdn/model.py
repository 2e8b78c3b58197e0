"""Records that cross a border: what stands in etcd, what broker and gateway say to each other.

Every record is frozen; ``to_json`` writes it, ``from_json`` reads it and never raises: text of another
machine that cannot be read gives None, and the reader treats the thing as silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rtcdn.record import Record as Record  # noqa: PLC0414  (seen from here by every part)
from rtcdn.reports import NETWORK as NETWORK  # noqa: PLC0414
from rtcdn.reports import PLAIN as PLAIN  # noqa: PLC0414
from rtcdn.reports import SRTP as SRTP  # noqa: PLC0414
from rtcdn.reports import Capacity as Capacity  # noqa: PLC0414
from rtcdn.reports import ContextInfo as ContextInfo  # noqa: PLC0414
from rtcdn.reports import ForwarderInfo as ForwarderInfo  # noqa: PLC0414
from rtcdn.reports import GatewayInfo as GatewayInfo  # noqa: PLC0414
from rtcdn.reports import Labels as Labels  # noqa: PLC0414
from rtcdn.reports import MountpointMedia as MountpointMedia  # noqa: PLC0414
from rtcdn.reports import PluginData as PluginData  # noqa: PLC0414
from rtcdn.reports import PublisherInfo as PublisherInfo  # noqa: PLC0414
from rtcdn.reports import RemoteInfo as RemoteInfo  # noqa: PLC0414
from rtcdn.reports import StreamInfo as StreamInfo  # noqa: PLC0414

SEALS = 255


def seal(generation: int) -> int:
    """What the ssrc of an encrypted forward tells of the generation of its key: 1 to 255."""
    return generation % SEALS + 1


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
    watched: tuple[str, ...] = ()  # whom people would like to see, the most wanted first (big_island)
    warm: dict[str, int] = field(default_factory=dict)  # region -> viewers that a warm-up promised to be ready for


@dataclass(frozen=True, slots=True)
class Slot(Record):
    """What a slot of a stage shows: a participant's stream."""

    participant: str = ""
    mid: str = ""
    simulcast: bool = False
    source: str = ""  # context of his VideoRoom


@dataclass(frozen=True, slots=True)
class ContextIntent(Record):
    """``CX:<session>:<context>``. ``duty``: ingress (VR), mix (AB), stage (ST), relay (VR), tap (AI)."""

    node: str = ""
    kind: Kind = Kind.VR
    duty: str = "ingress"
    codec: Codec = Codec.VP8
    slots: tuple[str, ...] = ()  # ST: mids of its video slots, v1..vK and s1
    options: dict[str, int] = field(default_factory=dict)  # publishers, bitrate_bps, ...
    idle_since_s: float = 0.0
    taps: str = ""  # tap: whose media the module gets: a participant, or "mix"
    speaks: bool = False  # tap: the module is heard too
    key: int = 0  # stage: generation of the key that its slots are encrypted with; 0: they take plain RTP


@dataclass(frozen=True, slots=True)
class LinkIntent(Record):
    """``LK:<session>:<link>``. ``kind``:

    ``slot`` (VR -> ST, a video), ``mix`` (AB -> ST, the audio), ``voice`` (VR -> AB, a publisher's audio),
    ``remote`` (VR -> VR, all of a publisher), ``bridge`` (AB -> AB, one way: the people there,
    heard here), ``trunk`` (AB <-> AB, two ways: each end hears all that the other hears), ``tap`` (AB or VR -> AI, and
    back into the mix if the tap speaks).
    """

    kind: str = "slot"
    source: str = ""  # context id
    target: str = ""  # context id
    participant: str = ""  # slot, voice: whose media
    mid: str = ""  # of the source stream
    simulcast: bool = False
    slot: str = ""  # slot: mid of the target mountpoint
    generation: int = 0  # grows with each re-point
    janus_session: int = 0  # voice, bridge, trunk, tap: REST janus_session and handle that hold the RTP participant
    handle: int = 0  # (voice, bridge, trunk: the one in the target; tap: the one in the mix)
    far_session: int = 0  # trunk: those that hold the RTP participant in the source
    far_handle: int = 0
    port: int = 0  # voice, bridge, trunk: where the RTP participant in the target listens, for as long as it is there
    via: str = ""  # voice, bridge: the VideoRoom on the target's host through which it comes, encrypted until there
    via_port: int = 0  # where it listens for this link


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
    network: str = NETWORK  # of its node; gateways of others reach it at
    public: str = ""  # host:port
    secret_version: str = ""  # of the node's secrets when it was granted


@dataclass(frozen=True, slots=True)
class ParticipantIntent(Record):
    """``PT:<session>:<participant>``. A role that is held wins over the token's while the key stands."""

    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    name: str = ""
    region: str = ""
    place: tuple[float, ...] = ()  # latitude, longitude
    gateway: str = ""  # of the latest attach
    legs: tuple[Leg, ...] = ()
    generation: int = 0  # grows with each attach: the later takes over
    joined_s: float = 0.0  # of the latest attach
    admitted: bool = False  # announced by an application, or demoted by others: stays when the last leg ends
    removed: bool = False  # put out: stays, without legs, so that he does not come back until he is admitted again
    demoted: bool = False  # by others: he does not go back by himself, whatever his rights, until he is promoted
    token_role: Role = Role.VIEWER  # what his client token says; the role held may be another
    resume: str = ""  # SHA-256 of the key by which his client resumes at another gateway, hex
    turn_s: float = 0.0  # he was asked to wait: from then on he gets in


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
    decision: str = ""
    name: str = ""  # as admitted, else as the attach told; the gateway uses it where a client tells none


@dataclass(frozen=True, slots=True)
class NodeSecrets(Record):
    """Content of the Docker secret ``node_<id>``; a part reads only the fields it is given."""

    version: str = "1"
    admin_secret: str = ""  # broker, collector
    api_secret: str = ""  # broker
    admin_key: str = ""  # broker: create, forward; collector: list what is private
    token_secret: str = ""  # gateways: sign Janus tokens
    context_key: str = ""  # broker, collector, gateways: secrets and pins of contexts
    others: tuple[NodeSecrets, ...] = ()  # broker, gateways: while they change, those the node has until or from then

    def __repr__(self) -> str:
        """Never the secrets themselves: a record may end in a log."""
        return f"NodeSecrets(version={self.version!r})"

    def of(self, version: str) -> NodeSecrets:
        """Those of the version that the node presents; these where it presents none that is known."""
        return next((each for each in self.others if each.version == version), self)

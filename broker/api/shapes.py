"""Shapes of bodies, paths and queries: what is accepted, with limits, as it stands in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rtcdn.ids import ID, PARTICIPANT_ID
from rtcdn.model import Codec, Role

Id = Annotated[str, StringConstraints(pattern=rf"^{ID.pattern}$")]
ParticipantId = Annotated[str, StringConstraints(pattern=rf"^{PARTICIPANT_ID.pattern}$")]
Right = Annotated[str, StringConstraints(pattern=r"^[a-z]+(:[a-z0-9*-]+)?$", max_length=64)]
Text = Annotated[str, StringConstraints(max_length=200)]
LegName = Literal["publish", "view", "talk"]
ScenarioName = Literal["archipelago", "atollo", "big_island"]
MAX_BATCH = 500


class Shape(BaseModel):
    """Unknown fields are an error: a misspelt one must not be lost."""

    model_config = ConfigDict(extra="forbid")


class SessionPath(BaseModel):
    """Which session."""

    sid: Id = Field(description="id of the session")


class ParticipantPath(SessionPath):
    """Which participant."""

    pid: ParticipantId = Field(description="id of the participant")


class NodePath(BaseModel):
    """Which node."""

    nid: Id = Field(description="id of the node")


class DecisionPath(BaseModel):
    """Which decision."""

    did: Annotated[str, StringConstraints(max_length=100)] = Field(description="id of the decision")


class SessionBody(Shape):
    """How a session shall be."""

    scenario: ScenarioName = "archipelago"
    codec: Codec = Field(default=Codec.VP8, description="the one video codec; stays while the session runs")
    slots: int = Field(default=4, ge=1, le=16, description="most speakers on stage at once")
    audience: dict[Id, Annotated[int, Field(ge=0, le=10_000_000)]] = Field(
        default_factory=dict, description="viewers expected, by region", max_length=100
    )
    policy: Text = Field(default="", description="placement policy; empty: the deployment's")
    features: dict[Text, bool] = Field(default_factory=dict, max_length=50)
    bitrate_bps: int = Field(default=1_500_000, ge=64_000, le=20_000_000, description="most video of one speaker")


class SessionChange(Shape):
    """What of a running session shall be another."""

    scenario: ScenarioName = Field(description="nobody joins again; the one it has changes nothing")


class SessionsBody(Shape):
    """Many sessions to open."""

    sessions: dict[Id, SessionBody] = Field(min_length=1, max_length=MAX_BATCH)


class CloseBody(Shape):
    """Many sessions to close."""

    sessions: list[Id] = Field(min_length=1, max_length=MAX_BATCH)


class SessionsQuery(BaseModel):
    """A page of sessions."""

    limit: int = Field(default=100, ge=1, le=1000)
    after: str = Field(default="", max_length=63, description="id of the last one of the page before")


class AdmitBody(Shape):
    """Whom an application admits."""

    role: Role = Role.VIEWER
    rights: list[Right] | None = Field(
        default=None, max_length=20, description="default: view; speakers also publish, speak"
    )
    name: Text = ""
    shared: bool = Field(default=False, description="a link for many viewers")
    ttl_s: int = Field(default=6 * 3600, ge=10, le=7 * 86400, description="life of the client token")


class WatchedBody(Shape):
    """Whom participants want to see."""

    participants: list[ParticipantId] = Field(max_length=200, description="most wanted first; empty: nobody")


class AdmitManyBody(Shape):
    """Whom an application admits, all to one session."""

    participants: dict[ParticipantId, AdmitBody] = Field(min_length=1, max_length=MAX_BATCH)


class RoleBody(Shape):
    """Promote or demote."""

    role: Role


class RoleByBody(RoleBody):
    """Promote or demote, asked by a participant."""

    by: ParticipantId = Field(description="who asks: a moderator, or the participant himself")


class RemoveByBody(Shape):
    """Put a participant out, asked by a moderator."""

    by: ParticipantId = Field(description="the moderator who asks")
    reason: Text = ""


class AttachBody(Shape):
    """What a gateway asks for its client."""

    want: list[LegName] = Field(min_length=1, max_length=3)
    role: Role = Role.VIEWER
    rights: list[Right] = Field(default_factory=list, max_length=20)
    name: Text = ""
    client_address: Text = ""
    measured_rtt: dict[Id, Annotated[float, Field(ge=0, le=60_000)]] = Field(
        default_factory=dict, max_length=100, description="round trips measured by the client, ms by region"
    )
    gateway: Text = ""
    shared: bool = False
    codecs: list[Codec] | None = Field(
        default=None, max_length=8, description="of video, those that the client can carry; null: no video"
    )
    ready: bool = Field(default=False, description="a talk leg too, if he may speak and there is room to wait")
    sources: list[Literal["camera", "screen"]] = Field(
        default_factory=list, max_length=2, description="what a publisher will send; empty: a camera"
    )
    resume: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="SHA-256 of the resume key, hex"
    )


class AttachOf(AttachBody):
    """One of many attaches."""

    participant: ParticipantId


class AttachManyBody(Shape):
    """Many attaches to one session."""

    attaches: list[AttachOf] = Field(min_length=1, max_length=MAX_BATCH)


class StreamShape(BaseModel):
    """One media stream of a publisher."""

    type: Literal["audio", "video", "data"] = "video"
    mid: Text = "0"
    codec: Text = ""
    simulcast: bool = False
    h264_profile: Text = ""
    source: Literal["camera", "screen", ""] = Field(default="", description="empty: by order, the camera first")


class MediaBody(Shape):
    """Media of a leg is up or down."""

    leg: LegName
    state: Literal["up", "down"]
    generation: int = Field(ge=0)
    janus_session: int = Field(default=0, ge=0)
    handle: int = Field(default=0, ge=0)
    streams: list[StreamShape] = Field(default_factory=list, max_length=32)
    gateway: Text = Field(default="", description="who holds the leg from now on; empty: who did")


class LeaveQuery(BaseModel):
    """Which leg ends."""

    leg: LegName | Literal[""] = Field(default="", description="empty: all of them")
    generation: int = Field(default=0, ge=0, description="0: whichever")


class DrainBody(Shape):
    """Until when a node shall be empty."""

    deadline_s: float = Field(default=0.0, ge=0, le=366 * 86400, description="seconds from now; 0: no deadline")


class CapacityQuery(BaseModel):
    """What to count with."""

    headroom: float | None = Field(default=None, ge=0, le=10, description="share beside the use; none: the policy's")
    most: int = Field(default=0, ge=0, le=100_000, description="most nodes of a kind in a region; 0: any number")


class ExplainBody(Shape):
    """A hypothetical request."""

    request: Literal["open", "attach", "scenario", "warmup", "tap"] = "attach"
    session: Id
    participant: ParticipantId = "somebody"
    want: list[LegName] = Field(default=["view"], min_length=1, max_length=3)
    role: Role = Role.VIEWER
    measured_rtt: dict[Id, Annotated[float, Field(ge=0, le=60_000)]] = Field(default_factory=dict, max_length=100)
    client_address: Text = Field(default="", description="attach: of the client, for his place")
    gateway: Text = ""
    intent: SessionBody | None = Field(default=None, description="open: how the session would be")
    scenario: Literal["archipelago", "atollo", "big_island"] = Field(
        default="archipelago", description="scenario: which"
    )
    viewers: dict[Id, Annotated[int, Field(ge=0, le=10_000_000)]] = Field(
        default_factory=dict, max_length=100, description="warmup: by region"
    )
    tap: Id = "tap"
    source: Text = Field(default="mix", description="tap: mix, or a participant")
    speaks: bool = Field(default=False, description="tap: the module is heard too")
    module: Text = Field(default="", description="tap: the AI node; empty: the policy's choice")

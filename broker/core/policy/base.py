"""What a policy is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from broker.core.wrappers import Load, NodeWrapper


@dataclass(frozen=True, slots=True)
class Need:
    """What is wanted of a node: one piece of work of one session."""

    duty: str  # ingress, mix, stage
    kind: str
    session: str
    codec: str = ""  # empty: any
    load: Load = field(default_factory=Load)
    regions: tuple[str, ...] = ()  # nearest first; empty: no matter
    rtt_ms: dict[str, float] = field(default_factory=dict)  # measured, by region
    within: frozenset[str] = frozenset()  # only nodes of these regions; empty: of any
    serving: frozenset[str] = frozenset()  # nodes that serve the session in this duty already
    avoid: frozenset[str] = frozenset()  # nodes that must not be taken
    held: str = ""  # where he is now: he leaves it only for a node clearly better (Thresholds.sticky)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of a policy. Times in seconds, weights in points."""

    full_weight: float = 90.0  # own grants take a node no further; the rest is for what reports miss
    burst_legs: int = 60  # own grants to one session on one node that no report covers yet
    lost_after_s: float = 15.0  # a silent node is lost after this grace (a Janus restarts within it)
    gateway_lost_after_s: float = 3.0
    grant_life_s: float = 30.0  # a leg that is not up holds its place this long
    idle_s: float = 60.0  # an unused context is removed after this
    talk_hold_s: float = 2.0  # who talks this long becomes the main speaker
    portion: int = 50  # participants moved by one decision
    mesh_most: int = 6  # big_island: mixes that hear each other directly; more are linked as a tree
    talkers_per_mix: int = 50  # big_island: people who may speak in one mix; more need another
    cameras: int = 200  # big_island: who may publish, shown or not
    sparse: float = 30.0  # percent of what it could carry below which a stage is emptied into others of its region
    packed: float = 80.0  # percent of the others' room that this may fill
    settled_s: float = 60.0  # nothing is reorganised before a region was without joins, a session unchanged, this long
    moves_per_minute: int = 100  # participants of one session, by reorganising
    candidates: int = 200  # talk legs of one session beyond which nobody is made ready to speak ahead of time
    relay_from: int = 2  # a region with so many stages gets one copy of a stream, by a relay
    fanout: int = 50  # most links of one publisher out of one VideoRoom
    depth: int = 2  # most links from ingress to stage: 2 is ingress, relay, stage; 1 makes no relays
    atollo_most: int = 16  # most participants of an atollo
    node_burst_legs: int = 2_000  # own grants of all sessions on one node that no report covers yet
    session_burst_legs: int = 20_000  # viewers of one session let in within ``burst_s``; who comes then waits his turn
    burst_s: float = 10.0
    pack_margin: float = 15.0  # packing stops so far below ``full_weight`` while another node is there
    sticky: float = 30.0  # by how many points of the total a node must be better than the one where he is
    headroom: float = 0.2  # of what is used and foreseen: what capacity asks for beside it
    reach_ms: float = 120.0  # what is farther is taken only when nothing nearer is left (``reach``)


class PolicyFailed(Exception):
    """A filter or score raised, or gave no number: the decision is refused, and nothing is done."""

    def __init__(self, policy: str, term: str, node: str, why: str) -> None:
        super().__init__(
            f"policy {policy!r} failed in {term!r} at node {node}: {why}; mend it, or choose another policy"
        )
        self.policy, self.term = policy, term


class Filter(Protocol):
    """May this node? None: it may; text: why not."""

    @property
    def name(self) -> str:
        """As explain shows it."""
        ...

    def __call__(self, wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
        """The reason why not, or None."""
        ...


class Score(Protocol):
    """How good is this node: 0 worst, 100 best."""

    @property
    def name(self) -> str:
        """As explain shows it."""
        ...

    def __call__(self, wrapper: NodeWrapper, need: Need, limits: Thresholds) -> float:
        """0 to 100."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """Filters that must hold, preferences that are given up (the last first) when nobody is left, weighted scores.

    The shortlist takes the lightest nodes of each region (``heaviest_first``: the heaviest) and all that serve
    the session already. That is exact as long as scores tell the other nodes of a region apart by weight alone;
    a policy for which this does not hold says ``exhaustive`` and pays for the full list.
    """

    name: str
    filters: tuple[Filter, ...]
    scores: tuple[tuple[Score, float], ...]
    preferences: tuple[Filter, ...] = ()
    heaviest_first: bool = False
    exhaustive: bool = False
    limits: Thresholds = field(default_factory=Thresholds)

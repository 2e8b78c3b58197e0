"""Which nodes to start and to stop: pure. ``ops.scale`` asks the broker, calls this, and acts.

Only nodes that were started here are stopped, so an event keeps what its file says. A wish must last before it is
followed: a little while to start, long to stop, and a pause after each act, so that noise starts and stops nothing.
Without an answer of the broker nothing is done at all: silence is not idleness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

START, STOP = "start", "stop"
Key = str  # <region>/<kind>


@dataclass(frozen=True, slots=True)
class Rules:
    """Times, and what one host may take."""

    up_after_s: float = 20.0
    down_after_s: float = 600.0
    pause_s: float = 60.0  # after an act, before the next start of the same kind in the same region
    avoid_s: float = 900.0  # a host where a start failed is not tried again for so long
    per_host: int = 3  # nodes on a spare host; one of a kind
    kinds: tuple[str, ...] = ("VR", "AB", "ST")


@dataclass(frozen=True, slots=True)
class Spare:
    """A host that carries nothing of the event's own."""

    name: str
    region: str
    price_hour: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """What there is to act with. ``hosts`` in use and ``cost_per_hour`` are the event's own, without spare ones."""

    spares: tuple[Spare, ...]
    nodes: tuple[tuple[str, str, str], ...] = ()  # started here: id, kind, host
    hosts: int = 0
    cost_per_hour: float = 0.0
    most_hosts: int | None = None
    most_cost_per_hour: float | None = None

    def used(self) -> set[str]:
        """Spare hosts that carry something."""
        return {host for _, _, host in self.nodes}


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen before: since when a wish lasts, when was acted, which hosts failed. Kept between runs."""

    above: dict[Key, float] = field(default_factory=dict)
    below: dict[Key, float] = field(default_factory=dict)
    acted: dict[Key, float] = field(default_factory=dict)
    avoid: dict[str, float] = field(default_factory=dict)

    def after(self, acts: Iterable[Act], now_s: float) -> Memory:
        """With acts that are done."""
        keys = [act.key for act in acts]
        rest = ({key: since for key, since in seen.items() if key not in keys} for seen in (self.above, self.below))
        above, below = rest
        return replace(self, above=above, below=below, acted={**self.acted, **dict.fromkeys(keys, now_s)})


@dataclass(frozen=True, slots=True)
class Act:
    """One node to start or to stop. ``node`` is empty where it is to be named yet."""

    verb: str
    region: str
    kind: str
    host: str
    node: str
    why: str

    @property
    def key(self) -> Key:
        """Its region and kind."""
        return f"{self.region}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, what to remember, and what is wished and not done, with the reason."""

    acts: tuple[Act, ...]
    memory: Memory
    held: tuple[str, ...] = ()
    blind: bool = False  # it could not be told: the broker did not answer, or the event is not as applied


def decide(
    capacity: Sequence[Mapping[str, Any]] | None, world: World, memory: Memory, now_s: float, rules: Rules | None = None
) -> Verdict:
    """At most one act for each kind and region. ``capacity``: rows of ``GET /v1/capacity``; None: no answer."""
    rules = rules or Rules()
    if capacity is None:
        silent = "the broker does not answer: nothing is started or stopped"
        return Verdict((), replace(memory, above={}, below={}), (silent,), blind=True)
    rows = {f"{row['region']}/{row['kind']}": row for row in capacity if row["kind"] in rules.kinds}
    memory = replace(
        memory,
        above=_since(memory.above, [key for key, row in rows.items() if row["wanted"] > row["nodes"]], now_s),
        below=_since(memory.below, [key for key, row in rows.items() if _fewer(row)], now_s),
        avoid={host: at_s for host, at_s in memory.avoid.items() if now_s - at_s < rules.avoid_s},
    )
    looking = _Looking(world, memory, now_s, rules)
    for key in sorted(rows):
        if key in memory.above:
            looking.start(key, rows[key])
        elif key in memory.below:
            looking.stop(key, rows[key])
    return Verdict(tuple(looking.acts), memory, tuple(looking.held))


def _since(before: Mapping[Key, float], now: Sequence[Key], now_s: float) -> dict[Key, float]:
    return {key: before.get(key, now_s) for key in now}


def _fewer(row: Mapping[str, Any]) -> bool:
    """Whether one node less would do, and nothing speaks against it."""
    return not row["inhibit"] and row["nodes"] - 1 >= max(row["wanted"], row["runs"])


@dataclass(slots=True)
class _Looking:
    """One look at all regions and kinds."""

    world: World
    memory: Memory
    now_s: float
    rules: Rules
    acts: list[Act] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def start(self, key: Key, row: Mapping[str, Any]) -> None:
        """More are wanted than are there."""
        wish = f"{key}: {row['wanted']} wanted, {row['nodes']} there"
        waits = self.waits(key, self.memory.above[key], self.rules.up_after_s)
        host, why_not = (None, waits) if waits else self.place(row)
        if host is None:
            self.held.append(f"{wish}: {why_not}")
            return
        reasons = "; ".join(str(each["detail"]) for each in row["reasons"])
        self.acts.append(Act(START, row["region"], row["kind"], host.name, "", f"{wish}; {reasons}"))

    def stop(self, key: Key, row: Mapping[str, Any]) -> None:
        """One less would do. The event's own nodes stay, and those that hold something."""
        here = {each.name for each in self.world.spares if each.region == row["region"]}
        mine = {name: host for name, kind, host in self.world.nodes if kind == row["kind"] and host in here}
        idle = [name for name in row["spare"] if name in mine]
        if not idle:
            return
        wish = f"{key}: {row['wanted']} wanted, {row['nodes']} there, {row['runs']} hold something"
        waits = self.waits(key, self.memory.below[key], self.rules.down_after_s)
        if waits:
            self.held.append(f"{wish}: {waits}")
            return
        why = f"{wish}; {idle[0]} holds nothing"
        self.acts.append(Act(STOP, row["region"], row["kind"], mine[idle[0]], idle[0], why))

    def waits(self, key: Key, since_s: float, after_s: float) -> str:
        """What has to pass yet; empty when nothing has."""
        lasts_s, acted_s = self.now_s - since_s, self.now_s - self.memory.acted.get(key, float("-inf"))
        if lasts_s < after_s:
            return f"for {lasts_s:.0f} s, followed after {after_s:.0f} s"
        pause_s = self.rules.pause_s
        return f"the last act was {acted_s:.0f} s ago, a pause of {pause_s:.0f} s" if acted_s < pause_s else ""

    def place(self, row: Mapping[str, Any]) -> tuple[Spare | None, str]:
        """The spare host to take: one in use before a fresh one, the cheapest first; else why there is none."""
        world, avoid = self.world, self.memory.avoid
        taken = [(kind, host) for _, kind, host in world.nodes]
        taken += [(act.kind, act.host) for act in self.acts if act.verb == START]
        used = {host for _, host in taken}
        here = [each for each in world.spares if each.region == row["region"]]
        fit = [
            each
            for each in here
            if (row["kind"], each.name) not in taken
            and sum(host == each.name for _, host in taken) < self.rules.per_host
            and each.name not in avoid
        ]
        if not fit:
            failed = ", ".join(each.name for each in here if each.name in avoid)
            return None, f"no spare host of {row['region']} has room" + (f" ({failed} failed)" if failed else "")
        why = ""
        for each in sorted(fit, key=lambda spare: (spare.name not in used, spare.price_hour, spare.name)):
            why = "" if each.name in used else self.beyond(each, used)
            if not why:
                return each, ""
        return None, why

    def beyond(self, fresh: Spare, used: set[str]) -> str:
        """The limit that one host more would pass; empty when it would pass none."""
        world = self.world
        prices = {each.name: each.price_hour for each in world.spares}
        total = world.cost_per_hour + fresh.price_hour + sum(prices.get(host, 0.0) for host in used)
        if world.most_hosts is not None and world.hosts + len(used) + 1 > world.most_hosts:
            return f"limits.hosts is {world.most_hosts}, and so many are in use"
        if world.most_cost_per_hour is not None and total > world.most_cost_per_hour:
            return f"with {fresh.name} it would cost {total:.2f} an hour, the ceiling is {world.most_cost_per_hour:.2f}"
        return ""

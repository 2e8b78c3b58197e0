"""One session while a decision is made: what was chosen so far, and the map as it would then be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from broker.core.actions import Order, Step
from broker.core.choose import choose, choose_serving
from broker.core.decisions import Choice, Decision, IntentChange, Reason
from broker.core.places import Geography
from broker.core.plan import plan_changes
from broker.core.policy.base import Need, Policy
from broker.core.requests import Request
from broker.core.views import LEAVING, SessionView, context_of
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.model import AttachGrant, ContextIntent, LinkIntent, ParticipantIntent, Record, SessionIntent

BETWEEN_MIXES = ("bridge-", "trunk-")  # ids of links among mixes begin so
ORDER_OF_KEYS = {"SS": 0, "CX": 1, "LK": 3, "PT": 5}


class Refused(Exception):
    """Ends a decision with a refusal; not an error, and seen by nobody but ``decide``."""

    def __init__(self, code: str, detail: str, **more: Any) -> None:
        """``more``: other fields of the Refusal."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.more = more


@dataclass(frozen=True, slots=True)
class Setting:
    """What a decision is made with: the map, the request, the policy, the time."""

    vmap: VirtualMap
    request: Request
    policy: Policy
    now_s: float
    exhaustive: bool = False

    def decision_id(self) -> str:
        """The same for the same request on the same map at the same time."""
        about = getattr(self.request, "session", ""), getattr(self.request, "participant", "")
        text = f"{self.vmap.revision} {self.now_s!r} {type(self.request).__name__} {about}"
        return "d-" + hashlib.blake2s(text.encode(), digest_size=8).hexdigest()


class Draft:
    """Used once, by ``decide``: scenarios put changes, choose nodes, give orders; ``decision`` ends it.

    ``vmap`` and ``view`` are the map and the session as they would now be.
    """

    def __init__(self, setting: Setting, session_id: str) -> None:
        self.setting = setting
        self.id = session_id
        self.decision_id = setting.decision_id()
        self.vmap = setting.vmap
        self.view: SessionView = self.vmap.sessions.get(session_id) or SessionView(session_id)
        self.policy = setting.policy
        self.now_s = setting.now_s
        self.choices: list[Choice] = []
        self.reasons: list[Reason] = []
        self._orders: list[Step] = []
        self._changes: dict[str, Record | None] = {}
        self._geography: Geography | None = None  # read from the map when it is first asked for

    @property
    def intent(self) -> SessionIntent:
        """The session's own intent."""
        return self.view.intent or SessionIntent()

    # ---- changes --------------------------------------------------------------------------------

    def put(self, *changes: IntentChange) -> None:
        """Changes that later choices of this decision must see."""
        self.record(*changes)
        self.vmap = self.vmap.with_changes(changes, 0, self.now_s)
        self.view = self.vmap.sessions.get(self.id) or SessionView(self.id)

    def record(self, *changes: IntentChange) -> None:
        """Changes that no later choice looks at (cheaper)."""
        for change in changes:
            self._changes[change.key] = change.record

    def put_session(self, intent: SessionIntent) -> None:
        """Set the session's own intent."""
        self.put(IntentChange(keys.session(self.id), intent))

    def put_context(self, name: str, context: ContextIntent | None) -> None:
        """Set or delete a context."""
        self.put(IntentChange(keys.context(self.id, name), context))

    def put_participant(self, name: str, participant: ParticipantIntent | None) -> None:
        """Set or delete a participant."""
        self.put(IntentChange(keys.participant(self.id, name), participant))

    def put_links(self, wanted: dict[str, LinkIntent]) -> None:
        """Make the links exactly ``wanted``."""
        known = self.view.links
        changes = [IntentChange(keys.link(self.id, name), None) for name in sorted(set(known) - set(wanted))]
        changes += [IntentChange(keys.link(self.id, n), wanted[n]) for n in sorted(wanted) if known.get(n) != wanted[n]]
        if changes:
            self.put(*changes)

    # ---- choices --------------------------------------------------------------------------------

    def choose(self, need: Need) -> str:
        """The best node for ``need``, empty when none may; kept with its reasons."""
        choice = choose(self.vmap, need, self.policy, exhaustive=self.setting.exhaustive)
        self.choices.append(choice)
        return choice.chosen

    def around(self, region: str) -> tuple[str, ...]:
        """The regions whose distance from one is known, nearest first."""
        if self._geography is None:
            self._geography = Geography.of(self.setting.vmap)
        ways = [(self._geography.distance_ms(region, each), each) for each in self.vmap.regions()]
        return tuple(each for _, each in sorted((way, each) for way, each in ways if way is not None))

    def choose_serving(self, need: Need, region: str, nodes: dict[str, str]) -> Choice:
        """The best of the nodes that serve the session in ``region`` already; kept with its reasons."""
        choice = choose_serving(self.vmap, need, self.policy, region, nodes, exhaustive=self.setting.exhaustive)
        self.choices.append(choice)
        return choice

    def held(self, participant: str, leg: str) -> dict[str, str]:
        """Node and context of the leg of that sort which a participant has already; empty when he has none.

        Where a reorganisation empties a stage he is not kept.
        """
        known: ParticipantIntent | None = self.view.participants.get(participant)
        found = ((each.node, context_of(each)) for each in (known.legs if known else ()) if each.leg == leg)
        contexts = self.view.contexts
        return {
            node: name for node, name in list(found)[:1] if name in contexts and LEAVING not in contexts[name].options
        }

    def stages(self, region: str, held: dict[str, str]) -> dict[str, str]:
        """Stages of a region by node, and the one that is held, wherever it is."""
        stages = self.view.stages.get(region, {})
        return stages | held if held else stages

    def order(self, order: Order) -> None:
        """Tell a gateway, if there is one to tell."""
        if order.gateway:
            self._orders.append(order)

    # ---- the end --------------------------------------------------------------------------------

    def decision(self, grant: AttachGrant | None = None) -> Decision:
        """What was decided. A change writes the session's key again, so that two changes conflict."""
        base = self.setting.vmap.sessions.get(self.id) or SessionView(self.id)
        changes = sorted((c for c in self._net(base)), key=_commit_order)
        key = keys.session(self.id)
        structural = any(not keys.is_participant(change.key) for change in changes)
        if structural and not any(change.key == key for change in changes):
            changes.insert(0, IntentChange(key, base.intent))
        return Decision(
            id=self.decision_id,
            grant=grant,
            changes=tuple(changes),
            plan=plan_changes(self.setting.vmap, changes, self._orders) if structural else tuple(self._orders),
            choices=tuple(self.choices),
            reasons=tuple(self.reasons),
            compare_key=key,
            revision=base.revision,
        )

    def _net(self, base: SessionView) -> list[IntentChange]:
        """Changes that differ from what stands."""
        standing: dict[str, Record | None] = {}
        for key in self._changes:
            parsed = keys.parse(key)
            assert parsed is not None
            if parsed.prefix == "SS":
                standing[key] = base.intent
            else:
                tables: dict[str, Any] = {"CX": base.contexts, "LK": base.links, "PT": base.participants}
                standing[key] = tables[parsed.prefix].get(parsed.ids[1])
        return [IntentChange(key, record) for key, record in self._changes.items() if record != standing[key]]


def _commit_order(change: IntentChange) -> tuple[int, str]:
    """Session, contexts, links, participants; what goes comes after what comes: links, contexts, the session itself.

    Links among mixes that go come before all other links: no beginning of a commit makes a circle of sound.
    """
    prefix = change.key.partition(":")[0]
    rank = ORDER_OF_KEYS[prefix]
    if change.record is None and prefix != "PT":
        rank = {"LK": 4, "CX": 6, "SS": 7}[prefix]
        if prefix == "LK" and change.key.split(":")[-1].startswith(BETWEEN_MIXES):
            rank = 2
    return (rank, change.key)

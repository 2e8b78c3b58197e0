"""Archipelago: a few speakers, a very large audience.

One mix (AudioBridge) near the speakers, an ingress (VideoRoom) in each speaker's region, stages (Streaming
mountpoints) on as many egress nodes as the audience needs. Every stage gets the mix and every speaker's slot.
"""

from __future__ import annotations

from dataclasses import replace

from broker.core.decisions import IntentChange, Reason
from broker.core.draft import Draft, Refused
from broker.core.policy.base import Need
from broker.core.requests import Attach
from broker.core.scenarios import gather, moves, relays, upkeep
from broker.core.scenarios.stage import SCREEN, Lineup, Wiring, camera_of, video_slots, wanted_links
from broker.core.views import SPEAKING, context_of
from broker.core.virtual_map import out_of_work, rungs
from broker.core.warmup import expected, promised_to_others
from broker.core.ways import first_key, public_address
from broker.core.wrappers import Load, NodeWrapper, kind_for, publish_load, talk_load, view_load
from rtcdn import keys
from rtcdn.errors import InvalidRequest
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent, Kind, Leg, Role, SessionIntent

MOST_SLOTS = 16
CAMERAS_OFF = 4  # who may publish beyond the slots: a screen only, or a camera that is off
SPARE_PUBLISHERS = CAMERAS_OFF + 4  # room in an ingress beyond the slots: takeovers overlap for a moment
MIX_LOAD = Load(0.0, 1000.0, 1000.0)  # a mix forwarded to some twenty stages


class Archipelago:
    """The scenario's answers; it keeps nothing itself."""

    # ---- opening --------------------------------------------------------------------------------

    def check(self, intent: SessionIntent) -> None:
        """Raise InvalidRequest for an intent that cannot be served."""
        if not 1 <= intent.slots <= MOST_SLOTS:
            raise InvalidRequest("slots", f"{intent.slots} is not between 1 and {MOST_SLOTS}")
        if intent.bitrate_bps < 64_000:
            raise InvalidRequest("bitrate_bps", f"{intent.bitrate_bps} is below 64000; video needs more")
        for region, viewers in intent.audience.items():
            if viewers < 0:
                raise InvalidRequest(f"audience.{region}", f"{viewers} is below 0")

    def open(self, draft: Draft) -> None:
        """Mix, ingress and the stages the audience needs; what is there already stays."""
        audience = expected(draft.intent)
        regions = tuple(sorted((r for r in audience if audience[r] > 0), key=lambda r: (-audience[r], r)))
        if not draft.view.duty("mix"):
            self.make(draft, "mix", self.need(draft, "mix", MIX_LOAD, regions))
        wrapper = draft.vmap.node(draft.view.contexts[self.mix(draft)].node)
        near = (wrapper.region,) if wrapper else ()
        if not draft.view.duty("ingress"):
            self.make(draft, "ingress", self.need(draft, "ingress", self.speaker_load(draft), (*near, *regions)))
        for region in regions:
            if region in draft.vmap.regions():
                self._open_stages(draft, region, audience[region])
        if not set(regions) <= set(draft.vmap.regions()):
            self._open_stages(draft, "", sum(audience.values()))
        if not draft.view.duty("stage"):
            self.make(draft, "stage", self.need(draft, "stage", self.viewer_load(draft), (*regions, *near)))
        self.rewire(draft)

    def _open_stages(self, draft: Draft, region: str, viewers: int) -> None:
        """Stages of a region until their nodes can carry its audience; an empty region stands for all of them."""
        room = self.room(draft, region)
        need = self.need(draft, "stage", self.viewer_load(draft), (region,) if region else ())
        found: list[IntentChange] = []
        taken = {context.node for context in draft.view.duty("stage").values()}
        while room < viewers:
            node = draft.choose(replace(need, within=frozenset(need.regions), avoid=frozenset(taken)))
            if not node:
                where = region or "all regions"
                detail = f"{where}: room for {room} of {viewers} viewers; add egress nodes or lower the audience"
                draft.reasons.append(Reason("short-of-capacity", detail))
                break
            taken.add(node)
            room += self.capacity(draft, node, "")
            found.append(IntentChange(keys.context(draft.id, f"stage-{node}"), self.context(draft, "stage", node)))
        if found:
            draft.put(*found)

    # ---- places ---------------------------------------------------------------------------------

    def place(self, draft: Draft, request: Attach, want: str) -> Leg:
        """Where a leg goes."""
        if want == "publish":
            return self._place_publish(draft, request)
        if want == "view":
            return self.place_view(draft, request)
        wrapper, mix = self._mix_node(draft)
        if wrapper is None:
            raise Refused("no-capacity", "the session's mix is not there now; try again in a moment")
        return self.leg(draft, "talk", wrapper, mix)

    def ready(self, draft: Draft, request: Attach, role: Role) -> Leg | None:
        """A place in the mix, if the session has not candidates enough and the node carries one more."""
        limits = draft.policy.limits
        known = draft.view.participants.get(request.participant)
        own = known is not None and any(leg.leg == "talk" for leg in known.legs)
        if draft.view.talk_legs - own >= limits.candidates:
            return None
        wrapper, mix = self._mix_node(draft)
        load = talk_load(role in SPEAKING)
        if wrapper is None or wrapper.weight + load.cost(wrapper.labels.capacity) > limits.full_weight:
            return None
        return self.leg(draft, "talk", wrapper, mix)

    def _mix_node(self, draft: Draft) -> tuple[NodeWrapper | None, str]:
        """The node of the mix in use, None while it is not there, and the mix."""
        mix = self.mix(draft)
        wrapper = draft.vmap.node(draft.view.contexts[mix].node) if mix else None
        return (None if wrapper is None or wrapper.silent else wrapper), mix

    def _place_publish(self, draft: Draft, request: Attach) -> Leg:
        """The ingress nearest to the speaker, made when his region has none."""
        self._check_stage(draft, request)
        serving = frozenset(context.node for context in draft.view.duty("ingress").values())
        need = self.need(draft, "ingress", self.speaker_load(draft), request.regions, rtt_ms=request.rtt_ms)
        node = draft.choose(replace(need, serving=serving, held="".join(draft.held(request.participant, "publish"))))
        if not node:
            raise Refused("no-capacity", "no ingress node may take a speaker now; see the reasons per node")
        return self.leg(draft, "publish", draft.vmap.nodes[node], self.stand(draft, "ingress", node))

    def _check_stage(self, draft: Draft, request: Attach) -> None:
        """Refuse whom the stage has no place for: a camera holds one, seen or granted and not too long on the way."""
        others = draft.view.publishers - {request.participant}
        cameras = 0
        for name in others:
            participant = draft.view.participants[name]
            leg = next(leg for leg in participant.legs if leg.leg == "publish")
            fresh = participant.joined_s + draft.policy.limits.grant_life_s > draft.now_s
            cameras += camera_of(leg.streams) is not None if leg.state == "up" else fresh
        shows = not request.sources or "camera" in request.sources
        if len(others) >= draft.intent.slots + CAMERAS_OFF or (shows and cameras >= draft.intent.slots):
            raise Refused("stage-full", f"all {draft.intent.slots} slots are taken; demote a speaker first")

    def place_view(self, draft: Draft, request: Attach, avoid: frozenset[str] = frozenset()) -> Leg:
        """A stage of the viewer's region, a new one there when those are full, then the regions farther away."""
        load = self.viewer_load(draft)
        held = {node: name for node, name in draft.held(request.participant, "view").items() if node not in avoid}
        for rung in rungs(draft.vmap, request.regions):
            need = self.need(draft, "stage", load, request.regions, rtt_ms=request.rtt_ms, avoid=avoid)
            need = replace(need, held="".join(held)) if held else need
            found = []
            for region in rung:
                nodes = draft.stages(region, held)
                choice = draft.choose_serving(need, region, nodes) if nodes else None
                if nodes and choice and choice.chosen:
                    found.append((-choice.candidates[0].total, choice.chosen, nodes[choice.chosen]))
            if found:
                _, node, name = min(found)
                return self.leg(draft, "view", draft.vmap.nodes[node], name)
            have = frozenset(context.node for context in draft.view.duty("stage").values())
            node = draft.choose(replace(need, within=frozenset(rung), avoid=avoid | have))
            if node:
                name = self.stand(draft, "stage", node)
                self.rewire(draft)
                return self.leg(draft, "view", draft.vmap.nodes[node], name)
        raise Refused("no-capacity", "every egress node is full, silent or draining; see the reasons per node")

    def leg(self, draft: Draft, want: str, wrapper: NodeWrapper, context: str) -> Leg:
        """The leg that leads to a context (its generation is set by who grants it)."""
        return Leg(
            leg=want,
            kind=Kind(wrapper.kind),
            node=wrapper.id,
            address=wrapper.address,
            network=wrapper.labels.network,
            public=public_address(wrapper),
            secret_version=wrapper.labels.secret_version,
            context=janus_context(draft.id, context),
            slots=draft.view.contexts[context].slots if want == "view" else (),
            bitrate_bps=draft.intent.bitrate_bps if want == "publish" else 0,
        )

    # ---- the stage ------------------------------------------------------------------------------

    def publishing(self, draft: Draft, participant: str, again: bool) -> None:
        """Seat him as his streams say; without a free slot he is refused."""
        leg = next(leg for leg in draft.view.participants[participant].legs if leg.leg == "publish")
        lineup = Lineup(draft.view.links)
        why_not = lineup.take(participant, context_of(leg), leg.streams, draft.intent.slots)
        if why_not == "screen-taken":
            raise Refused(why_not, f"{lineup.seats[SCREEN].participant} shows a screen; it must end first")
        if why_not:
            raise Refused(why_not, f"all {draft.intent.slots} slots are taken; demote a speaker first")
        self.rewire(draft, lineup, anew=participant if again else "")

    def silenced(self, draft: Draft, participant: str) -> None:
        """Take him off the stage."""
        lineup = Lineup(draft.view.links)
        lineup.leave(participant)
        self.rewire(draft, lineup)

    def talking(self, draft: Draft, participant: str) -> None:
        """Bring him to v1."""
        lineup = Lineup(draft.view.links)
        if lineup.lead(participant):
            self.rewire(draft, lineup)

    def vacate(self, draft: Draft, node: str, lost: bool) -> None:
        """See ``moves``."""
        moves.vacate(self, draft, node, lost)

    def tidy(self, draft: Draft) -> None:
        """See ``upkeep``."""
        upkeep.tidy(self, draft)

    # ---- what moves and upkeep use too ----------------------------------------------------------

    def mix(self, draft: Draft) -> str:
        """The mix in use: on a node that may work before one that is being left, then one that people were led to."""
        mixes, people = draft.view.duty("mix"), draft.view.attached
        return min(mixes, key=lambda m: (out_of_work(draft.vmap, mixes[m].node), not people.get(m), m), default="")

    def rewire(self, draft: Draft, lineup: Lineup | None = None, anew: str = "") -> None:
        """Make the links follow the lineup and the contexts there are."""
        lineup = lineup or Lineup(draft.view.links)
        wiring = self.wiring(draft, lineup)
        view = draft.view
        draft.put_links(wanted_links(lineup, wiring, view.contexts, view.links, now_s=draft.now_s, anew=anew))

    def wiring(self, draft: Draft, lineup: Lineup) -> Wiring:
        """One mix for all; relays, made here, between an ingress and a region with several stages."""
        mix, tree, view = self.mix(draft), relays.grow(self, draft, lineup), draft.view
        between = {**tree.remotes, **gather.trunks(draft, mix)}
        return Wiring(dict.fromkeys(view.duty("stage"), mix), dict.fromkeys(view.contexts, mix), tree.routes, between)

    def need(
        self,
        draft: Draft,
        duty: str,
        load: Load,
        regions: tuple[str, ...],
        *,
        rtt_ms: dict[str, float] | None = None,
        avoid: frozenset[str] = frozenset(),
    ) -> Need:
        """What a duty asks of a node."""
        kind = kind_for(draft.vmap.kinds, duty)
        if not kind:
            raise Refused("no-capacity", f"no kind of node serves the duty {duty!r}")
        codec = "" if duty == "mix" else draft.intent.codec.value
        return Need(duty, kind, draft.id, codec, load, regions, rtt_ms or {}, avoid=avoid)

    def make(self, draft: Draft, duty: str, need: Need) -> str:
        """Choose a node for a duty and make the context there; refused when none may take it."""
        node = draft.choose(need)
        if not node:
            raise Refused("no-capacity", f"no node may take the {duty} now; see the reasons per node")
        return self.stand(draft, duty, node)

    def stand(self, draft: Draft, duty: str, node: str) -> str:
        """The id of a node's context for a duty, made if it is not there (or its key says something else)."""
        name = f"{duty}-{node}"
        known = draft.view.contexts.get(name)
        if known is None or (known.duty, known.node) != (duty, node):
            draft.put_context(name, self.context(draft, duty, node))
        return name

    def context(self, draft: Draft, duty: str, node: str) -> ContextIntent:
        """What a context should be."""
        intent = draft.intent
        kind = Kind(kind_for(draft.vmap.kinds, duty))
        if duty == "stage":
            key = first_key(draft.vmap, node)
            return ContextIntent(node, kind, duty, intent.codec, slots=video_slots(intent.slots), key=key)
        most = intent.slots  # a room is made once: an ingress takes those too who publish after a change of scenario
        if duty == "ingress":
            most = max(most, draft.policy.limits.cameras)
        publishers = {"publishers": most + SPARE_PUBLISHERS, "bitrate_bps": intent.bitrate_bps}
        return ContextIntent(node, kind, duty, intent.codec, options=publishers if kind is Kind.VR else {})

    def viewer_load(self, draft: Draft) -> Load:
        """A viewer receives every speaker on stage, one at least."""
        return view_load(draft.intent.bitrate_bps, max(1, len(draft.view.publishers)))

    def speaker_load(self, draft: Draft) -> Load:
        """A speaker is sent to every stage."""
        return publish_load(draft.intent.bitrate_bps, max(1, len(draft.view.duty("stage"))))

    def room(self, draft: Draft, region: str, but: str = "") -> int:
        """Viewers the stages of a region can have in all, one left out; an empty region stands for all of them."""
        stages = draft.view.stages
        found = (stages.get(region, {}),) if region else tuple(stages.values())
        return sum(self.capacity(draft, node, name) for nodes in found for node, name in nodes.items() if name != but)

    def capacity(self, draft: Draft, node: str, context: str) -> int:
        """Viewers a stage can have in all: those it has, and what is free on its node (silent ones may come back)."""
        wrapper = draft.vmap.node(node)
        if wrapper is None or wrapper.draining:
            return 0
        cost = self.viewer_load(draft).cost(wrapper.labels.capacity)
        taken = wrapper.lasting_weight + promised_to_others(draft, node)
        free = max(0.0, draft.policy.limits.full_weight - taken)
        return int(free / cost if cost else 0) + int(draft.view.attached.get(context, 0))

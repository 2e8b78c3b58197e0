"""Atollo: hundreds of small isolated sessions. Room, mix and stage of one stand together on one host.

Hosts are filled one after another, near the participants. There is one context of each duty; a session on a host
that drains or is lost moves as a whole. The mix is made when the first voice comes.
"""

from __future__ import annotations

from dataclasses import replace

from broker.core.choose import choose
from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.policy.base import Need
from broker.core.requests import Attach
from broker.core.scenarios import gather, moves
from broker.core.scenarios.archipelago import MIX_LOAD, Archipelago
from broker.core.scenarios.home import astray, beside, home, leaving, own, place_of, policies
from broker.core.scenarios.stage import Lineup, Wiring
from broker.core.warmup import expected
from broker.core.wrappers import Load, NodeWrapper
from rtcdn.model import Leg

DUTIES = {"publish": "ingress", "view": "stage", "talk": "mix"}


class Atollo(Archipelago):
    """The scenario's answers."""

    def open(self, draft: Draft) -> None:
        """Ingress and stage, once it is known near whom: by the audience, or with the first participant."""
        view = draft.view
        known = any(viewers > 0 for viewers in expected(draft.intent).values()) or bool(view.attached)
        if known and not (view.duty("ingress") and view.duty("stage")):
            self._settle(draft)
        self._unite(draft)
        self.rewire(draft)

    def _unite(self, draft: Draft) -> None:
        """Make beside the others what is served from another host, if a node there may take it."""
        anchor, duties = astray(draft)
        if not anchor:
            return
        wrapper = draft.vmap.nodes[draft.view.contexts[anchor].node]
        for duty in duties:
            self._make_beside(draft, duty, wrapper)

    # ---- places ---------------------------------------------------------------------------------

    def place(self, draft: Draft, request: Attach, want: str) -> Leg:
        """In the one context for it, if the session has room for one more participant."""
        _check_room(draft, request.participant)
        if want == "publish":
            self._check_stage(draft, request)
        if self._settle(draft, request.regions, mix=want == "talk"):
            self.rewire(draft)
        name = home(draft)[DUTIES[want]]
        wrapper: NodeWrapper = draft.vmap.nodes[draft.view.contexts[name].node]
        if wrapper.silent:
            raise Refused("no-capacity", f"node {wrapper.id} of the session does not answer; try again in a moment")
        if want != "talk":
            need = self.need(
                draft, DUTIES[want], self._load(draft, DUTIES[want]), request.regions, rtt_ms=request.rtt_ms
            )
            if not draft.choose_serving(need, wrapper.region, {wrapper.id: name}).chosen:
                raise Refused(
                    "no-capacity", "the session's host is full; see the reason, free it or change the scenario"
                )
        return self.leg(draft, want, wrapper, name)

    def place_view(self, draft: Draft, request: Attach, avoid: frozenset[str] = frozenset()) -> Leg:
        """The one stage; none if that is to be avoided."""
        leg = self.place(draft, request, "view")
        if leg.node in avoid:
            raise Refused("no-capacity", f"the session has no stage beside the one on {leg.node}")
        return leg

    def _settle(self, draft: Draft, regions: tuple[str, ...] = (), *, mix: bool = False) -> bool:
        """Make what home lacks of ingress and stage, and of a mix if it is asked for; says whether anything was."""
        found = home(draft)
        wanted = ("ingress", "stage", "mix") if mix else ("ingress", "stage")
        lacks = [duty for duty in wanted if duty not in found]
        for duty in lacks:
            anchor = draft.vmap.node(draft.view.contexts[min(found.values())].node) if found else None
            found[duty] = self._make_near(draft, duty, anchor, regions or _near(draft))
        return bool(lacks)

    def _make_near(self, draft: Draft, duty: str, anchor: NodeWrapper | None, regions: tuple[str, ...]) -> str:
        """A context on the host of ``anchor``; else where the packing terms lead."""
        if anchor:
            chosen = self._make_beside(draft, duty, anchor)
            if chosen:
                return chosen
            regions = tuple(dict.fromkeys((anchor.region, *regions)))
        node = self._packed(draft, self.need(draft, duty, self._load(draft, duty), regions))
        if anchor:
            where = f"{place_of(draft.vmap, anchor.id)} has no node that may take the {duty}"
            draft.reasons.append(Reason("host-lacks", f"{where}; {node} takes it"))
        return self.stand(draft, duty, node)

    def _make_beside(self, draft: Draft, duty: str, anchor: NodeWrapper) -> str:
        """A context on the host of ``anchor``, empty when no node there may take it."""
        need = self.need(draft, duty, self._load(draft, duty), (anchor.region,))
        nodes = beside(draft, anchor, need.kind)
        chosen = draft.choose_serving(need, anchor.region, nodes).chosen if nodes else ""
        return self.stand(draft, duty, chosen) if chosen else ""

    def _load(self, draft: Draft, duty: str) -> Load:
        """What the first of the session ask of a node."""
        if duty == "mix":
            return MIX_LOAD
        return self.viewer_load(draft) if duty == "stage" else self.speaker_load(draft)

    def _packed(self, draft: Draft, need: Need) -> str:
        """A node in the nearest region that has one: on the fullest host that leaves a margin, else as usual."""
        ways = policies(draft, leaving(draft))
        for within in (*(frozenset((region,)) for region in need.regions), frozenset[str]()):
            for policy in ways:
                each = replace(need, within=within)
                choice = choose(draft.vmap, each, policy, exhaustive=draft.setting.exhaustive)
                draft.choices.append(choice)
                if choice.chosen:
                    return choice.chosen
        raise Refused("no-capacity", f"no node may take the {need.duty} now; see the reasons per node")

    # ---- the stage ------------------------------------------------------------------------------

    def mix(self, draft: Draft) -> str:
        """The mix at home, else the one that is being left; empty when there is none."""
        return home(draft).get("mix") or super().mix(draft)

    def wiring(self, draft: Draft, lineup: Lineup) -> Wiring:
        """All from the one ingress to the one stage; the mix is made for the first voice."""
        if lineup.voices and not draft.view.duty("mix"):
            try:
                self._settle(draft, mix=True)
            except Refused as refused:  # pictures go on; upkeep tries again
                draft.reasons.append(Reason(refused.code, refused.detail))
        mix, view = self.mix(draft), draft.view
        between = gather.trunks(draft, mix)
        return Wiring(dict.fromkeys(view.duty("stage"), mix), dict.fromkeys(view.contexts, mix), {}, between)

    # ---- moving ---------------------------------------------------------------------------------

    def vacate(self, draft: Draft, node: str, lost: bool) -> None:
        """Move a portion of all the session has on that node's host; the node itself is left last."""
        over = moves.is_over(draft, node, lost)
        moves.leave_taps(self, draft, node, lost, over)
        if not any(context.node == node for context in own(draft).values()):
            return
        self._settle(draft, mix=bool(draft.view.duty("mix")))
        self.rewire(draft)
        used = set(home(draft).values())
        contexts = own(draft)
        old = sorted(set(contexts) - used, key=lambda name: (contexts[name].node == node, name))
        for name in old:
            here = contexts[name].node == node
            moves.move_legs(self, draft, name, contexts[name].duty, lost and here)
            if over and here:
                moves.silence(self, draft, name)
        if over:  # the old mix was heard until now, though its own node need not be drained
            unheard = {name for name in old if contexts[name].duty == "mix"}
            links = draft.view.links.items()
            draft.put_links({name: link for name, link in links if not unheard & {link.source, link.target}})
        for name in old:
            others = any(contexts[other].node != node for other in old if other in draft.view.contexts)
            if (contexts[name].node != node or not others) and not moves.in_use(draft, name, over):
                draft.put_context(name, None)


def _check_room(draft: Draft, participant: str) -> None:
    """Refuse one more than an atollo takes; who is here stays."""
    known = draft.view.participants
    if participant in known and known[participant].legs:
        return
    most = draft.policy.limits.atollo_most
    present = sum(bool(each.legs) for each in known.values())
    if present >= most:
        raise Refused("session-full", f"{present} of {most} participants are here; change the scenario to archipelago")


def _near(draft: Draft) -> tuple[str, ...]:
    """Regions to look at first: of most of the audience, else of most participants, else where the session is."""
    counts = {region: viewers for region, viewers in expected(draft.intent).items() if viewers > 0}
    if not counts:
        for participant in draft.view.participants.values():
            if participant.legs and participant.region:
                counts[participant.region] = counts.get(participant.region, 0) + 1
    if counts:
        return tuple(sorted(counts, key=lambda region: (-counts[region], region)))
    wrappers = (draft.vmap.node(context.node) for context in own(draft).values())
    return tuple(sorted({wrapper.region for wrapper in wrappers if wrapper}))

"""Big island: one session, very many participants, all of them potential speakers.

A mix in each region where people talk and one more per so many of them, linked by bridges or trunks; an ingress in
each region of publishers; every stage hears the mix of its region. More may publish than there are slots: slots
follow who talks and who is watched (``seating``).
"""

from __future__ import annotations

from dataclasses import replace

from broker.core.draft import Draft, Refused
from broker.core.requests import Attach
from broker.core.scenarios import mixes, moves, upkeep
from broker.core.scenarios.archipelago import Archipelago
from broker.core.scenarios.seating import Seating
from broker.core.scenarios.stage import SCREEN, Lineup, Wiring
from broker.core.views import SPEAKING
from broker.core.wrappers import Load, publish_load, view_load
from rtcdn.model import Leg, Role


class BigIsland(Archipelago):
    """The scenario's answers."""

    # ---- places ---------------------------------------------------------------------------------

    def place(self, draft: Draft, request: Attach, want: str) -> Leg:
        """Where a leg goes."""
        if want != "talk":
            return super().place(draft, request, want)
        known = draft.view.participants.get(request.participant)
        live = request.role in SPEAKING or (known is not None and known.role in SPEAKING)
        leg = mixes.place(self, draft, request, live)
        if leg is None:
            raise Refused("no-capacity", "every mix is full and no node may take another; see the reasons per node")
        return leg

    def ready(self, draft: Draft, request: Attach, role: Role) -> Leg | None:
        """A place in a mix that is there, or in the first one of his region; who may speak already brings more."""
        live = role in SPEAKING
        return mixes.place(self, draft, request, live, more=live)

    def _check_stage(self, draft: Draft, request: Attach) -> None:
        """Slots limit who is shown, not who publishes."""
        most = draft.policy.limits.cameras
        if len(draft.view.publishers - {request.participant}) >= most:
            raise Refused("stage-full", f"{most} publish already, the policy's limit; demote somebody first")

    def viewer_load(self, draft: Draft) -> Load:
        """A viewer receives those who are shown."""
        return view_load(draft.intent.bitrate_bps, min(draft.intent.slots, max(1, len(draft.view.publishers))))

    def speaker_load(self, draft: Draft) -> Load:
        """One who will be shown is sent to every stage; when all slots are taken he is received and no more."""
        if len(draft.view.publishers) < draft.intent.slots:
            return super().speaker_load(draft)
        return publish_load(draft.intent.bitrate_bps, 0)

    # ---- the stage ------------------------------------------------------------------------------

    def publishing(self, draft: Draft, participant: str, again: bool) -> None:
        """Mix him, and seat him if a slot is free or he is watched; else he waits for one."""
        lineup = Lineup(draft.view.links)
        seating = Seating(draft, lineup)
        if why_not := seating.admit(participant):
            raise Refused(why_not, f"{lineup.seats[SCREEN].participant} shows a screen; it must end first")
        seating.watch()
        self.rewire(draft, lineup, anew=participant if again else "")

    def silenced(self, draft: Draft, participant: str) -> None:
        """Take him off the stage and seat the next who waits."""
        lineup = Lineup(draft.view.links)
        lineup.leave(participant)
        Seating(draft, lineup).fill(but=participant)
        self.rewire(draft, lineup)

    def talking(self, draft: Draft, participant: str) -> None:
        """Seat him, and bring him to v1 unless the one there talks too."""
        lineup = Lineup(draft.view.links)
        seating = Seating(draft, lineup)
        seated = seating.claim(participant)
        if (lineup.slot_of(participant) and not seating.leads() and lineup.lead(participant)) or seated:
            self.rewire(draft, lineup)

    def watched(self, draft: Draft, participants: tuple[str, ...]) -> None:
        """Keep whom people want to see, and seat them where nobody was heard lately."""
        draft.put_session(replace(draft.intent, watched=tuple(dict.fromkeys(participants))))
        lineup = Lineup(draft.view.links)
        Seating(draft, lineup).watch()
        self.rewire(draft, lineup)

    # ---- what moves and upkeep do ---------------------------------------------------------------

    def vacate(self, draft: Draft, node: str, lost: bool) -> None:
        """See ``moves``; a mix that nobody is in any more leaves the links among mixes at once."""
        moves.vacate(self, draft, node, lost)
        if any(context.node == node and context.duty == "mix" for context in draft.view.contexts.values()):
            self.rewire(draft)

    def tidy(self, draft: Draft) -> None:
        """See ``upkeep``; then mixes with too many who speak, and with nobody."""
        upkeep.tidy(self, draft, seat=_seat_all)
        mixes.relieve(self, draft)
        mixes.reap(self, draft)

    def wiring(self, draft: Draft, lineup: Lineup) -> Wiring:
        """Each region hears its own mix, and the mixes hear each other."""
        return mixes.wired(draft, super().wiring(draft, lineup))


def _seat_all(draft: Draft, lineup: Lineup) -> None:
    """All who are up are heard; nobody loses his slot."""
    Seating(draft, lineup).admit_all()

"""A running session takes another scenario. Legs stay where they are: what the new shape lacks is made at once, what
it does not need is removed by upkeep when nothing holds it any more."""

from __future__ import annotations

from dataclasses import replace

from broker.core.decisions import Decision
from broker.core.draft import Draft, Refused
from broker.core.requests import ChangeScenario
from broker.core.scenarios.base import Scenario
from broker.core.scenarios.home import place_of
from broker.core.scenarios.registry import scenario


def change_scenario(draft: Draft, _shape: Scenario, request: ChangeScenario) -> Decision:
    """Give the session the scenario; the one it has changes nothing."""
    shape = scenario(request.scenario)
    if request.scenario == draft.intent.scenario:
        return draft.decision()
    plan = draft.view.plan
    if plan and plan.step < len(plan.steps):
        raise Refused("busy", "a change is running; ask again when it has ended")
    intent = replace(draft.intent, scenario=request.scenario)
    shape.check(intent)
    if request.scenario == "atollo":
        _check_fits(draft)
    draft.put_session(intent)
    shape.open(draft)
    return draft.decision()


def _check_fits(draft: Draft) -> None:
    """Refuse an atollo for more people, or people on more hosts, than one has."""
    view, most = draft.view, draft.policy.limits.atollo_most
    present = sum(bool(participant.legs) for participant in view.participants.values())
    if present > most:
        raise Refused(
            "too-large", f"{present} participants are here, an atollo has {most} at most; wait until some leave"
        )
    hosts = {
        place_of(draft.vmap, context.node)
        for name, context in view.contexts.items()
        if context.duty in ("ingress", "stage") and view.attached.get(name)
    }
    if len(hosts) > 1:
        named = ", ".join(sorted(hosts))
        raise Refused("too-large", f"people are on {len(hosts)} hosts ({named}), an atollo has one; move them first")

"""Warm-up: stages and links for viewers who are to come, made ahead and kept while the promise stands.

One mix serves the session however large the promise is; what grows with it are the stages alone. A promise is all or
nothing: where a region has not room for it, nothing is made and the refusal says what is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from broker.core.decisions import Decision, Reason
from broker.core.draft import Draft, Refused
from broker.core.requests import Warmup
from broker.core.scenarios.base import Scenario
from broker.core.views import SessionView
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import view_load
from rtcdn.errors import InvalidRequest
from rtcdn.model import SessionIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago

MOST_VIEWERS = 10_000_000


def expected(intent: SessionIntent) -> dict[str, int]:
    """Viewers to be ready for, by region: the audience or what was promised, whichever is more."""
    regions = sorted({*intent.audience, *intent.warm})
    return {region: max(intent.audience.get(region, 0), intent.warm.get(region, 0)) for region in regions}


def warm_up(draft: Draft, shape: Scenario, request: Warmup) -> Decision:
    """Promise so many viewers per region; {} takes the promise back. Refused when one region has not the room."""
    _check(draft.vmap, request.viewers)
    viewers = {region: count for region, count in sorted(request.viewers.items()) if count}
    draft.put_session(replace(draft.intent, warm=viewers))
    shape.open(draft)
    missing = [text for region, count in viewers.items() if (text := _missing(draft, shape, region, count))]
    if missing:
        raise Refused("no-capacity", f"{'; '.join(missing)}: add egress nodes there, or warm up for fewer")
    for region in sorted(viewers):
        names = ", ".join(sorted(draft.view.stages.get(region, {}))) or "none"
        draft.reasons.append(Reason("warm", f"{region}: {viewers[region]} viewers on {names}"))
    return draft.decision()


def _check(vmap: VirtualMap, viewers: dict[str, int]) -> None:
    """Raise InvalidRequest for a region that is not there and a number that cannot be."""
    regions = vmap.regions()
    for region, count in sorted(viewers.items()):
        if region not in regions:
            known = ", ".join(regions) or "none yet"
            raise InvalidRequest(f"viewers.{region}", f"is no region of this deployment; there are: {known}")
        if not 0 <= count <= MOST_VIEWERS:
            raise InvalidRequest(f"viewers.{region}", f"{count} is not between 0 and {MOST_VIEWERS}")


def _missing(draft: Draft, shape: Scenario, region: str, count: int) -> str:
    """What a region lacks for its promise, empty when nothing."""
    room = cast("Archipelago", shape).room(draft, region)
    return "" if room >= count else f"{region} has room for {room} of {count} viewers"


def promised_to_others(draft: Draft, node: str) -> float:
    """Points of a node's weight that warm-ups of other sessions count on, of viewers who have not come yet.

    Only a session that promises something itself asks, so that two promises are not made of the same room.
    """
    wrapper = draft.vmap.node(node)
    if wrapper is None or not draft.intent.warm:
        return 0.0
    points = 0.0
    for name in sorted(wrapper.hosting):
        view = draft.vmap.session(name)
        if name != draft.id and view and view.intent and view.intent.warm.get(wrapper.region):
            load = view_load(view.intent.bitrate_bps, max(1, len(view.publishers)))
            points += _share(view, wrapper.region, node) * load.cost(wrapper.labels.capacity)
    return points


def _share(view: SessionView, region: str, node: str) -> int:
    """Viewers of a session's promise that are still to come to this node: an even share of what is open."""
    stages = view.stages.get(region, {})
    if view.intent is None or node not in stages:
        return 0
    open_places = view.intent.warm[region] - sum(view.attached.get(name, 0) for name in stages.values())
    return int(-(-max(0, open_places) // len(stages)))

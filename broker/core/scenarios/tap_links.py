"""The links of taps: they follow from the tap contexts, from who is heard and from which mixes are in use.

A tap of the mix has one link, two ways if the module speaks. A tap of a participant has a link while his audio is in
a VideoRoom; if the module speaks, its answer goes back by a link of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtcdn.ids import ANSWER, TAP
from rtcdn.model import ContextIntent, LinkIntent

if TYPE_CHECKING:
    from broker.core.scenarios.stage import Lineup, Wiring

MIX = "mix"  # as the source of a tap
AUDIO = "a"  # the medium in which a module listens


def answer_of(context: str) -> str:
    """Id of the link by which the module of a tap context is heard when it does not tap the mix."""
    return f"{ANSWER}{context.removeprefix(TAP)}"


def tap_links(
    lineup: Lineup, wiring: Wiring, contexts: Mapping[str, ContextIntent], known: Mapping[str, LinkIntent]
) -> dict[str, LinkIntent]:
    """Every link of a tap, by id."""
    in_use = {mix for mix in (*wiring.mixes.values(), *wiring.voices.values()) if mix in contexts}
    links: dict[str, LinkIntent] = {}
    for name in sorted(contexts):
        context = contexts[name]
        if context.duty != "tap":
            continue
        mix = _mix(in_use, known, name)
        if context.taps == MIX:
            if mix:
                links[name] = LinkIntent("tap", mix, name, slot=AUDIO)
            continue
        voice = lineup.voices.get(context.taps)
        if voice:
            links[name] = LinkIntent("tap", voice.source, name, context.taps, voice.mid, slot=AUDIO)
        if context.speaks and mix:
            links[answer_of(name)] = LinkIntent("tap", name, mix)
    return links


def _mix(in_use: set[str], known: Mapping[str, LinkIntent], context: str) -> str:
    """The mix that a tap is at; it stays at the one it has as long as that is in use. All of them are heard alike."""
    ends = [end for name in (context, answer_of(context)) if (link := known.get(name)) for end in _ends(link)]
    return next((end for end in ends if end in in_use), min(in_use, default=""))


def _ends(link: LinkIntent) -> tuple[str, str]:
    return link.source, link.target

"""Is a tap that a mix holds as it should be? Others are plain forwarders, which ``reconcile`` sees by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rtcdn.ids import link_participant
from rtcdn.model import ContextInfo, ContextIntent, Kind, LinkIntent


def held(link: LinkIntent, source: ContextIntent, target: ContextIntent) -> bool:
    """Whether a link is a tap by which a module is heard: an RTP participant of the mix holds it."""
    return link.kind == "tap" and (source.kind == Kind.AI or (target.speaks and source.kind == Kind.AB))


def serving(link_id: str, module: ContextInfo, mix: ContextInfo, host: str) -> list[int]:
    """What the module sends to the mix on ``host``, as its forwarders' numbers; none while the tap is not whole."""
    if link_participant(link_id) not in mix.links:
        return []
    return [forwarder.stream_id for forwarder in module.forwarders if forwarder.host == host]


def ports(links: Iterable[LinkIntent], reported: Mapping[str, ContextInfo], participant: str) -> set[int]:
    """Where modules take a participant's audio: a forwarder to there is not the one of his voice."""
    taps = [reported[link.target] for link in links if link.kind == "tap" and link.target in reported
            and link.participant == participant]  # fmt: skip
    return {medium.port for info in taps for medium in info.media}

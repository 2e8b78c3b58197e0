"""Is a tap that a mix holds as it should be? Others are plain forwarders, which ``reconcile`` sees by itself."""

from __future__ import annotations

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

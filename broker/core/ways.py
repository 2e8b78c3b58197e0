"""How one node reaches another: at which address, and whether what goes there must be encrypted.

Media leave a host in plain RTP only where both ends say that the network between them is private (``links`` of their
labels). RTP participants of an AudioBridge take plain RTP alone: what is for them enters their host through a VideoRoom
there, over a *detour* (``rtcdn.janus.detour``), recorded in the link as ``via``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.core.wrappers import NodeWrapper
from rtcdn.ids import DETOUR
from rtcdn.model import SRTP, Kind, Labels

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

DUTY = "detour"
DETOURED = ("voice", "bridge")  # they end in an RTP participant that only sends


def same_host(one: Labels, other: Labels) -> bool:
    """Whether two nodes stand on one host; by their addresses where they do not say on which."""
    if one.host or other.host:
        return one.host == other.host
    return (one.network, one.media_ip) == (other.network, other.media_ip)


def reach(source: Labels, target: Labels) -> str:
    """Where a node sends media for another."""
    return target.media_ip if source.network == target.network else target.public_ip or target.media_ip


def sealed(source: Labels, target: Labels) -> bool:
    """Whether media between two nodes must be encrypted."""
    return SRTP in (source.links, target.links) and not same_host(source, target)


def first_key(vmap: VirtualMap, node: str) -> int:
    """Generation of the key of a stage that is made on a node; 0 where all that come to it may be plain."""
    wrapper = vmap.node(node)
    return 1 if wrapper is not None and wrapper.labels.links == SRTP else 0


def public_address(wrapper: NodeWrapper) -> str:
    """The node's WebSocket as other networks reach it, empty where there is none."""
    port = wrapper.address.rpartition(":")[2]
    return f"{wrapper.labels.public_ip}:{port}" if wrapper.labels.public_ip and port else ""


def sealed_nodes(vmap: VirtualMap, source: str, target: str) -> bool:
    """``sealed`` by the names of nodes; of one that is not known nothing is said."""
    one, other = vmap.node(source), vmap.node(target)
    return one is not None and other is not None and sealed(one.labels, other.labels)


def detour_context(node: str) -> str:
    """Id of the room on a VideoRoom node that a session's detours pass."""
    return f"{DETOUR}{node}"


def detour_node(vmap: VirtualMap, target: str, known: str = "") -> str:
    """The VideoRoom on the host of ``target`` that takes a detour, empty when there is none.

    ``known``, where it is now, is kept while it takes new work.
    """
    wrapper = vmap.node(target)
    found = [
        node
        for node in (vmap.nodes.values() if wrapper else ())
        if node.kind == Kind.VR and not node.silent and wrapper and same_host(node.labels, wrapper.labels)
    ]

    def rank(node: NodeWrapper) -> tuple[bool, bool, float, str]:
        return node.draining, node.id != known, node.weight, node.id

    return min(found, key=rank).id if found else ""

"""One report: every key of the node with its text, details first and ``JN:`` last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from collector.sample import Status
from collector.settings import Presentation
from collector.view import View
from rtcdn import keys
from rtcdn.model import NETWORK, ContextInfo, Labels, PluginData


def plugin_data(contexts: Iterable[ContextInfo], view: View) -> PluginData:
    """Plugin data: what was read, completed by what only events tell (streams, who talks)."""
    there = tuple(_with_streams(context, view) for context in sorted(contexts, key=lambda context: context.id))
    ids = {context.id for context in there}
    return PluginData(
        contexts=there,
        handles=view.handles,
        peerconnections=view.peerconnections,
        talkers={context: tuple(sorted(who)) for context, who in sorted(view.talking.items()) if context in ids},
    )


def _with_streams(context: ContextInfo, view: View) -> ContextInfo:
    if not context.publishers:
        return context
    known = (type(p)(p.id, view.streams.get((context.id, p.id), p.streams), p.remote) for p in context.publishers)
    ordered = tuple(sorted(known, key=lambda publisher: publisher.id))
    forwarders = tuple(sorted(context.forwarders, key=lambda forwarder: forwarder.stream_id))
    return replace(context, publishers=ordered, forwarders=forwarders)


def where(node: Presentation) -> str:
    """What other collectors read to measure the way here: the address, and for other networks which one is theirs."""
    if node.network == NETWORK and not node.listen:
        return node.address
    port = node.address.rpartition(":")[2]
    return f"{node.address} {node.network} {node.public_ip}:{port}"


def node_keys(
    node: Presentation,
    status: Status,
    data: PluginData,
    *,
    version: str,
    secret_version: str,
    started_us: int,
    rtt_ms: Mapping[str, float] | None = None,
) -> dict[str, str]:
    """Keys and texts in the order in which they are written."""
    labels = Labels(
        admin=node.admin_url,
        rest=node.rest_url,
        media_ip=node.media_ip,
        public_ip=node.public_ip,
        host=node.host,
        zone=node.zone,
        version=version,
        secret_version=secret_version,
        started_us=started_us,
        capacity=node.capacity,
        weight_terms=status.terms,
        rtt_ms=dict(rtt_ms or {}),
        place=node.place,
        price_hour=node.price_hour,
        price_gb=node.price_gb,
        network=node.network,
        links=node.links,
        listen=node.listen,
    )
    details = {
        "ADDRESS": node.address,
        "CPU": str(status.cpu_pct),
        "MEM": str(status.memory_pct),
        "WEIGHT": str(status.weight),
        "REGION": node.region,
        "LABELS": labels.to_json(),
        "PLUGIN": data.to_json(),
    }
    named = {keys.node_field(node.kind, node.node_id, field): text for field, text in details.items()}
    named[keys.at(node.region, node.node_id)] = where(node)
    return named | {keys.node(node.node_id): node.kind.value}

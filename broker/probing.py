"""Proof that stages are ready: a prober of their region views each and decodes a frame."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx

from broker.act import Nodes
from broker.core.scenarios.stage import MAIN, SCREEN
from broker.core.views import SessionView
from broker.core.virtual_map import VirtualMap
from broker.core.ways import public_address
from rtcdn import log
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.ids import janus_context
from rtcdn.janus.operations import slot_ports
from rtcdn.model import Codec, Kind, Leg
from rtcdn.probe import PATH, ProbeAnswer, ProbeAsk
from rtcdn.record import Record

_log = log.get("broker.probing")
AT_ONCE = 16  # asks under way
MARGIN_S = 1.0  # the prober's own limit is this much earlier than ours


@dataclass(frozen=True, slots=True)
class Proof(Record):
    """One stage: when it was proven ready, counted from the request, or why it was not."""

    stage: str = ""
    node: str = ""
    region: str = ""
    ready_ms: float = 0.0
    proof: str = ""  # decoded; empty: not proven
    fed: bool = False  # nobody was on stage: a clip was shown to the prober
    reason: str = ""


class Probing:
    """Asks probers; safe in threads."""

    def __init__(
        self,
        probers: Mapping[str, tuple[str, ...]],
        tls: ssl.SSLContext | None,
        nodes: Nodes,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._probers, self._nodes = probers, nodes
        self._http = httpx.Client(verify=tls or True, timeout=10.0, trust_env=False, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def prove(
        self, vmap: VirtualMap, view: SessionView, stages: Sequence[str], began_s: float, until_s: float
    ) -> list[Proof]:
        """One row per stage, in order. ``began_s``, ``until_s``: of the request, monotonic."""
        if not stages:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(stages)), "probe") as pool:
            return list(pool.map(lambda name: self._prove(vmap, view, name, began_s, until_s), stages))

    def _prove(self, vmap: VirtualMap, view: SessionView, name: str, began_s: float, until_s: float) -> Proof:
        context = view.contexts[name]
        wrapper = vmap.node(context.node)
        proof = Proof(name, context.node, wrapper.region if wrapper else "")
        left_s = until_s - time.monotonic() - MARGIN_S
        try:
            if left_s <= 0:
                raise TimeoutError("its turn did not come in time; ask again")
            ask = self._ask_for(vmap, view, name, left_s)
            answer = self._answer(proof.region, ask)
        except (NodeAway, NodeRefused, TimeoutError) as error:
            return replace(proof, reason=str(error))
        if not answer.decoded:
            return replace(proof, fed=bool(ask.feed_ports), reason=answer.reason)
        ready_ms = round(1000 * (time.monotonic() - began_s), 1)
        return replace(proof, ready_ms=ready_ms, proof="decoded", fed=bool(ask.feed_ports))

    def _ask_for(self, vmap: VirtualMap, view: SessionView, name: str, within_s: float) -> ProbeAsk:
        """What to look for: the picture that is shown there; where there is none a clip is fed into the main slot."""
        context, wrapper = view.contexts[name], vmap.node(view.contexts[name].node)
        janus_id = janus_context(view.id, name)
        leg = Leg("view", Kind.ST, context.node, context=janus_id, slots=context.slots)
        if wrapper:
            network, public = wrapper.labels.network, public_address(wrapper)
            leg = replace(leg, address=wrapper.address, network=network, public=public)
        codec = view.intent.codec if view.intent else Codec.VP8
        shown = {link.slot for link in view.links.values() if link.target == name and link.kind == "slot"}
        if shown:
            slot = MAIN if MAIN in shown else min(shown - {SCREEN}, default=SCREEN)
            return ProbeAsk(leg, codec, slot, within_s=within_s)
        client = self._nodes.client(vmap, context.node)
        ports = next((slot_ports(each) for each in client.stage_media(janus_id) if each.mid == MAIN), set())
        if not ports:
            raise NodeRefused(0, f"mountpoint {janus_id} is not there or has no slot {MAIN}")
        srtp = client.stage_key(janus_id, context.key)
        feed_key = srtp.crypto if srtp else ""
        return ProbeAsk(leg, codec, MAIN, client.media_ip, tuple(sorted(ports)), within_s, feed_key)

    def _answer(self, region: str, ask: ProbeAsk) -> ProbeAnswer:
        """Of the first prober that answers: those of the region, then all others."""
        own = self._probers.get(region, ())
        others = [url for each in sorted(self._probers) if each != region for url in self._probers[each]]
        why = "no prober is configured; see docs/warm-up.md"
        for url in (*own, *others):
            try:
                told = self._http.post(f"{url}{PATH}", content=ask.to_json(), timeout=ask.within_s + MARGIN_S)
            except httpx.TimeoutException:
                return ProbeAnswer(reason=f"prober {url} did not answer within {ask.within_s:.1f} s")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = f"prober {url}: {type(error).__name__} {error}"
                _log.warning("prober-away", url=url, reason=error)
                continue
            answer = ProbeAnswer.from_json(told.text) if told.status_code == httpx.codes.OK else None
            return answer or ProbeAnswer(reason=f"prober {url} answered {told.status_code}: {told.text[:200]}")
        return ProbeAnswer(reason=why)

"""What is really there: contexts and forwarders as the nodes tell, against what the store says should be."""

from __future__ import annotations

from collections import Counter

from rtcdn.ids import janus_context
from rtcdn.janus.operations import slot_ports
from rtcdn.janus.plugins import audiobridge
from rtcdn.model import ContextIntent, LinkIntent
from tests.support.cdn import Cdn


def contexts_wanted(cdn: Cdn, session: str) -> dict[str, ContextIntent]:
    """Contexts that should be, by id."""
    found = cdn.store.read(f"CX:{session}:").values
    return {key.split(":")[2]: _read(ContextIntent, value.text) for key, value in found.items()}


def links_wanted(cdn: Cdn, session: str) -> dict[str, LinkIntent]:
    """Links that should be, by id."""
    found = cdn.store.read(f"LK:{session}:").values
    return {key.split(":")[2]: _read(LinkIntent, value.text) for key, value in found.items()}


def differences(cdn: Cdn, session: str) -> list[str]:
    """Every way in which the nodes differ from the intent of a session; contexts, forwarders, link participants."""
    wanted = contexts_wanted(cdn, session)
    found = _different_contexts(cdn, session, wanted)
    if found:
        return found
    return _different_forwarders(cdn, session, wanted) + _different_voices(cdn, session, wanted)


def _different_contexts(cdn: Cdn, session: str, wanted: dict[str, ContextIntent]) -> list[str]:
    should = {(intent.node, janus_context(session, name)) for name, intent in wanted.items()}
    have = {
        (name, context)
        for name in cdn.nodes
        for context in cdn.client(name).contexts()
        if context.startswith(f"{session}/")
    }
    return [f"missing {each}" for each in should - have] + [f"left over {each}" for each in have - should]


def _different_forwarders(cdn: Cdn, session: str, wanted: dict[str, ContextIntent]) -> list[str]:
    should: Counter[tuple[str, str, int]] = Counter()
    for link in links_wanted(cdn, session).values():
        if link.kind != "voice":
            target = wanted[link.target]
            client = cdn.client(target.node)
            for media in client.stage_media(janus_context(session, link.target)):
                if media.mid == link.slot:
                    should.update((link.source, client.media_ip, port) for port in slot_ports(media))
    have: Counter[tuple[str, str, int]] = Counter()
    voices = {cdn.client(each.node).media_ip for each in wanted.values() if each.duty == "mix"}
    for name, intent in wanted.items():
        if intent.duty in ("ingress", "mix"):
            for forwarder in cdn.client(intent.node).forwarders(janus_context(session, name)):
                if not (intent.duty == "ingress" and forwarder.host in voices and forwarder.type == "audio"):
                    have[name, forwarder.host, forwarder.port] += 1
    return [f"no forwarder {each}" for each in should - have] + [f"forwarder too many {each}" for each in have - should]


def _different_voices(cdn: Cdn, session: str, wanted: dict[str, ContextIntent]) -> list[str]:
    found = []
    voices = {name: link for name, link in links_wanted(cdn, session).items() if link.kind == "voice"}
    for mix, intent in wanted.items():
        if intent.duty == "mix":
            client = cdn.client(intent.node)
            answer = client.admin.plugin(client.kind, audiobridge.list_participants(janus_context(session, mix)))
            have = sorted(each.id for each in audiobridge.read_participants(answer) if each.id.startswith("link~"))
            should = sorted(f"link~{name}" for name in voices)
            if have != should:
                found.append(f"voices {have} instead of {should}")
    for name, link in voices.items():
        source = cdn.client(wanted[link.source].node)
        forwarders = source.forwarders(janus_context(session, link.source))
        mine = [each for each in forwarders if each.publisher == link.participant and each.type == "audio"]
        if len(mine) != 1:
            found.append(f"{len(mine)} forwarders for {name}")
    return found


def _read(kind: type, text: str):  # type: ignore[no-untyped-def]
    record = kind.from_json(text)  # type: ignore[attr-defined]
    assert record is not None, text
    return record

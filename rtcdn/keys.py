"""Names of keys in etcd: who writes what, and how a key is taken apart.

What *is*: ``JN:``, ``<KIND>:<node>:<FIELD>`` and ``AT:`` (collectors), ``GW:`` (gateways), all under a lease.
What *should be*: ``SS: CX: LK: PT: ND: PL:`` (broker, no lease); ``LD:`` is the leader's, under a lease.
An optional namespace is put before every key by the store, never here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NODE_FIELDS = ("ADDRESS", "CPU", "MEM", "WEIGHT", "REGION", "LABELS", "PLUGIN")
NODE_KIND = re.compile(r"[A-Z][A-Z0-9]{1,7}")  # VR, AB, ST, AI, and kinds that other packages add
INTENT_PREFIXES = ("SS", "CX", "LK", "PT", "ND", "PL")
IDS = {"JN": 1, "GW": 1, "SS": 1, "ND": 1, "PL": 1, "CX": 2, "LK": 2, "PT": 2}  # how many follow a prefix
LEADER = "LD:"
AT = "AT:"


class Key(NamedTuple):
    """A key taken apart: ``prefix`` such as ``JN``, ``ids`` in order, ``field`` of a node's detail key."""

    prefix: str
    ids: tuple[str, ...]
    field: str = ""


def node(node_id: str) -> str:
    """``JN:<node>``: the kind; written last, gates the rest."""
    return f"JN:{node_id}"


def node_field(kind: str, node_id: str, field: str) -> str:
    """``<KIND>:<node>:<FIELD>``, one detail of a node."""
    return f"{kind}:{node_id}:{field}"


def at(region: str, node_id: str) -> str:
    """``AT:<region>:<node>``: ``host:port`` where other collectors measure the round trip to it. No part of the map."""
    return f"{AT}{region}:{node_id}"


def gateway(gateway_id: str) -> str:
    """``GW:<gateway>``: presentation of a gateway, JSON."""
    return f"GW:{gateway_id}"


def session(session_id: str) -> str:
    """``SS:<session>``: the session's intent."""
    return f"SS:{session_id}"


def context(session_id: str, context_id: str) -> str:
    """``CX:<session>:<context>``: a room, mix or mountpoint that should be."""
    return f"CX:{session_id}:{context_id}"


def link(session_id: str, link_id: str) -> str:
    """``LK:<session>:<link>``: a media path that should be."""
    return f"LK:{session_id}:{link_id}"


def participant(session_id: str, participant_id: str) -> str:
    """``PT:<session>:<participant>``: role, place, gateway and legs of a participant."""
    return f"PT:{session_id}:{participant_id}"


def is_participant(key: str) -> bool:
    """Whether a key is one of ``participant``."""
    return key.startswith("PT:")


def drain(node_id: str) -> str:
    """``ND:<node>``: the node is being drained."""
    return f"ND:{node_id}"


def plan(session_id: str) -> str:
    """``PL:<session>``: the plan that runs and the step reached."""
    return f"PL:{session_id}"


def parse(key: str) -> Key | None:
    """Take a key apart; None for a key that is not of this schema (never raises)."""
    parts = key.split(":")
    prefix = parts[0]
    if len(parts) == 3 and parts[1] and parts[2] in NODE_FIELDS and prefix not in IDS and NODE_KIND.fullmatch(prefix):
        return Key(prefix, (parts[1],), parts[2])
    if key == LEADER:
        return Key("LD", ())
    wanted = IDS.get(prefix)
    if wanted is None or len(parts) != wanted + 1 or not all(parts[1:]):
        return None
    return Key(prefix, tuple(parts[1:]))

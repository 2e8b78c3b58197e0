"""What an inventory declares, in the words of ops: hosts and their duties, stacks, nodes, certificates that are due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ops import inventory, pki

MODULES = "AI"  # nodes of this kind are stacks of the role ai, all others of janus_node
RENEW_DAYS = 60  # default of the role pki
GROUP_DUTIES = {"managers": "manager", "registry": "registry", "etcd": "etcd", "nginx": "nginx", "speaker": "speaker"}

Variables = Mapping[str, Any]
Groups = Mapping[str, list[str]]


def read(variables: Variables, groups: Groups) -> dict[str, Any]:
    """Everything at once, for ``ansible/declared.yml``; with problems, nothing else is told."""
    problems = inventory.problems(variables, groups)
    if problems:
        return {"problems": problems}
    due = pki.due(
        variables["pki_certificates"], variables["rtcdn_pki"], int(variables.get("pki_renew_days", RENEW_DAYS))
    )
    return {
        "problems": [],
        "deployment": str(variables["rtcdn_deployment"]),
        "url": str(variables["rtcdn_public_url"]),
        "hosts": {host: _host(variables["rtcdn_hosts"][host]) for host in groups["all"]},
        "managers": list(groups["managers"]),
        "registry": list(groups["registry"]),
        "duties": duties(variables, groups),
        "stacks": stacks(variables),
        "nodes": {str(row["id"]): {"kind": row["kind"], "host": row["host"]} for row in variables["rtcdn_nodes"]},
        "gateways": [str(row["id"]) for row in variables["rtcdn_gateways"]],
        "certificates_due": [str(each["name"]) for each in due],
    }


def _host(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "region": row["region"],
        "private": row["private"],
        "public": row["public"],
        "spare": bool(row.get("spare")),
    }


def duties(variables: Variables, groups: Groups) -> dict[str, list[str]]:
    """What each host does, in the order of the inventory."""
    answer: dict[str, list[str]] = {host: [] for host in groups["all"]}
    for group, duty in GROUP_DUTIES.items():
        for host in groups.get(group, []):
            answer[host].append(duty)
    for table, form in (("rtcdn_brokers", "{id}"), ("rtcdn_gateways", "gateway {id}"), ("rtcdn_nodes", "{kind} {id}")):
        for row in variables[table]:
            answer[row["host"]].append(form.format(**row))
    for row in variables.get("rtcdn_turns") or []:
        answer[row["host"]].append(f"turn {row['id']}")
    return answer


def stacks(variables: Variables) -> list[str]:
    """Names of the Docker stacks, in the order in which ``ansible/site.yml`` deploys them."""
    nodes = variables["rtcdn_nodes"]
    return [
        *_roles(variables, "etcd"),
        *_rows(variables, "janus_node", "janus", [row for row in nodes if row["kind"] != MODULES]),
        *_rows(variables, "ai", "ai", [row for row in nodes if row["kind"] == MODULES]),
        *_roles(variables, "broker"),
        *(_roles(variables, "turn") if variables.get("rtcdn_turns") else []),
        *_roles(variables, "gateway", "nginx", "speaker"),
    ]


def last_first(found: Iterable[str]) -> list[str]:
    """Stacks in the order in which they go: whoever uses others before these, the store last."""
    order = ("speaker", "nginx", "gateway", "turn", "broker", "ai", "janus", "etcd")
    places = {name: at for at, name in enumerate(order)}
    return sorted(found, key=lambda name: (places.get(name.partition("_")[0], 0), name))


def _roles(variables: Variables, *roles: str) -> list[str]:
    return [role for role in roles if _enabled(variables, role)]


def _rows(variables: Variables, role: str, prefix: str, rows: list[Mapping[str, Any]]) -> list[str]:
    return [f"{prefix}_{row['id']}" for row in rows] if _enabled(variables, role) else []


def _enabled(variables: Variables, role: str) -> bool:
    """Whether the role is on: its default is; a text is what ``--extra-vars name=false`` gives."""
    return str(variables.get(f"{role}_enabled", True)).lower() not in ("false", "no", "0")

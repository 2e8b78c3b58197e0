"""What is wrong with an inventory, before any host is touched (``ansible/precheck.yml``). Looks at variables alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ops import acme, inventory_network, inventory_tables
from ops.firewall import PORT as TURN
from ops.firewall import RELAY
from ops.turn import DEFAULT_TLS
from rtcdn.ids import ID

Table = Mapping[str, Any]

# Every variable of a deployment that begins with rtcdn_; roles' own begin with the role's name.
KNOWN = frozenset({
    "rtcdn_brokers", "rtcdn_certificate_names", "rtcdn_deployment", "rtcdn_etcd_addresses", "rtcdn_gateways",
    "rtcdn_geo_folder", "rtcdn_geodata",
    "rtcdn_host_dir", "rtcdn_hosts", "rtcdn_image_names", "rtcdn_images", "rtcdn_log_level", "rtcdn_namespace",
    "rtcdn_nodes", "rtcdn_pki", "rtcdn_ports", "rtcdn_public_address", "rtcdn_public_url", "rtcdn_python",
    "rtcdn_registry", "rtcdn_secrets", "rtcdn_state", "rtcdn_templates", "rtcdn_tree", "rtcdn_verify",
    "rtcdn_entries", "rtcdn_host_policy", "rtcdn_precheck_ignore", "rtcdn_private_network", "rtcdn_regions",
    "rtcdn_turns",
})  # fmt: skip
OPTIONAL = frozenset({
    "rtcdn_verify", "rtcdn_geodata", "rtcdn_geo_folder", "rtcdn_host_policy", "rtcdn_precheck_ignore",
    "rtcdn_private_network", "rtcdn_public_address", "rtcdn_regions", "rtcdn_turns",
})  # fmt: skip
INGRESS, EGRESS = "VR", "ST"
KINDS = {"VR": "videoroom", "AB": "audiobridge", "ST": "streaming", "AI": "ai"}
NODE_PORTS = 5  # from a node's port on
ROLES = Path(__file__).resolve().parent.parent / "roles"
NEARLY = 0.85  # how alike two names are, of which one is a slip
REMOTE_PUBLISHERS = range(10000, 11000)  # Janus takes these for remote publishers and cannot be told otherwise


def problems(variables: Table, groups: Mapping[str, list[str]]) -> list[str]:
    """Every problem, each naming the variable and the cure; empty when the inventory is sound."""
    lacking = sorted(KNOWN - OPTIONAL - variables.keys())
    if lacking:
        return [f"{name} is not set: see inventories/local/group_vars/all" for name in lacking]
    found = [*_unknown(variables), *_options(variables), *inventory_tables.problems(variables)]
    if found:
        return found  # the rest looks into rows
    return [
        *_ids(variables),
        *_etcd(groups),
        *_places(variables, groups),
        *(list(_numbers(variables)) or [*_ports(variables, groups), *inventory_network.problems(variables, groups)]),
        *_regions(variables),
        *_geography(variables),
        *acme.problems(variables, groups),
    ]


def _unknown(variables: Iterable[str]) -> Iterator[str]:
    for name in sorted(variables):
        if name.startswith("rtcdn_") and name not in KNOWN:
            yield f"{name} is no variable of rtcdn: {inventory_tables.unknown(name, KNOWN)}"


def _options(variables: Iterable[str]) -> Iterator[str]:
    """A variable that begins with a role's name and is nearly one of its options, but none: it would do nothing."""
    options = {path.parent.parent.name: _role_options(path) for path in ROLES.glob("*/meta/argument_specs.yml")}
    known = {each for options_of_role in options.values() for each in options_of_role}
    for name in sorted(set(variables) - known):
        role = max((role for role in options if name.startswith(f"{role}_")), key=len, default="")
        near = difflib.get_close_matches(name, options.get(role, ()), 1, NEARLY)
        if near:
            yield f"{name} is no option of role {role}: did you mean {near[0]}?"


@cache
def _role_options(path: Path) -> frozenset[str]:
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    return frozenset(name for entry in specs.values() for name in entry.get("options") or {})


def _ids(variables: Table) -> Iterator[str]:
    for table in ("rtcdn_nodes", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_turns"):
        ids = [str(row["id"]) for row in variables.get(table) or []]
        yield from (f"{table}: {each!r} is not an id: use a-z, 0-9 and '-'" for each in ids if not ID.fullmatch(each))
        yield from (f"{table}: {each!r} is there twice: give every row its own id" for each in _twice(ids))


def _twice(values: Iterable[Any]) -> list[Any]:
    seen: set[Any] = set()
    return sorted({each for each in values if each in seen or seen.add(each)})  # type: ignore[func-returns-value]


def _etcd(groups: Mapping[str, list[str]]) -> Iterator[str]:
    members = len(groups.get("etcd", []))
    if members not in (1, 3, 5):
        yield f"group etcd has {members} hosts: use 1, 3 or 5, so that there is a majority"
    for group in ("managers", "registry", "nginx"):
        if not groups.get(group):
            yield f"group {group} is empty: put at least one host in it"


def _places(variables: Table, groups: Mapping[str, list[str]]) -> Iterator[str]:
    """Every row of a table stands on a host of the inventory, and in the group of its kind."""
    hosts = variables["rtcdn_hosts"]
    for host in groups.get("all", []):
        if host not in hosts:
            yield f"rtcdn_hosts lacks {host}: give its private and public address and its region"
    for table, group in (("rtcdn_nodes", ""), ("rtcdn_brokers", "broker"), ("rtcdn_gateways", "gateway")):
        for row in variables[table]:
            wanted = group or KINDS.get(row["kind"], "")
            if not wanted:
                yield f"rtcdn_nodes: {row['id']} has kind {row['kind']!r}: use {', '.join(KINDS)}"
            elif row["host"] not in hosts or row["host"] not in groups.get(wanted, []):
                yield f"{table}: {row['id']} is on {row['host']!r}, which is not in group {wanted}: add it there"


def _numbers(variables: Table) -> Iterator[str]:
    """Every port is one, every range of ports goes upwards."""
    single = [("rtcdn_ports", name, port) for name, port in variables["rtcdn_ports"].items()]
    for table, fields in (
        ("rtcdn_brokers", ("api", "stream")),
        ("rtcdn_gateways", ("port",)),
        ("rtcdn_nodes", ("port",)),
        ("rtcdn_turns", ("port",)),
    ):
        rows = variables.get(table) or []
        single += [(table, f"{field} of {row['id']}", row.get(field, TURN)) for row in rows for field in fields]
    single += [
        ("rtcdn_gateways", f"prober of {row['id']}", row["prober"])
        for row in variables["rtcdn_gateways"]
        if row.get("prober")
    ]
    for table, what, port in single:
        if not 0 < _number(port) < 65536:
            yield f"{table}: {what} is {port!r}: write a port, 1 to 65535"
    ranges = [("rtcdn_nodes", row, use) for row in variables["rtcdn_nodes"] for use in ("webrtc", "rtp")]
    ranges += [("rtcdn_turns", row, "relay") for row in variables.get("rtcdn_turns") or []]
    for table, row, use in ranges:
        told = row.get(use, {"rtp": None, "webrtc": "", "relay": RELAY}[use])
        first, _, last = str(told).partition("-")
        if told != "" and not 0 < _number(first) <= _number(last) < 65536:
            yield f"{table}: {use} of {row['id']} is {told!r}: write first-last, such as 30000-30099, or ''"
    for row in variables.get("rtcdn_turns") or []:
        if str(row.get("tls", 0)) != "0" and not 0 < _number(row["tls"]) < 65536:
            yield f"rtcdn_turns: tls of {row['id']} is {row['tls']!r}: write a port, or 0 for no TLS"


def _number(value: Any) -> int:
    """What is written as a number, else 0."""
    return int(str(value)) if str(value).isascii() and str(value).isdigit() and len(str(value)) < 6 else 0


def _is_number(value: Any) -> bool:
    """Of whatever class: Ansible's numbers are of its own."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ports(variables: Table, groups: Mapping[str, list[str]]) -> Iterator[str]:
    taken: dict[tuple[str, str, int], str] = {}
    for host, protocol, ports, owner in _claims(variables, groups):
        for port in ports:
            other = taken.setdefault((host, protocol, port), owner)
            if other != owner:
                yield f"{protocol} port {port} of {host} is claimed by {other} and by {owner}: change one of them"
                break
            if protocol == "udp" and port in REMOTE_PUBLISHERS:
                yield f"udp port {port} of {host} ({owner}) lies in 10000-10999, which Janus uses: choose from 20000 on"
                break


def _claims(variables: Table, groups: Mapping[str, list[str]]) -> Iterator[tuple[str, str, range, str]]:
    """Host, protocol, ports and owner of every claim of the table."""
    for name, port in variables["rtcdn_ports"].items():
        for host in groups.get("nginx", []) if name in ("nginx", "acme") else variables["rtcdn_hosts"]:
            yield host, "tcp", _one(port), f"rtcdn_ports.{name}"
    for broker in variables["rtcdn_brokers"]:
        for which in ("api", "stream"):
            yield broker["host"], "tcp", _one(broker[which]), f"{broker['id']} {which}"
    for gateway in variables["rtcdn_gateways"]:
        yield gateway["host"], "tcp", _one(gateway["port"]), f"gateway {gateway['id']}"
        if gateway.get("prober"):
            yield gateway["host"], "tcp", _one(gateway["prober"]), f"prober {gateway['id']}"
    for node in variables["rtcdn_nodes"]:
        first = int(node["port"])
        yield node["host"], "tcp", range(first, first + NODE_PORTS), node["id"]
        for use in ("webrtc", "rtp"):
            if node.get(use):
                low, high = (int(each) for each in str(node[use]).split("-"))
                yield node["host"], "udp", range(low, high + 1), f"{node['id']} {use}"

    for turn in variables.get("rtcdn_turns") or []:
        yield from _claims_of_turn(turn)


def _claims_of_turn(turn: Table) -> Iterator[tuple[str, str, range, str]]:
    owner = f"turn {turn['id']}"
    if not turn.get("address"):  # on one of its own it meets nobody
        for port in filter(None, (turn.get("port", TURN), int(turn.get("tls", DEFAULT_TLS)))):
            yield turn["host"], "tcp", _one(port), owner
        yield turn["host"], "udp", _one(turn.get("port", TURN)), owner
    low, high = (int(each) for each in str(turn.get("relay", RELAY)).split("-"))
    yield turn["host"], "udp", range(low, high + 1), f"{owner} relay"


def _one(port: Any) -> range:
    return range(int(port), int(port) + 1)


def _regions(variables: Table) -> Iterator[str]:
    """Where there are nodes or gateways, speakers and viewers have theirs; spare hosts carry nothing yet."""
    hosts, nodes = variables["rtcdn_hosts"], variables["rtcdn_nodes"]
    for region in sorted({str(host["region"]) for host in hosts.values()}):
        if not ID.fullmatch(region):
            yield f"rtcdn_hosts: {region!r} is not a region's name: use a-z, 0-9 and '-'"
    serving = {hosts[row["host"]]["region"] for row in [*nodes, *variables["rtcdn_gateways"]] if row["host"] in hosts}
    for region in sorted(serving):
        kinds = {node["kind"] for node in nodes if hosts.get(node["host"], {}).get("region") == region}
        for kind, duty in ((INGRESS, "ingress"), (EGRESS, "egress")):
            if kind not in kinds:
                yield f"region {region} has no {duty}: give it a node of kind {kind} in rtcdn_nodes"
    if not any(node["kind"] == "AB" for node in nodes):
        yield "rtcdn_nodes has no node of kind AB: without one nobody is heard"


def _geography(variables: Table) -> Iterator[str]:
    """Where hosts are, as far as it is told, and where databases lie."""
    for name, host in sorted(variables["rtcdn_hosts"].items()):
        place = host.get("place", [0, 0])
        numbers = isinstance(place, list) and all(_is_number(each) for each in place)
        if not (numbers and len(place) == 2 and abs(place[0]) <= 90 and abs(place[1]) <= 180):
            yield f"rtcdn_hosts: place of {name} is {place!r}: write [latitude, longitude] in degrees"
    if variables.get("rtcdn_geodata") and not str(variables.get("rtcdn_geo_folder", "")).startswith("/"):
        yield "rtcdn_geodata is on: set rtcdn_geo_folder to a folder of the hosts, such as /var/cache/rtcdn/geo"

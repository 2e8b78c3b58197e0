"""An event as an inventory: groups, variables of each host, variables of all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops.event import tables
from ops.event.duties import Duties, assign
from ops.event.model import KINDS, Event, Host, Pem
from rtcdn.errors import ConfigError

TREE = Path(__file__).resolve().parents[2]
SHARED = (TREE / "inventories" / "shared", TREE / "inventories" / "local" / "group_vars" / "all")
PUBLIC_URL = "https://{{ rtcdn_public_address }}:{{ rtcdn_ports.nginx }}"
MADE = "# Made by rtcdn"
OWN = "zz_event.yml"  # read last: what the event says wins
GROUPS = ("managers", "registry", "etcd", *KINDS.values(), "broker", "gateway", "nginx", "turn", "speaker")


@dataclass(frozen=True)
class Inventory:
    """What Ansible is given. ``hosts``: variables of each; ``variables``: of all."""

    hosts: dict[str, dict[str, Any]]
    groups: dict[str, list[str]]
    variables: dict[str, Any]


def compiled(event: Event) -> Inventory:
    """The inventory of an event."""
    duties = assign(event)
    hosts = {name: _connection(event, host) for name, host in event.hosts.items()}
    return Inventory(hosts, _groups(event, duties), _variables(event, duties))


def write(event: Event, folder: Path) -> list[Path]:
    """Write the inventory into ``folder``, whole or not at all; the arguments of ``-i``, the base inventory first."""
    made = compiled(event)
    if folder.exists() and any(folder.iterdir()) and not _ours(folder):
        raise ConfigError([f"{folder}: holds something that rtcdn did not make; name an empty folder"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    shared = fresh / "group_vars" / "all"
    shared.mkdir(parents=True)
    for path in _shared_files():
        if event.given:
            _dump(shared / path.name, f"# As {path.name} of the tree.\n", _without(path, event.given))
        else:
            shutil.copyfile(path, shared / path.name)
    head = f"{MADE} from {event.source.name}: the next apply writes it anew.\n"
    _dump(shared / OWN, head, made.variables)
    groups: dict[str, Any] = {name: _members(hosts) for name, hosts in made.groups.items() if name != "all"}
    _dump(fresh / "hosts.yml", head, {"all": {"hosts": made.hosts, "children": groups}})
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
    return [*([event.base] if event.base else []), folder]


def _ours(folder: Path) -> bool:
    hosts = folder / "hosts.yml"
    return hosts.is_file() and hosts.read_text(encoding="utf-8").startswith(MADE)


def _members(hosts: Iterable[str]) -> dict[str, Any]:
    return {"hosts": {name: {} for name in hosts}}


def _without(path: Path, names: frozenset[str]) -> dict[str, Any]:
    """A file's variables but those that the base inventory sets: its word comes before the tree's."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {name: value for name, value in content.items() if name not in names}


def _shared_files() -> list[Path]:
    """Files of variables that every inventory has."""
    found = next(folder for folder in SHARED if folder.is_dir())
    return sorted(path.resolve() for path in found.glob("*.yml"))


def _dump(path: Path, head: str, content: Any) -> None:
    path.write_text(head + yaml.safe_dump(content, sort_keys=False, width=150, allow_unicode=True), encoding="utf-8")


def _connection(event: Event, host: Host) -> dict[str, Any]:
    """How Ansible reaches a host; nothing where the base inventory knows."""
    spec, ssh = host.spec, event.spec.ssh
    if host.given:
        return {}
    if spec.connection == "local":
        return {"ansible_connection": "local"}
    found: dict[str, Any] = {"ansible_connection": "ssh", "ansible_host": spec.ssh or spec.public or spec.private}
    user = spec.user or ssh.user
    if user:
        found["ansible_user"] = user
    if user not in ("", "root"):
        found["ansible_become"] = True
    options = []
    if ssh.port:
        found["ansible_port"] = ssh.port
    if ssh.key:
        found["ansible_ssh_private_key_file"] = str(_path(event, ssh.key))
        options.append("-o IdentitiesOnly=yes")
    if ssh.known_hosts:
        options.append(f"-o UserKnownHostsFile={_path(event, ssh.known_hosts)}")
    if options:
        found["ansible_ssh_common_args"] = " ".join(options)
    return found


def _path(event: Event, text: str) -> Path:
    """A path as the file means it: from the file on, ``~`` is home."""
    return (event.source.path.resolve().parent / Path(text).expanduser()).resolve()


def _groups(event: Event, duties: Duties) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"all": list(event.hosts)}
    for name in GROUPS:
        kind = next((kind for kind in KINDS if KINDS[kind] == name), "")
        carrying = [host for host in event.hosts if duties.nodes.get(host, {}).get(kind)]
        found[name] = carrying if kind else list(dict.fromkeys(duties.groups[name]))
    for region in event.spec.regions:
        found[f"region_{region}"] = [host.name for host in event.hosts.values() if host.region == region]
    return found


def _variables(event: Event, duties: Duties) -> dict[str, Any]:
    spec = event.spec
    found: dict[str, Any] = {
        "rtcdn_deployment": spec.event,
        "rtcdn_tree": str(TREE),
        "rtcdn_private_network": spec.private_network or len(event.hosts) == 1,
        "rtcdn_hosts": {name: _row(event, host) for name, host in event.hosts.items()},
        "rtcdn_regions": {name: _region(event, name) for name in spec.regions},
        "rtcdn_ports": {name: getattr(spec.ports, name) for name in tables.single_ports(spec)},
        "rtcdn_brokers": tables.brokers(event, duties),
        "rtcdn_gateways": tables.gateways(event, duties),
        "rtcdn_nodes": tables.nodes(event, duties),
        "rtcdn_turns": tables.turns(event, duties),
        "rtcdn_host_policy": spec.firewall.policy,
        "rtcdn_geodata": spec.features.geodata,
        "speaker_enabled": spec.features.demo,
    }
    local = [host for host in event.hosts.values() if host.spec.connection == "local"]
    if local:
        found["rtcdn_public_address"] = local[0].spec.public or local[0].spec.private
        found["rtcdn_public_url"] = PUBLIC_URL
    else:
        entry = next(event.hosts[name] for name in duties.groups["nginx"] if event.hosts[name].region == event.control)
        found["rtcdn_public_url"] = f"https://{entry.spec.public or entry.spec.private}:{spec.ports.nginx}"
    control = spec.regions[event.control]
    if control.url:
        found["rtcdn_public_url"] = control.url.rstrip("/")
    if spec.firewall.admin_sources:
        found["host_admin_sources"] = list(spec.firewall.admin_sources)
    return found | _parts(event)


def _parts(event: Event) -> dict[str, Any]:
    """Variables of roles that the event sets only when it says something."""
    spec = event.spec
    found: dict[str, Any] = {}
    pinned = {name: tag for name, tag in spec.versions.items() if tag != "tree"}
    if pinned:
        pairs = ", ".join(f"'{name}': rtcdn_registry ~ '/rtcdn/{name}:{tag}'" for name, tag in sorted(pinned.items()))
        own = "rtcdn_image_names | rtcdn_image_references(rtcdn_registry)"
        found["rtcdn_images"] = f"{{{{ {own} | combine({{{pairs}}}) }}}}"
    if spec.certificates.certificate:
        found |= _given(event, spec.certificates, "nginx_certificate", "nginx_certificate_key")
    if spec.certificates.acme:
        told = {name: getattr(spec.certificates.acme, name) for name in ("directory", "email", "ca")}
        told |= {"ca": str(_path(event, told["ca"]))} if told["ca"] else {}
        found["nginx_acme"] = {name: value for name, value in told.items() if value}
    if spec.capacity:
        found["janus_node_capacity"] = spec.capacity
    if spec.policy.name:
        found["broker_policy"] = spec.policy.name
    if spec.policy.policies:
        found["broker_policies"] = spec.policy.policies
    found |= spec.variables
    options = dict(spec.engine.options)
    if spec.engine.dns:
        options["dns"] = list(spec.engine.dns)
    if options:
        found["docker_engine_options"] = options
    return found


def _given(event: Event, pem: Pem, certificate: str, key: str) -> dict[str, str]:
    return {certificate: str(_path(event, pem.certificate)), key: str(_path(event, pem.key))}


def _row(event: Event, host: Host) -> dict[str, Any]:
    """A row of rtcdn_hosts; only what is told."""
    spec = host.spec
    public = spec.public or ("{{ rtcdn_public_address }}" if spec.connection == "local" else spec.private)
    row: dict[str, Any] = {"private": spec.private, "public": public, "region": host.region, "zone": spec.zone}
    place = spec.place or event.spec.regions[host.region].place
    if place:
        row["place"] = list(place)
    told = {"price_hour": spec.price_hour, "price_gb": spec.price_gb}
    row |= {name: value for name, value in told.items() if value is not None}
    if spec.network != "default":
        row["network"] = spec.network
    return row | ({"spare": True} if spec.spare else {})


def _region(event: Event, name: str) -> dict[str, Any]:
    region = event.spec.regions[name]
    found: dict[str, Any] = {"place": list(region.place)} if region.place else {}
    found |= {"url": region.url.rstrip("/")} if region.url else {}
    return found | (_given(event, region.certificate, "certificate", "certificate_key") if region.certificate else {})

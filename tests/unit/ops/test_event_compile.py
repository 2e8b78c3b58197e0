"""An event becomes an inventory: the tables that the deployed inventories have, and sound ones for any valid event."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import event
from ops.event import tables
from ops.event.duties import assign
from ops.inventory import problems
from rtcdn.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
EVENTS = sorted((ROOT / "events").glob("*.yml"))
TABLES = ("rtcdn_hosts", "rtcdn_ports", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_nodes")


def written(ev: event.Event, folder: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Variables and groups, read from the files as Ansible does."""
    event.write(ev, folder)
    variables: dict[str, Any] = {}
    for path in sorted((folder / "group_vars" / "all").glob("*.yml")):
        variables |= yaml.safe_load(path.read_text(encoding="utf-8"))
    for name in ("rtcdn_public_address", "rtcdn_ports.nginx"):  # what Ansible would put in
        first, _, second = name.partition(".")
        value = variables.get(first, "")
        text = str(value[second] if second else value)
        variables["rtcdn_public_url"] = variables["rtcdn_public_url"].replace(f"{{{{ {name} }}}}", text)
    content = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))["all"]
    groups = {name: list(group["hosts"]) for name, group in content["children"].items()}
    return variables, {**groups, "all": list(content["hosts"])}


def made(tmp_path: Path, text: str) -> event.Event:
    """The event of a text."""
    path = tmp_path / "made.yml"
    path.write_text(text, encoding="utf-8")
    return event.load(path)


def test_the_smallest_event_is_the_local_inventory() -> None:
    """`up` and `apply events/local.yml` deploy the same, row by row, group by group."""
    ours = event.compiled(event.load(ROOT / "events/local.yml"))
    variables, groups = inventory("local")
    assert {table: ours.variables[table] for table in TABLES} == {table: variables[table] for table in TABLES}
    assert {name: ours.groups[name] for name in groups} == groups


def inventory(name: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Tables and groups of a shipped inventory; the lab's addresses are written out."""
    folder = ROOT / "inventories" / name
    text = (folder / "group_vars/all/network.yml").read_text(encoding="utf-8").replace("{{ lab_network }}", "198.18.42")
    variables = yaml.safe_load(text)
    children = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
    return variables, {group: list(each["hosts"]) for group, each in children.items()}


def test_the_lab_is_that_of_the_lab_inventory() -> None:
    """Row by row, group by group; every host is reached by the lab's key. So an apply of it finds nothing to change."""
    lab = event.compiled(event.load(ROOT / "events/lab.yml"))
    variables, groups = inventory("lab")
    settings = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/main.yml").read_text(encoding="utf-8"))
    own = ("lab_", "ansible_", "rtcdn_deployment", "speaker_session")  # the last is the default, written out
    settings = {name: value for name, value in settings.items() if not name.startswith(own)}
    assert {name: lab.variables.get(name) for name in settings} == settings
    variables["rtcdn_hosts"] = variables.pop("lab_hosts")
    assert {table: lab.variables[table] for table in TABLES} == {table: variables[table] for table in TABLES}
    assert {name: lab.groups[name] for name in groups} == groups
    assert [host["ansible_host"] for host in lab.hosts.values()] == [f"198.18.42.{n}" for n in (11, 12, 21, 22, 31, 32)]
    assert all("/var/lib/rtcdn-lab/lab/known_hosts" in host["ansible_ssh_common_args"] for host in lab.hosts.values())


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_shipped_events_are_sound_inventories(path: Path, tmp_path: Path) -> None:
    """Each is accepted by precheck's own judge, and named as its file."""
    ev = event.load(path)
    assert ev.name == path.stem
    variables, groups = written(ev, tmp_path / "inventory")
    assert problems(variables, groups) == []


def test_ansible_reads_what_is_written(tmp_path: Path) -> None:
    """Without any other inventory."""
    arguments = event.write(event.load(ROOT / "events/lab.yml"), tmp_path / "inventory")
    assert arguments == [tmp_path / "inventory"]
    command = [Path(sys.executable).with_name("ansible-inventory"), "-i", arguments[0], "--host", "us2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
    found = json.loads(ran.stdout)
    assert (found["ansible_host"], found["rtcdn_deployment"]) == ("198.18.42.22", "lab")
    assert found["rtcdn_regions"]["us"]["place"] == [39.04, -77.49]


BASE = """\
all:
  hosts:
    eu-one: {ansible_host: 192.0.2.21, rtcdn_log_level: debug}
    eu-two: {ansible_host: 192.0.2.22}
    far-one: {ansible_host: 198.51.100.21}
  children:
    overseas: {hosts: {far-one: {}}}
"""


def test_hosts_of_a_base_inventory_are_matched_by_pattern_and_group(tmp_path: Path) -> None:
    """It comes first, keeps its word, and knows how to reach its hosts."""
    (tmp_path / "base.yml").write_text(BASE, encoding="utf-8")
    text = "event: tour\ninventory: base.yml\nregions:\n  eu: {hosts: ['eu-*']}\n  us: {hosts: [overseas]}\n"
    ev = made(tmp_path, text)
    assert {name: host.region for name, host in ev.hosts.items()} == {"eu-one": "eu", "eu-two": "eu", "far-one": "us"}
    arguments = event.write(ev, tmp_path / "inventory")
    assert arguments == [tmp_path / "base.yml", tmp_path / "inventory"]
    variables, groups = written(ev, tmp_path / "inventory")
    assert "rtcdn_log_level" not in variables
    assert problems({**variables, "rtcdn_log_level": "debug"}, groups) == []
    assert event.compiled(ev).hosts["eu-one"] == {}
    with pytest.raises(ConfigError, match=r"made\.yml:4: regions\.eu\.hosts\[0\]: 'eu-9' matches no host"):
        made(tmp_path, text.replace("eu-*", "eu-9"))


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """What was not made here is not overwritten."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hosts.yml").write_text("all: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="did not make"):
        event.write(event.load(ROOT / "events/local.yml"), tmp_path / "mine")
    assert (tmp_path / "mine" / "hosts.yml").read_text(encoding="utf-8") == "all: {}\n"


def test_a_host_added_at_the_end_moves_nothing(tmp_path: Path) -> None:
    """Services and ports of the others stay where they are."""
    text = "event: grow\nregions:\n  eu:\n    hosts:\n" + "".join(
        f"      h{n}: {{private: 192.0.2.{n}}}\n" for n in (1, 2, 3)
    )
    before = event.compiled(made(tmp_path, text)).variables
    after = event.compiled(made(tmp_path, text + "      h4: {private: 192.0.2.4}\n")).variables
    for table in ("rtcdn_brokers", "rtcdn_gateways", "rtcdn_nodes"):
        assert [row for row in after[table] if row["host"] != "h4"] == before[table]


def test_pins_files_and_settings_reach_their_roles(tmp_path: Path) -> None:
    """Versions, certificates, policies, engine, firewall."""
    for name in ("own.pem", "own.key"):
        (tmp_path / name).write_text("", encoding="utf-8")
    ev = made(tmp_path, "event: all\nversions: {janus: abc, control: tree}\n"
              "certificates: {certificate: own.pem, key: own.key}\n"
              "policy: {name: thrifty, policies: {thrifty: {base: cost}}}\nengine: {dns: [192.0.2.53]}\n"
              "firewall: {policy: closed, admin_sources: [192.0.2.0/24]}\n"
              "regions: {eu: {url: 'https://eu.example', hosts: {a: {private: 192.0.2.1, user: ops}}}}\n")  # fmt: skip
    found = event.compiled(ev)
    assert "'janus': rtcdn_registry ~ '/rtcdn/janus:abc'" in found.variables["rtcdn_images"]
    assert "control" not in found.variables["rtcdn_images"]
    assert found.variables["nginx_certificate"] == str(tmp_path / "own.pem")
    assert found.variables["broker_policies"] == {"thrifty": {"base": "cost"}}
    assert found.variables["docker_engine_options"] == {"dns": ["192.0.2.53"]}
    assert found.variables["host_admin_sources"] == ["192.0.2.0/24"]
    assert found.variables["rtcdn_public_url"] == "https://eu.example"
    assert found.hosts["a"]["ansible_become"] is True


def test_certificates_by_acme_reach_nginx_its_port_and_its_image(tmp_path: Path) -> None:
    """And nothing of it is there without."""
    (tmp_path / "root.pem").write_text("", encoding="utf-8")
    text = (
        "event: all\nports: {nginx: 443}\n"
        "regions: {eu: {url: 'https://eu.example.org', hosts: {a: {private: 192.0.2.1}}}}\n"
    )
    acme = "certificates: {acme: {directory: 'https://acme.example/dir', ca: root.pem}}\n"
    found = event.compiled(made(tmp_path, text + acme)).variables
    assert found["nginx_acme"] == {"directory": "https://acme.example/dir", "ca": str(tmp_path / "root.pem")}
    assert found["rtcdn_ports"]["acme"] == 80
    variables, groups = written(made(tmp_path, text + acme), tmp_path / "inventory")
    assert problems(variables, groups) == []
    assert "acme" in variables["rtcdn_image_names"]
    plain = event.compiled(made(tmp_path, text)).variables
    assert "nginx_acme" not in plain
    assert "acme" not in plain["rtcdn_ports"]


def test_the_port_of_acme_is_nobody_elses(tmp_path: Path) -> None:
    """Said as of the other ports; without ACME it may be."""
    text = (
        "event: all\nports: {nginx: 80}\nregions: {eu: {url: 'https://eu.example', hosts: {a: {private: 192.0.2.1}}}}\n"
    )
    made(tmp_path, text)
    with pytest.raises(ConfigError, match=r"ports\.nginx: acme and nginx are both 80"):
        made(tmp_path, text + "certificates: {acme: {directory: 'https://acme.example/dir'}}\n")


COUNTS = st.integers(1, 5)
SESSIONS = st.lists(
    st.tuples(st.sampled_from(["atollo", "archipelago", "big_island"]), st.integers(1, 4), st.integers(0, 12)),
    max_size=3,
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Any number of hosts in any number of regions, with any sessions and features."""
    regions: dict[str, Any] = {}
    for at in range(draw(st.integers(1, 4))):
        hosts = {
            f"r{at}h{n}": {
                "private": f"10.{at}.0.{n}",
                "zone": draw(st.sampled_from("ab")),
                "spare": n > 1 and draw(st.booleans()),
            }
            for n in range(1, draw(COUNTS) + 1)
        }
        regions[f"r{at}"] = {"hosts": hosts, **({"place": [at * 10, 20]} if draw(st.booleans()) else {})}
    sessions = [
        {"name": f"s{n}", "scenario": scenario, "speakers": speakers, "viewers": viewers, "count": draw(COUNTS)}
        for n, (scenario, speakers, viewers) in enumerate(draw(SESSIONS))
    ]
    features = {name: draw(st.booleans()) for name in ("demo", "turn", "ai", "geodata")}
    control = {"region": draw(st.sampled_from(sorted(regions))), "brokers": draw(st.integers(1, 4))}
    return {"event": "any", "regions": regions, "sessions": sessions, "features": features, "control": control}


@settings(max_examples=40, deadline=None)
@given(events())
def test_any_valid_event_is_a_sound_inventory(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    """Whatever is told and whatever is not: duties are assigned, ports do not meet, spares carry nothing."""
    folder = tmp_path_factory.mktemp("any")
    ev = made(folder, yaml.safe_dump(content))
    variables, groups = written(ev, folder / "inventory")
    assert problems(variables, groups) == []
    spares = {host.name for host in ev.hosts.values() if host.spec.spare}
    carried = {row["host"] for table in TABLES[2:] for row in variables[table]}
    assert not spares & carried
    assert {ev.hosts[name].region for name in groups["gateway"]} == set(ev.spec.regions)
    assert all(ev.hosts[name].region == ev.control for name in groups["managers"])
    assert len(groups["etcd"]) in (1, 3, 5)
    assert tables.nodes(ev, assign(ev)) == variables["rtcdn_nodes"]

"""What was seen on hosts becomes problems that name the host and the cure."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ops.precheck import judge
from ops.precheck_needs import ask_listen, ask_probe, needs, own_ports
from ops.precheck_seen import ports, seen

NOW_S = 1_800_000_000.0
GROUPS = {
    "all": ["eu1", "us1"], "managers": ["eu1"], "registry": ["eu1"], "etcd": ["eu1"], "nginx": ["eu1", "us1"],
    "broker": ["eu1"], "gateway": ["eu1", "us1"], "videoroom": ["eu1", "us1"], "streaming": ["eu1", "us1"],
}  # fmt: skip
VARIABLES: dict[str, Any] = {
    "rtcdn_deployment": "event",
    "rtcdn_hosts": {
        "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
        "us1": {"private": "10.0.0.2", "public": "192.0.2.2", "region": "us"},
    },
    "rtcdn_ports": {"nginx": 8443, "registry": 8090, "etcd_client": 8379, "etcd_peer": 8380},
    "rtcdn_brokers": [{"id": "broker-1", "host": "eu1", "api": 8101, "stream": 8102}],
    "rtcdn_gateways": [
        {"id": "1", "host": "eu1", "port": 8201, "prober": 8202},
        {"id": "2", "host": "us1", "port": 8211, "prober": 8212},
    ],
    "rtcdn_nodes": [
        {"id": "eu1-vr1", "kind": "VR", "host": "eu1", "port": 8300, "webrtc": "20000-21999", "rtp": ""},
        {"id": "us1-st1", "kind": "ST", "host": "us1", "port": 8320, "webrtc": "24000-25499", "rtp": "25500-26999"},
    ],
    "rtcdn_public_url": "https://192.0.2.1:8443",
}
FACTS: dict[str, Any] = {
    "system": ["debian", "12"], "systemd": True, "root": True, "cores": 4, "memory_mb": 8000, "disk_mb": 50_000,
    "engine": False, "open_files": 524_288, "own": {"10.0.0.1": True, "192.0.2.1": False}, "names": {},
    "firewall": [], "firewalled": False, "clock_s": NOW_S, "asked_s": NOW_S - 2,
    "ports": {"tcp": {"8379": "listening"}, "udp": {"25500": "listening"}},
}  # fmt: skip
WAY = {"tcp": {"8320": "ok"}, "udp": {"25500": "ok"}, "rtt_ms": 90.2, "offset_s": 0.001, "mtu": 1500}


def sound() -> dict[str, Any]:
    """Two hosts on which nothing is wrong."""
    looked = {"eu1": copy.deepcopy(FACTS), "us1": copy.deepcopy(FACTS)}
    probed = {"eu1": {"us1": copy.deepcopy(WAY)}, "us1": {"eu1": {**copy.deepcopy(WAY), "tcp": {"8379": "ok"}}}}
    return {"variables": VARIABLES, "groups": GROUPS, "looked": looked, "probed": probed}


def with_facts(**facts: Any) -> dict[str, Any]:
    """``sound`` with other facts of us1."""
    made = sound()
    made["looked"]["us1"] |= facts
    return made


def with_way(**way: Any) -> dict[str, Any]:
    """``sound`` with another way from eu1 to us1."""
    made = sound()
    made["probed"]["eu1"]["us1"] |= way
    return made


def test_sound_hosts_have_no_problem_and_a_matrix() -> None:
    """The one that the others break."""
    report = judge(sound(), NOW_S)
    assert report.problems == []
    assert report.paths.splitlines()[0].split() == ["ms", "eu1", "us1"]
    assert "90.2" in report.paths
    assert "path MTU: 1500" in report.paths


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (with_facts(system=["debian", "11"]), "us1: runs debian 11: use Debian 12 or 13"),
        (with_facts(systemd=False), "us1: has no systemd"),
        (with_facts(root=False), "us1: is not entered as root: set ansible_user: root, or ansible_become: true"),
        (with_facts(disk_mb=300), "us1: 300 MB are free for /var/lib/docker"),
        (with_facts(memory_mb=500), "us1: has 500 MB of memory"),
        (with_facts(engine=True, open_files=1024), "us1: the engine that runs may open 1024 files"),
        (with_facts(own={"10.0.0.2": False}), "us1: 10.0.0.2 is none of its addresses"),
        (with_facts(clock_s=NOW_S + 600), "us1: its clock is 602 s ahead of the controller's"),
        (
            with_facts(ports={"tcp": {"8320": "apache2 (process 7)", "8321": "apache2 (process 7)"}, "udp": {}}),
            "us1: port tcp 8320, tcp 8321 is taken by apache2 (process 7): stop it, or choose others",
        ),
        (
            with_facts(ports={"tcp": {"8320": "janus (process 7) of deployment other"}, "udp": {}}),
            "is taken by janus (process 7) of deployment other",
        ),
        (with_facts(names={"eu.example": "Name or service not known"}), "us1: cannot resolve eu.example"),
        (with_way(tcp={"8320": "silent"}), "eu1: to us1 (10.0.0.2), no answer: tcp 8320 (us1-st1): open them for eu1"),
        (with_way(udp={"25500": "silent"}), "eu1: to us1 (10.0.0.2), no answer: udp 25500 (us1-st1, links)"),
        (with_way(tcp={"8320": "wrong host"}), "another host answers: tcp 8320 (us1-st1): 10.0.0.2 leads elsewhere"),
        (
            with_way(tcp={"8320": "silent"}, udp={"25500": "silent"}),
            "eu1: does not reach us1 at 10.0.0.2 on any port: is there a route",
        ),
        (with_way(mtu=1200), "eu1: packets to us1 pass up to 1200 bytes: media need 1280"),
        (with_way(offset_s=-7.0), "eu1: clocks of eu1 and us1 are 7.0 s apart: start a time service"),
    ],
)
def test_each_problem_names_the_host_and_the_cure(given: dict[str, Any], said: str) -> None:
    """One thing wrong, one line."""
    report = judge(given, NOW_S)
    assert any(said in line for line in report.problems), report.problems
    assert len(report.problems) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (with_facts(disk_mb=2000), "2000 MB are free"),
        (with_facts(open_files=20_000), "may open 20000 files"),
        (with_way(mtu=1380), "pass up to 1380 bytes"),
        (with_way(offset_s=0.9), "0.9 s apart"),
        (with_facts(names={"192.0.2.1": ["192.0.2.99"]}), "is that a balancer?"),
    ],
)
def test_what_is_only_unwise_stands_apart(given: dict[str, Any], said: str) -> None:
    """Warnings stop nothing."""
    report = judge(given, NOW_S)
    assert report.problems == []
    assert any(said in line for line in report.warnings), report.warnings


def test_everything_of_all_hosts_is_said_at_once() -> None:
    """A host that cannot be reached hides nothing of the others."""
    given = with_facts(system=["fedora", "40"], disk_mb=10)
    given["looked"]["eu1"] = {"failed": "ssh: connect to host 192.0.2.1 port 22: Connection timed out"}
    report = judge(given, NOW_S)
    assert len(report.problems) == 3
    assert any("eu1: cannot be reached by Ansible (ssh: connect to host" in line for line in report.problems)


def test_an_operator_may_take_a_check_for_a_warning() -> None:
    """And is told when he names one that does not exist."""
    given = with_facts(disk_mb=300)
    given["variables"] = {**VARIABLES, "rtcdn_precheck_ignore": ["disk"]}
    assert judge(given, NOW_S).problems == []
    given["variables"] = {**VARIABLES, "rtcdn_precheck_ignore": ["disks"]}
    assert any("'disks' is no check: use reached" in line for line in judge(given, NOW_S).problems)


def test_a_new_host_is_not_held_against_the_firewall_that_does_not_know_it_yet() -> None:
    """The rules of the deployment are older than the host: this run changes them."""
    given = with_way(tcp={"8320": "silent"}, udp={"25500": "silent"})
    given["looked"]["us1"] |= {"firewalled": True, "firewall": ["192.0.2.77"]}
    report = judge(given, NOW_S)
    assert report.problems == []
    assert any("us1: was not tried from eu1" in line for line in report.warnings)
    given["looked"]["us1"]["firewall"] = ["192.0.2.1"]
    assert judge(given, NOW_S).problems != []


def test_our_own_services_and_the_kernels_tunnel_are_no_strangers() -> None:
    """On a deployment that runs the ports are taken, by itself."""
    taken = {"tcp": {"8320": "ours"}, "udp": {"4789": "held", "7946": "ours"}}
    assert judge(with_facts(engine=True, ports=taken), NOW_S).problems == []


def test_who_needs_which_port_of_whom() -> None:
    """Out of the tables alone; nobody needs a port of his own host."""
    wanted = {(need.source, need.target, need.protocol, need.port) for need in needs(VARIABLES, GROUPS)}
    assert {("us1", "eu1", "tcp", "8379"), ("us1", "eu1", "tcp", "2377"), ("us1", "eu1", "tcp", "8090")} <= wanted
    assert {
        ("eu1", "us1", "tcp", "8320"),
        ("eu1", "us1", "udp", "25500-26999"),
        ("us1", "eu1", "tcp", "8102"),
    } <= wanted
    assert {("eu1", "us1", "tcp", "8212"), ("eu1", "us1", "tcp", "8322"), ("us1", "eu1", "udp", "7946")} <= wanted
    assert ("eu1", "us1", "tcp", "2377") not in wanted
    assert ("us1", "eu1", "tcp", "80") not in wanted
    assert all(source != target for source, target, *_ in wanted)


def test_hosts_of_nginx_in_one_region_ask_each_other_for_challenges() -> None:
    """By the port where an authority asks; it must be free there."""
    hosts = {name: {**row, "region": "eu"} for name, row in VARIABLES["rtcdn_hosts"].items()}
    acme = {"nginx_acme": {"directory": "https://a"}, "rtcdn_ports": {**VARIABLES["rtcdn_ports"], "acme": 80}}
    wanted = {(need.source, need.target, need.port) for need in needs({**VARIABLES, **acme}, GROUPS)}
    assert ("us1", "eu1", "80") not in wanted  # they are in different regions
    wanted = {
        (need.source, need.target, need.port) for need in needs({**VARIABLES, **acme, "rtcdn_hosts": hosts}, GROUPS)
    }
    assert {("us1", "eu1", "80"), ("eu1", "us1", "80")} <= wanted
    assert "80" in own_ports({**VARIABLES, **acme}, GROUPS, "us1")["tcp"]
    assert "80" not in own_ports({**VARIABLES, **acme}, {**GROUPS, "nginx": ["eu1"]}, "us1")["tcp"]


def test_hosts_of_another_network_are_tried_at_their_public_address() -> None:
    """As the services themselves will."""
    hosts = {name: {**row, "network": name} for name, row in VARIABLES["rtcdn_hosts"].items()}
    variables = {**VARIABLES, "rtcdn_hosts": hosts}
    found = {"us1": {"tcp": {"8320": "listening", "8443": "listening"}, "udp": {"25500": "listening", "7946": "ours"}}}
    (target,) = ask_probe(variables, GROUPS, "eu1", found)["targets"]
    assert target["address"] == "192.0.2.2"
    assert target["tcp"] == [{"port": 8320, "listening": True}]
    assert target["udp"] == [25500], "a service of ours does not echo"


def test_one_host_listens_on_nothing() -> None:
    """There is nobody who could come."""
    asked = ask_listen(VARIABLES, {**GROUPS, "all": ["eu1"]}, "eu1", ["eu1"], NOW_S)
    assert asked["seconds"] == 0
    assert "8443" in asked["tcp"]


def test_what_tasks_brought_back_is_read() -> None:
    """An answer, a host that is away, a program that broke."""
    hostvars = {
        "a": {"precheck_looked": {"rc": 0, "stdout": '{"ports": {"tcp": {}}}'}, "precheck_probed": {"skipped": True}},
        "b": {"precheck_looked": {"unreachable": True, "msg": "Failed to connect: timed out"}},
        "c": {"precheck_looked": {"rc": 1, "stdout": "", "stderr": "Traceback\nOSError: no"}},
    }
    found = seen(hostvars, ["a", "b", "c"])
    assert found["looked"]["b"] == {"failed": "Failed to connect: timed out"}
    assert found["looked"]["c"] == {"failed": "OSError: no"}
    assert found["probed"] == {"a": {}} or found["probed"] == {}
    assert list(ports(hostvars, ["a", "b", "c"])) == ["a"]


# ---- certificates

"""The host: packages, limits, and a firewall that lets in what is public and never locks its operator out."""

import pytest

RULES = "/etc/rtcdn/nftables.nft"


def test_packages_are_there(host):
    """What other roles and operators need."""
    for name in ("ca-certificates", "curl", "iproute2", "nftables"):
        assert host.package(name).is_installed


def test_the_engine_may_open_many_files(host):
    """A drop-in of ours, which the engine reads when it starts."""
    for unit in ("docker", "containerd"):
        assert "LimitNOFILE=1048576" in host.file(f"/etc/systemd/system/{unit}.service.d/90-rtcdn.conf").content_string


def test_the_rules_are_loaded_and_come_back_after_a_restart(host):
    """The unit loads what was confirmed."""
    assert "table inet rtcdn" in host.check_output("nft list tables")
    assert host.service("rtcdn-nftables").is_enabled
    host.check_output("nft delete table inet rtcdn")
    host.check_output("systemctl restart rtcdn-nftables")
    assert host.check_output("/etc/rtcdn/firewall state") == "same"


@pytest.mark.parametrize(
    ("protocol", "port", "comes"),
    [
        ("tcp", 8443, True),  # nginx
        ("tcp", 3478, True),  # TURN
        ("tcp", 9100, False),  # anything else
        ("udp", 20001, True),  # WebRTC of a VideoRoom
        ("udp", 3478, True),
        ("udp", 25501, False),  # links into a mountpoint
    ],
)
def test_a_stranger_reaches_what_is_public_and_nothing_else(door, protocol, port, comes):
    """Tried from another machine, with a listener behind every port."""
    assert door.comes(protocol, port) is comes


def test_echo_is_answered_and_answers_come_in(door):
    """ICMP passes (path MTU), and what the host asks others is answered."""
    assert door.neighbour.succeeds("ping", "-c1", "-W2", door.machine.address)
    door.neighbour.run("sh", "-c", "setsid python3 /listener.py listen 7000 > /dev/null 2>&1 &")
    asked = ("python3", "/listener.py", "ask", "udp", door.neighbour.address, "7000")
    door.await_true(lambda: door.machine.succeeds(*asked))
    assert door.machine.succeeds("python3", "/listener.py", "ask", "tcp", door.neighbour.address, "7000")


def test_an_unconfirmed_trial_ends_by_itself(door, machine):
    """Rules that close everything are tried for 10 s: nobody confirms, and what was public is so again."""
    before = machine.run("cat", RULES)
    locked = before.replace("tcp dport { 22 } accept", "").replace("tcp dport { 3478, 5349, 8443 } accept", "")
    assert "8443" not in locked
    try:
        machine.run("sh", "-c", f"cat > {RULES} <<'EOF'\n{locked}\nEOF")
        machine.run("/etc/rtcdn/firewall", "try", "10")
        assert not door.comes("tcp", 8443)
        door.await_true(lambda: door.comes("tcp", 8443), within_s=30.0)
        assert not machine.succeeds("/etc/rtcdn/firewall", "confirm"), "too late to confirm"
        assert machine.run("/etc/rtcdn/firewall", "state") == "differs"
    finally:
        machine.run("sh", "-c", f"cat > {RULES} <<'EOF'\n{before}\nEOF")


def test_a_peer_reaches_everything(door, role):
    """Hosts of the deployment are let in by their address; over ssh, with a fresh connection that confirms."""
    ran = role(host_firewall_policy="closed", host_peers=[door.neighbour.address], host_public_tcp=[8443])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert door.comes("tcp", 9100)
    assert door.comes("udp", 25501)
    assert door.machine.run("/etc/rtcdn/firewall", "state") == "same"
    assert (
        " changed=0 "
        in role(host_firewall_policy="closed", host_peers=[door.neighbour.address], host_public_tcp=[8443]).stdout
    )


def test_rules_that_lock_ansible_out_return_and_say_so(door, role):
    """ssh is said to be on another port: the fresh connection fails, the rules before come back, the run fails."""
    good = {"host_firewall_policy": "closed", "host_public_tcp": [8443]}
    assert role(**good).returncode == 0
    ran = role(**good, host_ssh_ports=[2222])
    assert ran.returncode != 0
    assert "could not be reached by a fresh connection" in ran.stdout, ran.stdout + ran.stderr
    assert "tcp dport 22 accept" in door.machine.run("nft", "list", "table", "inet", "rtcdn")
    again = role(**good)
    assert again.returncode == 0, again.stdout + again.stderr


def test_an_operator_who_would_lock_himself_out_is_refused(door, role):
    """His address is not among host_admin_sources: nothing is loaded, and he is told which address to add."""
    rules = door.machine.run("nft", "list", "table", "inet", "rtcdn")
    ran = role(host_firewall_policy="closed", host_admin_sources=["192.0.2.0/24"])
    assert ran.returncode != 0
    assert "which is not in host_admin_sources" in ran.stdout
    assert door.machine.run("nft", "list", "table", "inet", "rtcdn") == rules


def test_ssh_is_let_in_from_admin_sources_alone(door, role):
    """The controller's address is named, the neighbour's is not."""
    controller = door.machine.run("ip", "-4", "route", "show", "default").split()[2]
    assert door.comes("tcp", 22)
    ran = role(host_firewall_policy="closed", host_admin_sources=[f"{controller}/32"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert not door.comes("tcp", 22)


def test_the_list_of_closed_ports_leaves_the_rest_open(door, role):
    """The policy of a host that serves other things too."""
    ran = role(host_firewall_policy="list", host_closed_udp=["25500-26999"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert door.comes("tcp", 9100)
    assert door.comes("udp", 20001)
    assert not door.comes("udp", 25501)
    assert role(host_firewall_policy="list", host_closed_tcp=["22"]).returncode != 0

"""The host is a manager of a swarm of this deployment, labelled with where it stands."""

import json


def info(host):
    return json.loads(host.check_output("docker info --format '{{json .Swarm}}'"))


def test_the_host_is_a_manager(host):
    """The swarm is active and this host controls it."""
    assert info(host)["LocalNodeState"] == "active"
    assert info(host)["ControlAvailable"] is True


def test_the_swarm_is_marked_as_made_here(host):
    """`down` leaves a swarm only if it bears this mark."""
    assert info(host)["Cluster"]["Spec"]["Labels"]["rtcdn.made"] == "molecule-swarm"


def test_the_node_says_where_it_stands(host):
    """Stacks are placed by these labels."""
    labels = json.loads(host.check_output("docker node inspect self --format '{{json .Spec.Labels}}'"))
    assert labels["rtcdn.host"] == "local"
    assert labels["rtcdn.region"] == "local"


def test_swarm_ports_are_private(host):
    """The manager's port listens on the private address only."""
    assert not host.socket("tcp://0.0.0.0:2377").is_listening
    assert host.socket("tcp://127.0.0.1:2377").is_listening

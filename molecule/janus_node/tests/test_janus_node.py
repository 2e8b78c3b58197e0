"""Each node: a Janus that answers, a collector that reports it, nothing of the package's samples."""

import json

import pytest

from tests.support.parts import container, etcdctl, healthy

NODES = {"local-vr1": ("VR", 8300), "local-ab1": ("AB", 8310), "local-st1": ("ST", 8320), "local-st2": ("ST", 8330)}


@pytest.mark.parametrize("node", NODES)
def test_both_parts_are_healthy(host, node):
    """Janus and its collector."""
    assert healthy(host, f"janus_{node}_janus")
    assert healthy(host, f"janus_{node}_collector")


@pytest.mark.parametrize("node", NODES)
def test_the_node_is_in_the_store(host, node):
    """Its collector has written who it is, with the version of Janus."""
    kind, _ = NODES[node]
    found = etcdctl(host, "broker", "get", "--print-value-only", f"JN:{node}", ";", "etcdctl", "version").stdout
    assert kind in found.split()
    labels = etcdctl(host, "broker", "get", "--print-value-only", f"{kind}:{node}:LABELS").stdout
    version = tuple(int(part) for part in json.loads(labels)["version"].split("."))
    assert version >= (1, 4, 1)


@pytest.mark.parametrize("node", NODES)
def test_nothing_of_the_samples_is_left(host, node):
    """One plugin and the configuration files that we wrote."""
    listed = host.check_output(f"docker exec {container(host, f'janus_{node}_janus')} ls /etc/janus").split()
    plugin = {"VR": "videoroom", "AB": "audiobridge", "ST": "streaming"}[NODES[node][0]]
    assert set(listed) == {
        *("janus.jcfg", "janus.transport.websockets.jcfg", "janus.transport.http.jcfg"),
        *("janus.eventhandler.wsevh.jcfg", f"janus.plugin.{plugin}.jcfg"),
    }


@pytest.mark.parametrize("node", NODES)
def test_its_doors_are_private(host, node):
    """WebSocket, REST and Admin listen on loopback here, nowhere else."""
    port = NODES[node][1]
    for each in (port, port + 1, port + 2):
        assert host.socket(f"tcp://127.0.0.1:{each}").is_listening
        assert not host.socket(f"tcp://0.0.0.0:{each}").is_listening


@pytest.mark.parametrize("node", NODES)
def test_its_admin_door_wants_the_secret(host, node):
    """Without the admin secret the Admin API lists nothing."""
    body = '{"janus":"list_sessions","transaction":"t","admin_secret":"guess"}'
    answer = host.check_output(f"curl -fsS -d '{body}' http://127.0.0.1:{NODES[node][1] + 2}/admin")
    assert json.loads(answer)["error"]["code"] == 403

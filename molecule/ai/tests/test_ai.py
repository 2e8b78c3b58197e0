"""The echo module runs, is in the store, and answers those who know its secret."""

import json

from tests.support.parts import etcdctl, healthy


def test_it_is_healthy(host):
    """Its API answers."""
    assert healthy(host, "ai_local-ai1_module")


def test_it_is_in_the_store(host):
    """It has written what it is and where its API is."""
    assert etcdctl(host, "broker", "get", "--print-value-only", "JN:local-ai1").stdout.strip() == "AI"
    labels = json.loads(etcdctl(host, "broker", "get", "--print-value-only", "AI:local-ai1:LABELS").stdout)
    assert labels["rest"] == "http://127.0.0.1:8340"


def test_its_door_is_private_and_wants_the_secret(host):
    """It listens on loopback here, and tells strangers nothing."""
    assert host.socket("tcp://127.0.0.1:8340").is_listening
    assert not host.socket("tcp://0.0.0.0:8340").is_listening
    status = host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8340/taps")
    assert status == "401"

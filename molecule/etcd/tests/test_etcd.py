"""The store answers to certificates of the deployment, and each user writes only his own keys."""

import pytest

from tests.support.parts import etcdctl


def test_it_is_healthy(host):
    """As root, by mutual TLS."""
    assert "is healthy" in etcdctl(host, "root", "endpoint", "health").stdout


def test_no_certificate_no_answer(host):
    """A client without a certificate is refused."""
    assert host.run("curl -sk https://127.0.0.1:8379/health").rc != 0


def test_the_broker_writes_everywhere(host):
    """It writes the intent and reads all."""
    assert etcdctl(host, "broker", "put", "SS:molecule", "{}").rc == 0
    assert etcdctl(host, "broker", "del", "SS:molecule").rc == 0


@pytest.mark.parametrize("key", ["JN:local-st1", "ST:local-st1:CPU", "AT:local:local-st1"])
def test_a_collector_writes_its_own_keys(host, key):
    """What its node reports."""
    assert etcdctl(host, "collector-local-st1", "put", key, "1").rc == 0
    assert etcdctl(host, "collector-local-st1", "del", key).rc == 0


@pytest.mark.parametrize("key", ["JN:local-vr1", "ST:local-st2:CPU", "AT:local:local-st2", "SS:demo", "LD:"])
def test_a_collector_writes_no_other_keys(host, key):
    """Neither of another node nor of the broker."""
    refused = etcdctl(host, "collector-local-st1", "put", key, "1")
    assert refused.rc != 0
    assert "permission denied" in refused.stderr


def test_a_collector_reads_where_others_are_and_no_more(host):
    """To measure the way there."""
    assert etcdctl(host, "collector-local-st1", "get", "--prefix", "AT:").rc == 0
    assert etcdctl(host, "collector-local-st1", "get", "--prefix", "ST:").rc != 0


def test_a_gateway_writes_its_presentation_only(host):
    """Writes GW:<id> and nothing else; reads what other gateways present, to find them."""
    assert etcdctl(host, "gateway-1", "put", "GW:1", "{}").rc == 0
    assert etcdctl(host, "gateway-1", "del", "GW:1").rc == 0
    assert etcdctl(host, "gateway-1", "put", "GW:2", "{}").rc != 0
    assert etcdctl(host, "gateway-1", "get", "--prefix", "GW:").rc == 0
    assert etcdctl(host, "gateway-1", "get", "--prefix", "JN:").rc != 0

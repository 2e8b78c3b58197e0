"""Two replicas with one leader, on mutual TLS."""

import json

from tests.support.parts import curl, healthy

REPLICAS = {"broker-1": 8101, "broker-2": 8111}


def status(host, name, path):
    url = f"https://127.0.0.1:{REPLICAS[name]}{path}"
    return curl(host, f"broker_{name}", url, "-o", "/dev/null", "-w", "'%{http_code}'", "--no-fail")


def test_both_replicas_are_healthy(host):
    """As their own health checks say."""
    assert [name for name in REPLICAS if not healthy(host, f"broker_{name}")] == []


def test_one_of_them_leads(host):
    """Exactly one says that it does, and both name the same."""
    told = [json.loads(curl(host, f"broker_{name}", f"https://127.0.0.1:{REPLICAS[name]}/leader")) for name in REPLICAS]
    assert sorted(each["here"] for each in told) == [False, True]
    assert told[0]["leader"]["broker"] == told[1]["leader"]["broker"]


def test_both_know_the_nodes(host):
    """Their maps are ready."""
    assert [status(host, name, "/readyz") for name in REPLICAS] == ["200", "200"]


def test_a_stranger_is_not_even_heard(host):
    """Without a certificate of the deployment there is no TLS connection."""
    assert host.run("curl -sk https://127.0.0.1:8101/healthz").rc != 0


def test_it_serves_its_openapi_document(host):
    """With the calls of sessions in it."""
    document = json.loads(curl(host, "broker_broker-1", "https://127.0.0.1:8101/openapi.json"))
    assert any(path.startswith("/v1/sessions") for path in document["paths"])

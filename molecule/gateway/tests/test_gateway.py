"""Two gateways, present in the store, behind nginx only."""

import json

from tests.support.parts import curl, etcdctl, healthy

GATEWAYS = {"1": 8201, "2": 8211}


def test_both_are_healthy(host):
    """As their own health checks say."""
    assert [name for name in GATEWAYS if not healthy(host, f"gateway_gateway-{name}")] == []


def test_each_presents_itself(host):
    """GW:<id> stands in the store."""
    for name in GATEWAYS:
        assert (
            json.loads(etcdctl(host, "broker", "get", "--print-value-only", f"GW:{name}").stdout)["region"] == "local"
        )


def test_they_listen_on_the_private_address(host):
    """The plain HTTP listener is for nginx."""
    for port in GATEWAYS.values():
        assert not host.socket(f"tcp://0.0.0.0:{port}").is_listening
        assert host.socket(f"tcp://127.0.0.1:{port}").is_listening


def test_a_join_without_a_token_is_refused(host):
    """With a problem document."""
    url = "http://127.0.0.1:8201/whep/demo"
    words = ("-X", "POST", "-H", "'Content-Type: application/sdp'", "-d", "v=0", "--no-fail")
    assert json.loads(curl(host, "gateway_gateway-1", url, *words))["status"] == 401

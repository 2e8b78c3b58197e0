"""At which address each part of a deployment is told the others, as the templates of the roles say it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.rendered import ROOT, render

GROUPS = {"etcd": ["eu1", "us1"]}
ONE = {
    "eu1": {"private": "10.0.0.1", "public": "203.0.113.1", "region": "eu"},
    "us1": {"private": "10.0.0.2", "public": "203.0.113.2", "region": "us"},
}
TWO = {"eu1": ONE["eu1"], "us1": {**ONE["us1"], "private": "10.0.0.1", "network": "far"}}
NODE = {"id": "us1-st1", "kind": "ST", "host": "us1", "port": 8320, "rtp": "25000-25999"}
TEMPLATES = [f"roles/{role}/templates/services.yml.j2" for role in ("ai", "broker", "etcd", "gateway", "janus_node")]
TEMPLATES += ["roles/nginx/templates/services.yml.j2", "roles/registry/templates/config.yml.j2"]


def variables(hosts: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What an inventory of these hosts gives the templates, as far as addresses are concerned."""
    brokers = [{"id": f"broker-{name}", "host": name, "api": 8101, "stream": 8102} for name in hosts]
    gateways = [{"id": name, "host": name, "port": 8201, "prober": 8202} for name in hosts]
    etcd = {"rtcdn_hosts": hosts, "etcd_hosts": GROUPS["etcd"], "etcd_peer_port": 8380}
    return {
        "groups": GROUPS,
        "rtcdn_hosts": hosts,
        "rtcdn_nodes": [NODE],
        "rtcdn_etcd_addresses": ",".join(f"{hosts[name]['private']}:8379" for name in GROUPS["etcd"]),
        "rtcdn_templates": str(ROOT / "templates"),
        **dict.fromkeys(("rtcdn_brokers", "broker_replicas"), brokers),
        **dict.fromkeys(("rtcdn_gateways", "gateway_gateways"), gateways),
        **etcd,
        "etcd_client_port": 8379,
        "__etcd_members": GROUPS["etcd"],
        "__etcd_record": {},
        "__etcd_first": {"cluster": render("roles/etcd/templates/cluster.j2", etcd).strip(), "state": "new"},
        "nginx_hosts": list(hosts),
        "nginx_host": "eu1",
        "nginx_entries": {"eu": "https://203.0.113.1:8443"},
        "registry_host": "eu1",
        "registry_address": hosts["eu1"]["private"],
        "registry_name": "registry.rtcdn.internal:8090",
        "broker_issuers": [],
        "gateway_issuers": [],
        "ai_row": NODE,
        "__ai_address": hosts["us1"],
        "janus_node": NODE,
        "__janus_node_address": hosts["us1"],
        "__janus_node_plugin": {"ST": "streaming"},
        "__janus_node_settings": {"bind_ip": "10.0.0.2", "kind": "ST", "ws_port": 8320, "rest_port": 8321},
    }


@pytest.mark.parametrize("path", TEMPLATES)
def test_one_network_is_told_private_addresses_alone(path: str) -> None:
    """To the byte as if nobody had ever heard of networks."""
    private = {
        "rtcdn_reach": lambda hosts, _, there: hosts[there]["private"],
        "rtcdn_meet": lambda hosts, there, *_: hosts[there]["private"],
        "rtcdn_listen": lambda hosts, host: hosts[host]["private"],
        "rtcdn_seen_from": lambda text, *_: text,
    }
    told = render(path, variables(ONE))
    assert "10.0.0." in told
    assert "0.0.0.0" not in told.replace("listen 0.0.0.0", "")
    assert told == render(path, variables(ONE), **private)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("broker", 'RTCDN_ETCD: "10.0.0.1:8379,203.0.113.2:8379"'),
        ("broker", 'RTCDN_ETCD: "203.0.113.1:8379,10.0.0.1:8379"'),
        ("broker", 'RTCDN_API_LISTEN: "0.0.0.0:8101"'),
        ("broker", 'RTCDN_API_URL: "https://203.0.113.2:8101"'),
        ("broker", 'RTCDN_PROBERS: "eu=https://10.0.0.1:8202,us=https://203.0.113.2:8202"'),
        ("gateway", "RTCDN_BROKERS: https://203.0.113.1:8101,https://10.0.0.1:8101"),
        ("gateway", 'RTCDN_PEER_ADDRESS: "203.0.113.1:8201"'),
        ("gateway", 'RTCDN_LISTEN: "0.0.0.0:8201"'),
        ("etcd", "--initial-cluster=eu1=https://203.0.113.1:8380,us1=https://203.0.113.2:8380"),
        ("etcd", "--listen-peer-urls=https://0.0.0.0:8380"),
        ("janus_node", 'RTCDN_ETCD: "203.0.113.1:8379,10.0.0.1:8379"'),
        ("janus_node", 'RTCDN_JANUS_ADDRESS: "10.0.0.1:8320"'),
        ("janus_node", "RTCDN_LINKS: srtp"),
        ("janus_node", "RTCDN_NETWORK: far"),
        ("janus_node", 'RTCDN_MEDIA_LISTEN: "0.0.0.0"'),
        ("broker", "RTCDN_NETWORK: far"),
        ("gateway", "RTCDN_NETWORK: far"),
        ("ai", "RTCDN_NETWORK: far"),
        ("ai", 'RTCDN_ETCD: "203.0.113.1:8379,10.0.0.1:8379"'),
        ("nginx", "server 203.0.113.2:8201"),
    ],
)
def test_another_network_is_told_the_public_address(path: str, said: str) -> None:
    """Each part what it reaches; what all are told alike, what all of them reach. Private addresses may be the same."""
    assert said in render(f"roles/{path}/templates/services.yml.j2", variables(TWO))

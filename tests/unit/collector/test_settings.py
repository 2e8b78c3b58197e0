"""Settings of the collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.settings import load
from rtcdn.errors import ConfigError
from rtcdn.model import Capacity, Kind


def environment(folder: Path) -> dict[str, str]:
    for name in ("ca", "cert", "key"):
        (folder / name).touch()
    return {
        "RTCDN_ETCD": "127.0.0.1:8379",
        "RTCDN_TLS_CA": str(folder / "ca"),
        "RTCDN_TLS_CERT": str(folder / "cert"),
        "RTCDN_TLS_KEY": str(folder / "key"),
        "RTCDN_SECRETS_DIR": str(folder),
        "RTCDN_NODE_ID": "local-st1",
        "RTCDN_NODE_KIND": "ST",
        "RTCDN_NODE_REGION": "local",
        "RTCDN_JANUS_ADDRESS": "127.0.0.1:8320",
        "RTCDN_JANUS_ADMIN_URL": "http://127.0.0.1:8322/admin",
        "RTCDN_JANUS_REST_URL": "http://127.0.0.1:8321/janus",
        "RTCDN_MEDIA_IP": "127.0.0.1",
        "RTCDN_EVENTS_LISTEN": "127.0.0.1:8323",
        "RTCDN_HEALTH_LISTEN": "127.0.0.1:8324",
        "RTCDN_CAPACITY": '{"handles": 50}',
    }


def test_a_full_environment_is_read(tmp_path: Path) -> None:
    """Numbers have the defaults of docs/seams.md."""
    settings = load(environment(tmp_path))
    assert (settings.node.kind, settings.node.address) == (Kind.ST, "127.0.0.1:8320")
    assert settings.node.capacity == Capacity(handles=50)
    assert (settings.lease_s, settings.report_s, settings.sweep_s) == (5, 1.0, 10.0)


def test_links_are_encrypted_unless_told_otherwise(tmp_path: Path) -> None:
    """So is a node that nobody told of a network in the one of all; anything else than two words is refused."""
    node = load(environment(tmp_path)).node
    assert (node.network, node.links, node.listen) == ("default", "srtp", "")
    more = {"RTCDN_NETWORK": "far", "RTCDN_LINKS": "plain", "RTCDN_MEDIA_LISTEN": "0.0.0.0"}
    node = load(environment(tmp_path) | more).node
    assert (node.network, node.links, node.listen) == ("far", "plain", "0.0.0.0")
    with pytest.raises(ConfigError, match="RTCDN_LINKS"):
        load(environment(tmp_path) | {"RTCDN_LINKS": "sometimes"})


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Each names its setting."""
    wrong = environment(tmp_path) | {"RTCDN_NODE_KIND": "XX", "RTCDN_JANUS_ADDRESS": "here", "RTCDN_LEASE_S": "0"}
    del wrong["RTCDN_NODE_ID"]
    with pytest.raises(ConfigError) as told:
        load(wrong)
    names = {problem.split(":")[0] for problem in told.value.problems}
    assert names == {"RTCDN_NODE_KIND", "RTCDN_JANUS_ADDRESS", "RTCDN_LEASE_S", "RTCDN_NODE_ID"}

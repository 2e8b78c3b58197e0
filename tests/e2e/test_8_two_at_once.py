"""A second deployment comes and goes while the first one runs; `down` leaves nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import site as sites
from tests.support.site import Site


@pytest.fixture(scope="module")
def second(deployment: Site, net: str) -> Iterator[Site]:
    """Another deployment, on another host of the same network."""
    made = sites.start(f"{net}-second", net)
    try:
        made.up()
        yield made
    finally:
        made.remove()


def running(site: Site) -> list[str]:
    return sorted(site.docker("ps", "--quiet", "--no-trunc").split())


@pytest.fixture(scope="module")
def first_before(deployment: Site) -> list[str]:
    """What the first deployment ran before the second one came."""
    return running(deployment)


@pytest.mark.timeout(sites.UP_LIMIT_S + 300)
def test_two_deployments_do_not_touch_each_other(deployment: Site, first_before: list[str], second: Site) -> None:
    """Each has its own sessions, nodes and secrets; the first one's containers are the same as before."""
    second.open("only-here")
    assert running(deployment) == first_before
    names = {each["id"] for each in deployment.call("GET", "/v1/sessions")["sessions"]}
    assert "only-here" not in names
    assert {node["id"] for node in second.call("GET", "/v1/nodes")["nodes"] if not node.get("silent")} == {
        *("local-vr1", "local-ab1", "local-st1", "local-st2"),
    }
    ours = (deployment.state() / "secrets" / "token_key.pem").read_text(encoding="utf-8")
    theirs = (second.state() / "secrets" / "token_key.pem").read_text(encoding="utf-8")
    assert ours != theirs


def test_down_leaves_nothing(deployment: Site, first_before: list[str], second: Site) -> None:
    """After `down` no container, network, volume, rule or file is there; the engine is, and so is the first one."""
    second.rtcdn("down", "--yes", timeout_s=300)
    assert second.docker("ps", "--all", "--quiet") == ""
    assert second.docker("volume", "ls", "--quiet") == ""
    assert second.docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    networks = set(second.docker("network", "ls", "--format", "{{.Name}}").split())
    assert networks == {"bridge", "host", "none"}
    assert "table inet rtcdn" not in second.host.run("nft", "list", "tables")
    for path in ("/var/lib/rtcdn/local", "/opt/rtcdn/local"):
        assert not second.host.succeeds("test", "-e", path), f"{path} is still there"
    assert running(deployment) == first_before

"""`up` from nothing: what a newcomer sees, and what a second run does."""

from __future__ import annotations

import json

from tests.support.engine import wait_for
from tests.support.site import Site


def test_up_ends_with_addresses_and_links(deployment: Site) -> None:
    """The last lines say where the page is and how to publish and watch."""
    assert f"https://{deployment.host.address}:8443" in deployment.up_output
    for words in ("/#session=demo&token=", "/whep/demo", "session open", "/var/lib/rtcdn/local/secrets"):
        assert words in deployment.up_output, f"up does not say {words}"


def test_nodes_of_the_three_kinds_are_ready(deployment: Site) -> None:
    """One VideoRoom, one AudioBridge and two Streaming nodes report."""
    with deployment.operator() as operator:
        _, answer = operator.call("GET", "/v1/nodes")
    assert sorted(node["kind"] for node in answer["nodes"]) == ["AB", "ST", "ST", "VR"]


def test_the_demo_is_flowing(deployment: Site) -> None:
    """The synthetic speaker is on stage when `up` ends: the mix and the first slot bring packets."""
    demo = next(each for each in json.loads(deployment.rtcdn("status", "--json"))["sessions"] if each["id"] == "demo")
    assert demo["codec"] == "vp8"
    assert demo["speakers"] == ["demo-speaker"]
    assert [sorted(media) for media in demo["flowing"].values()] == [["a", "v1"]]


def test_status_is_for_people_and_for_programs(deployment: Site) -> None:
    """One screen, and the same as JSON."""
    assert "local-vr1" in deployment.rtcdn("status")
    told = json.loads(deployment.rtcdn("status", "--json"))
    assert "local-vr1" in json.dumps(told)


def test_a_second_up_changes_nothing(deployment: Site) -> None:
    """No task of the playbook changes anything, no container is made again, and it is quick."""
    before = deployment.docker("ps", "--quiet", "--no-trunc")
    again = deployment.up()
    assert sorted(deployment.docker("ps", "--quiet", "--no-trunc").split()) == sorted(before.split())
    assert "nothing changed" in again, again[-3000:]


def test_every_container_is_healthy(deployment: Site) -> None:
    """Each service has a health check and passes it."""

    def healthy() -> bool:
        lines = deployment.docker("ps", "--format", "{{.Names}} {{.Status}}").splitlines()
        return len(lines) >= 10 and all("(healthy)" in line for line in lines)

    wait_for(healthy, "every container healthy", timeout_s=60, every_s=1)

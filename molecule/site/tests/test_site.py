"""The whole site: every service healthy, the page and the API behind one door. `verify.yml` has seen the demo flow."""

import json

SERVICES = {
    "etcd_local",
    *(
        f"janus_{node}_{part}"
        for node in ("local-vr1", "local-ab1", "local-st1", "local-st2")
        for part in ("janus", "collector")
    ),
    *(
        "broker_broker-1",
        "broker_broker-2",
        "gateway_gateway-1",
        "gateway_gateway-2",
        "gateway_prober-1",
        "nginx_local",
        "speaker_speaker",
    ),
}


def test_every_service_is_there(host):
    """One Swarm service per part."""
    assert set(host.check_output("docker service ls --format '{{.Name}}'").split()) == SERVICES


def test_every_container_is_healthy(host):
    """Each service has a health check and passes it."""
    lines = host.check_output(
        "docker ps --filter label=com.docker.swarm.service.name --format '{{.Names}} {{.Status}}'"
    )
    assert len(lines.splitlines()) == len(SERVICES)
    assert [line for line in lines.splitlines() if "(healthy)" not in line] == []


def test_the_page_is_served(host):
    """nginx answers by https with the page."""
    assert "<title>rtcdn</title>" in host.check_output("curl -fsSk https://127.0.0.1:8443/")


def test_a_stranger_may_not_ask(host):
    """The API wants a token, and says so as a problem document."""
    answer = host.check_output("curl -sSk https://127.0.0.1:8443/v1/nodes")
    assert json.loads(answer)["status"] == 401

"""A TURN server: real allocations by every way, credentials that end, and no relaying but to the nodes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.engine import wait_for
from tests.support.parts import container, healthy
from tests.support.turn import Credential, Relay, Server, echo

STATE = Path("/var/lib/rtcdn") / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}"
SERVICE = "turn_turn-1"
FOLDER = f"/opt/rtcdn/molecule-{os.environ['MOLECULE_SCENARIO_NAME']}/turn/turn-1"
PEER = 20000
WAYS = {"udp": 3478, "tcp": 3478, "tls": 443}


@pytest.fixture(scope="module")
def address(host):
    return host.ansible.get_variables()["host_container_address"]


@pytest.fixture(scope="module")
def secret():
    return json.loads((STATE / "secrets" / "turn.json").read_text(encoding="utf-8"))["secrets"][0]


@pytest.fixture(scope="module")
def peer(host, address):
    """One that echoes where a node's WebRTC would be."""
    image = host.check_output(f"docker inspect --format '{{{{.Config.Image}}}}' {container(host, SERVICE)}")
    command = f"docker run --rm --detach --network host {image} turnutils_peer -L {address} -p {PEER}"
    running = host.check_output(command)
    yield (address, PEER)
    host.check_output(f"docker rm -f {running}")


def server(address, way="udp"):
    return Server(address, WAYS[way], way, str(STATE / "pki" / "ca.crt"))


def test_it_is_healthy(host):
    """It answers STUN, as its own health check asks."""
    assert healthy(host, SERVICE)


@pytest.mark.parametrize("way", WAYS)
def test_a_fresh_credential_is_relayed(address, secret, peer, way):
    """By UDP, by TCP, and by TLS on 443 with the deployment's certificate."""
    assert server(address, way).asked(Credential.of(secret), peer) == "heard"


def test_others_are_refused(address, secret, peer):
    """A credential that has ended, and one made with another secret."""
    assert server(address).asked(Credential.of(secret, ttl_s=-1), peer) == "allocate 401"
    assert server(address).asked(Credential.of("guessed"), peer) == "allocate 401"


def test_it_relays_to_nodes_alone(address, secret):
    """Not to the network around it, and not to its own loopback."""
    gateway = address.rpartition(".")[0] + ".1"
    with echo(gateway) as port:
        for peer in ((gateway, port), ("127.0.0.1", PEER), ("8.8.8.8", 53), ("169.254.169.254", 80)):
            assert server(address).asked(Credential.of(secret), peer) == "channel-bind 403", peer


def test_it_relays_to_webrtc_alone(host, address, secret, peer):
    """Not to other ports of a node's host, such as those of links: the host's firewall drops that."""
    image = host.check_output(f"docker inspect --format '{{{{.Config.Image}}}}' {container(host, SERVICE)}")
    other = host.check_output(f"docker run --rm --detach --network host {image} turnutils_peer -L {address} -p 25600")
    try:
        assert server(address).asked(Credential.of(secret), (address, 25600)) == "silence"
    finally:
        host.check_output(f"docker rm -f {other}")
    assert server(address).asked(Credential.of(secret), peer) == "heard"


def test_a_rotation_cuts_nobody(host, address, secret, peer):
    """A new secret is taken while it runs, the old one beside it, and then no more; who is relayed goes on."""

    def write(*secrets):
        host.check_output(f"printf '%s\\n' {' '.join(secrets)} > {FOLDER}/secrets")

    before = container(host, SERVICE)
    with Relay(server(address), Credential.of(secret)) as held:
        assert (held.allocate(), held.speak(peer)) == ("", "heard")
        write("rotated", secret)
        wait_for(lambda: server(address).asked(Credential.of("rotated"), peer) == "heard", "the new secret", 15, 0.5)
        assert server(address).asked(Credential.of(secret), peer) == "heard"
        write("rotated")
        wait_for(lambda: server(address).asked(Credential.of(secret), peer) == "allocate 401", "its end", 15, 0.5)
        assert (held.refresh(), held.speak(peer)) == ("", "heard")
    write(secret)
    wait_for(lambda: server(address).asked(Credential.of(secret), peer) == "heard", "the secret again", 15, 0.5)
    assert container(host, SERVICE) == before


def test_a_new_certificate_cuts_nobody(host, address, secret, peer):
    """Another certificate is shown to who comes now; who is relayed by TLS goes on."""
    before = server(address, "tls").certificate()
    with Relay(server(address, "tls"), Credential.of(secret)) as held:
        assert (held.allocate(), held.speak(peer)) == ("", "heard")
        pem = STATE / "pki"
        name = host.check_output("hostname")
        for suffix in ("key", "crt"):  # the key first, as the role does
            subprocess.run(
                ["docker", "exec", "-i", name, "sh", "-c", f"cat > {FOLDER}/tls.{suffix}"],
                input=(pem / f"ops.{suffix}").read_bytes(),
                check=True,
            )
        wait_for(lambda: server(address, "tls").certificate() != before, "the new certificate", 15, 0.5)
        assert (held.refresh(), held.speak(peer)) == ("", "heard")


def test_secrets_are_for_it_alone(host):
    """On the host they are readable for root and the server, and no process has one as an argument."""
    assert host.file(FOLDER).mode == 0o750
    assert host.file(f"{FOLDER}/secrets").mode == 0o440
    assert json.loads((STATE / "secrets" / "turn.json").read_text(encoding="utf-8"))["secrets"][
        0
    ] not in host.check_output("cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '")

"""The door with a certificate by ACME: got, renewed while a WebSocket is open, and what is shown without one."""

import json
import os
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from rtcdn import tls
from tests.support.engine import wait_for
from tests.support.parts import container, healthy
from tests.unit.roles.rendered import render

STATE = Path("/var/lib/rtcdn") / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}"
NAME = "event.example"
CHALLENGE = "/.well-known/acme-challenge"
# Stands for a gateway: takes a WebSocket and says everything again.
GATEWAY = """
import asyncio
async def serve(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n")
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()
async def main():
    await (await asyncio.start_server(serve, "127.0.0.1", 8201)).serve_forever()
asyncio.run(main())
"""


def log(host):
    """What the client of ACME that runs has said."""
    said = host.run(f"docker logs {container(host, 'nginx_acme-local')}")
    return said.stdout + said.stderr


def connect(host, context):
    """A TLS connection to the entry, from outside."""
    address = host.check_output("ip -4 -o addr show eth0").split()[3].partition("/")[0]
    return context.wrap_socket(socket.create_connection((address, 443), timeout=10), server_hostname=NAME)


def shown(host):
    """The certificate that a new handshake is shown; none while nothing listens."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with connect(host, context) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
    except OSError:
        return None


def is_by_acme(certificate):
    """Is it of the test server?"""
    return certificate is not None and "Pebble" in certificate.issuer.rfc4514_string()


def by_acme(host, within_s=60):
    """Wait for a certificate by ACME; fails with the client's log."""
    try:
        return wait_for(lambda: is_by_acme(found := shown(host)) and found, "one by ACME is shown", within_s, 0.5)
    except AssertionError:
        pytest.fail(log(host))


def test_both_are_healthy(host):
    """As their own health checks say."""
    for name in ("nginx_local", "nginx_acme-local"):
        wait_for(lambda name=name: healthy(host, name), f"{name} is healthy", 60, 0.5)


def test_the_certificate_is_by_acme_and_names_the_entry(host):
    """It alone; an ordinary user has port 80."""
    certificate = by_acme(host)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME]
    assert f'names="{NAME}"' in log(host)
    assert host.check_output(f"docker exec {container(host, 'nginx_local')} id -u") == "10001"


def test_operators_trust_it(host):
    """As the deployment was noted: what the authority signs, and the deployment's own CA until then."""
    by_acme(host)
    told = json.loads((STATE / "deployment.json").read_text(encoding="utf-8"))
    assert (told["url"], told["ca"]) == (f"https://{NAME}", str(STATE / "pki/ca.crt"))
    assert told["also"] == ["system", str(STATE / "acme/ca.pem")]
    with connect(host, tls.trusting([told["ca"], *told["also"]])) as connection:
        assert connection.version() == "TLSv1.3"


def test_port_80_leads_to_https_and_knows_no_other_challenge(host):
    """Whatever is asked for."""
    told = host.check_output(f"curl -sS -o /dev/null -w '%{{http_code}} %{{redirect_url}}' 'http://{NAME}/a?b=c'")
    assert told == f"301 https://{NAME}/a?b=c"
    assert host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' http://{NAME}{CHALLENGE}/none") == "404"


def test_a_socket_outlives_a_renewal(host):
    """It is open before and after; a new handshake is shown another certificate; nobody was restarted."""
    before, nginx = by_acme(host), container(host, "nginx_local")
    host.check_output(f"cat > /root/gateway.py <<'PY'{GATEWAY}PY")
    host.run("systemctl reset-failed standin")
    host.check_output("systemd-run --unit standin /usr/bin/python3 /root/gateway.py")
    host.check_output("timeout 20 sh -c 'until ss -ltn | grep -q :8201; do sleep 0.1; done'")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with connect(host, context) as connection:
            head = f"GET /ws?c=1 HTTP/1.1\r\nHost: {NAME}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 101")
            host.check_output(f"docker exec {container(host, 'nginx_acme-local')} run-acme now")
            wait_for(
                lambda: (now := shown(host)) and now.serial_number != before.serial_number, "a renewed one", 60, 0.5
            )
            connection.sendall(b"still here")
            assert connection.recv(1000) == b"still here"
    finally:
        host.run("systemctl stop standin")
    assert container(host, "nginx_local") == nginx
    assert is_by_acme(shown(host))


def test_without_an_authority_the_own_one_is_shown_and_the_log_names_the_cure(host):
    """From nothing at all; and with the authority back the client gets one by itself."""
    services = "nginx_local nginx_acme-local"
    host.check_output("nft add table inet away")
    host.check_output("nft 'add chain inet away input { type filter hook input priority -200; }'")
    host.check_output("nft add rule inet away input tcp dport 14000 reject with tcp reset")
    try:
        host.check_output(f"docker service scale {' '.join(f'{name}=0' for name in services.split())}")
        host.check_output("timeout 60 sh -c 'until docker volume rm nginx_acme; do sleep 0.5; done'")
        host.check_output(f"docker service scale {' '.join(f'{name}=1' for name in services.split())}")
        own = x509.load_pem_x509_certificate((STATE / "pki/nginx.crt").read_bytes())
        wait_for(lambda: shown(host) == own, "the deployment's own certificate is shown", 60, 0.5)
        wait_for(lambda: 'cure="do the names lead to' in log(host), "the log names the cure", 60, 0.5)
        assert healthy(host, "nginx_acme-local")
        assert shown(host) == own
    finally:
        host.check_output("nft delete table inet away")
    by_acme(host, 180)  # it waits twice as long after each failure


def test_no_key_is_in_the_log(host):
    """Nor any other part of what certbot keeps."""
    said = log(host)
    assert "acme shows serial=" in said
    assert "PRIVATE" not in said
    assert "eyJ" not in said  # signed calls


def test_a_challenge_is_found_at_another_nginx_of_the_region(host):
    """By the configuration of a region with three: one of them away, one that does not know."""
    hosts = {f"eu{n}": {"private": f"127.0.0.{n}", "public": f"127.0.0.{n}", "region": "eu"} for n in (2, 3, 4)}
    variables = {
        "rtcdn_hosts": hosts, "nginx_hosts": list(hosts), "nginx_entries": {"eu": f"https://{NAME}"},
        "__nginx_acme_names": {"eu": [NAME]}, "nginx_acme_port": 8081, "nginx_port": 8444, "nginx_connections": 50,
        "rtcdn_gateways": [{"id": "1", "host": "eu2", "port": 8201}],
        "rtcdn_brokers": [{"id": "1", "host": "eu2", "api": 8101}],
        **dict.fromkeys(("nginx_join_rate", "nginx_api_rate", "nginx_join_burst", "nginx_api_burst"), 50),
        **dict.fromkeys(("nginx_sockets", "nginx_join_body_kb", "nginx_api_body_kb", "nginx_socket_idle_s"), 50),
    }  # fmt: skip
    script = "set -e\n"
    for name in ("eu2", "eu3"):
        listen = {"nginx_host": name, "nginx_listen": hosts[name]["private"]}
        conf = render("templates/nginx/nginx.conf.j2", {**variables, **listen})
        conf = conf.replace("/var/lib/acme", f"/tmp/{name}").replace("/tmp/nginx.pid", f"/tmp/{name}.pid")
        script += f"cat > /tmp/{name}.conf <<'CONF'\n{conf}\nCONF\nnginx -e stderr -c /tmp/{name}.conf\n"
    script += f"mkdir -p /tmp/eu3/webroot{CHALLENGE} && echo answer > /tmp/eu3/webroot{CHALLENGE}/token\n"
    script += f"curl -sS http://127.0.0.2:8081{CHALLENGE}/token\n" * 2
    script += f"curl -sS -o /dev/null -w '%{{http_code}}' http://127.0.0.2:8081{CHALLENGE}/none\n"
    folder = "/run/secrets"
    mounts = f"-v {folder}:{folder}:ro"
    image = host.check_output(f"docker inspect --format '{{{{.Config.Image}}}}' {container(host, 'nginx_local')}")
    host.check_output(f"mkdir -p {folder} && cp /etc/pebble/tls.crt /etc/pebble/tls.key {folder}")
    host.check_output(f"cd {folder} && cp tls.crt ca.crt && chmod 0644 *")
    run = f"docker run --rm -i --network none --tmpfs /tmp:mode=1777 {mounts} {image} sh"
    said = host.check_output(f"{run} <<'SCRIPT'\n{script}SCRIPT").splitlines()
    *found, unknown = [line for line in said if not line.startswith("{")]  # the rest is nginx's own log
    assert found == ["answer", "answer"]
    assert unknown in ("404", "502")  # nobody knows it, or one could not be asked

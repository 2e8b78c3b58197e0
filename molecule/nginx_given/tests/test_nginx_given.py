"""The door with a given certificate, and what it does when the gateways of its region are away."""

import json
import os
from pathlib import Path

import pytest

from tests.support.engine import wait_for
from tests.support.parts import healthy

STATE = Path("/var/lib/rtcdn") / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}"
GATEWAY = """
import http.server, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[1].encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201); self.end_headers(); self.wfile.write(sys.argv[1].encode() + b" " + body)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Answers).serve_forever()
"""
PORTS = {"home": 8201, "far": 8301}


def ask(host, path, *words):
    return host.check_output(
        f"curl -sSk --resolve event.example:443:127.0.0.1 {' '.join(words)} https://event.example{path}"
    )


@pytest.fixture
def gateways(host):
    """Start and end one that stands for a region's gateways."""
    host.check_output(f"cat > /root/gateway.py <<'PY'{GATEWAY}PY")

    def be(name, up):
        host.check_output(f"systemctl {'restart' if up else 'stop'} standin-{name}")

    for name, port in PORTS.items():
        host.run(f"systemctl reset-failed standin-{name}")
        host.check_output(
            f"printf '[Service]\\nExecStart=/usr/bin/python3 /root/gateway.py {name} {port}\\n' "
            f"> /run/systemd/system/standin-{name}.service"
        )
    host.check_output("systemctl daemon-reload")
    for name, port in PORTS.items():
        be(name, True)
        host.check_output(f"timeout 20 sh -c 'until curl -s 127.0.0.1:{port}; do sleep 0.1; done'")
    yield be
    for name in PORTS:
        be(name, False)


def test_it_is_healthy(host):
    """As its own health check says."""
    assert healthy(host, "nginx_local")


def test_the_given_certificate_is_served_on_443(host):
    """To whom trusts it, by its name; an ordinary user has the port."""
    given = (STATE / "given" / "chain.pem").read_text(encoding="utf-8")
    assert (
        host.run(
            "cat > /root/given.pem <<'PEM'\n" + given + "PEM\n"
            "curl -fsS --cacert /root/given.pem --resolve event.example:443:127.0.0.1 -o /dev/null https://event.example/"
        ).rc
        == 0
    )
    served = host.check_output("openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509")
    assert served.strip() == given.strip()
    assert host.socket("tcp://0.0.0.0:443").is_listening
    assert host.check_output("docker exec $(docker ps -qf name=nginx_local) id -u") == "10001"


def test_operators_are_told_the_entry(host):
    """A certificate that everybody knows needs no CA of ours."""
    told = json.loads((STATE / "deployment.json").read_text(encoding="utf-8"))
    assert (told["url"], told["ca"]) == ("https://event.example", "")


def test_pages_may_connect_to_the_entries_alone(host):
    """To those of other regions too, by https and wss."""
    policy = ask(host, "/", "-I")
    for source in ("https://far.event.example", "wss://far.event.example", "wss://event.example"):
        assert source in policy
    assert "connect-src *" not in policy


def test_the_own_region_serves(host, gateways):
    """While it has a gateway that answers."""
    assert {ask(host, "/ping") for _ in range(5)} == {"home"}


def test_another_region_serves_when_its_gateways_are_away(host, gateways):
    """Offers with their body, and WebSockets; and the own region again as soon as it is back."""
    gateways("home", False)
    assert ask(host, "/ping") == "far"
    assert ask(host, "/whip/demo", "-X", "POST", "-H", "Content-Type:application/sdp", "-d", "v=0") == "far v=0"
    assert ask(host, "/ws?c=1", "--http1.1", "-H", "Connection:upgrade", "-H", "Upgrade:websocket") == "far"
    gateways("home", True)
    host.check_output("timeout 20 sh -c 'until curl -s 127.0.0.1:8201; do sleep 0.1; done'")
    wait_for(lambda: ask(host, "/ping") == "home", "the own region serves again", 20, 0.2)


def test_with_none_it_says_so(host, gateways):
    """503 as a problem document with a cure, however far it was looked."""
    for name in PORTS:
        gateways(name, False)
    problem = json.loads(ask(host, "/ping"))
    assert (problem["status"], bool(problem["cure"])) == (503, True)

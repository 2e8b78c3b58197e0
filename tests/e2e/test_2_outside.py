"""From outside nothing is reachable but nginx and WebRTC; nothing secret shows anywhere."""

from __future__ import annotations

import base64
import json
import re
import stat
import textwrap

from tests.support import hosts
from tests.support.site import STATE, Site

SCAN = textwrap.dedent("""
    import asyncio, sys
    async def probe(gate, port):
        async with gate:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 5)
            except (OSError, TimeoutError):
                return None
            writer.close()
            return port
    async def main():
        gate = asyncio.Semaphore(500)
        found = await asyncio.gather(*(probe(gate, port) for port in range(1, 32768)))
        print(*[port for port in found if port])
    asyncio.run(main())
""")
ECHO = textwrap.dedent("""
    import selectors, socket, sys
    watched = selectors.DefaultSelector()
    for port in map(int, sys.argv[1:]):
        with_port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with_port.bind(("0.0.0.0", port))
        watched.register(with_port, selectors.EVENT_READ)
    print("listening", flush=True)
    while True:
        for key, _ in watched.select():
            data, sender = key.fileobj.recvfrom(100)
            key.fileobj.sendto(data, sender)
""")
ASK = textwrap.dedent("""
    import socket, sys, time
    answered = set()
    with_port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with_port.settimeout(0.2)
    until = time.monotonic() + 6
    while time.monotonic() < until:
        for port in map(int, sys.argv[2:]):
            with_port.sendto(b"?", (sys.argv[1], port))
        try:
            while True:
                answered.add(with_port.recvfrom(100)[1][1])
        except TimeoutError:
            pass
    print(*sorted(answered))
""")


def outside(net: str, script: str, *arguments: str) -> list[int]:
    """Run a script in a container on the network; the numbers that it prints."""
    words = ("run", "--rm", "--label", hosts.label(), "--network", net, hosts.SYSTEMD, "python3", "-c", script)
    return [int(word) for word in hosts.docker(*words, *arguments, timeout_s=300).split()]


def test_only_https_is_reachable_by_tcp(deployment: Site, net: str) -> None:
    """Of ports 1 to 32767 only nginx accepts a connection from another network namespace."""
    assert outside(net, SCAN, deployment.host.address) == [8443]


def test_only_webrtc_is_reachable_by_udp(deployment: Site, net: str) -> None:
    """The ranges of WebRTC answer, those of links between nodes do not."""
    webrtc, links = [21990, 22990, 25490, 28490], [10500, 23990, 26990, 29990]
    ports = [str(port) for port in (*webrtc, *links)]
    python = deployment.host.run("sh", "-c", "command -v python3")
    words = ["exec", "--detach", deployment.host.name, python, "-c", ECHO, *ports]
    hosts.docker(*words)
    try:
        assert outside(net, ASK, deployment.host.address, *ports) == webrtc
    finally:
        deployment.host.run("pkill", "-f", "with_port.bind")


def test_no_other_udp_port_listens(deployment: Site) -> None:
    """What is bound to more than loopback is WebRTC's, closed by the firewall, or a socket that Janus only sends from.

    Janus opens one of those per forwarder, anywhere in the kernel's ephemeral range; all it takes there is a request
    for a keyframe. The demo's speaker is a client of ours, on the same host.
    """
    closed = deployment.host.run("nft", "list", "table", "inet", "rtcdn")
    loose = []
    for line in deployment.host.run("ss", "-Hlnup").splitlines():
        words = line.split()
        address, _, port = words[3].rpartition(":")
        owner = words[5] if len(words) > 5 else ""
        if address.startswith(("127.", "[::1]")) or 10000 <= int(port) < 30000 or re.search(rf"\b{port}\b", closed):
            continue
        if not (int(port) >= 32768 and re.search(r'"(janus|python3)"', owner)):
            loose.append(f"{address}:{port} {owner}")
    assert loose == []


def secrets(deployment: Site) -> dict[str, str]:
    """Every secret of the deployment: where it comes from -> text that must show nowhere."""
    found = {}
    for path in (deployment.state() / "secrets").glob("node_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        found |= {f"{path.name}:{name}": str(value) for name, value in content.items() if name != "version"}
    for path in [*deployment.state().rglob("*.key"), *deployment.state().rglob("*.pem")]:
        body = re.sub(r"-----[A-Z ]+-----|\s", "", path.read_text(encoding="utf-8"))
        if "PRIVATE KEY" in path.read_text(encoding="utf-8"):
            found[path.name] = body[40:80]
    assert len(found) > 20, "the deployment's secrets were not found where they should be"
    return found


def shown(text: str, known: dict[str, str]) -> list[str]:
    flat = text.replace("\\n", "").replace("\n", "")
    return sorted(name for name, value in known.items() if value in flat or value in text)


def test_no_secret_in_process_lists(deployment: Site) -> None:
    """Neither arguments nor environments of any process on the host hold one."""
    script = (
        "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; tr '\\0' ' ' < $p/environ; echo; done 2>/dev/null; true"
    )
    assert shown(deployment.host.run("sh", "-c", script), secrets(deployment)) == []


def test_no_secret_in_what_the_engine_shows(deployment: Site) -> None:
    """Containers, services and configs hold none; secrets are Docker secrets."""
    known = secrets(deployment)
    for kind, listing in (
        ("container", ["ps", "-aq"]),
        ("service", ["service", "ls", "-q"]),
        ("config", ["config", "ls", "-q"]),
    ):
        ids = deployment.docker(*listing).split()
        if not ids:
            continue
        text = deployment.docker(kind, "inspect", *ids)
        if kind == "config":
            data = [
                base64.b64decode(each["Spec"].get("Data", "")).decode(errors="replace") for each in json.loads(text)
            ]
            text = "\n".join(data)
        assert shown(text, known) == [], f"docker {kind} inspect shows secrets"


def test_no_secret_in_logs(deployment: Site) -> None:
    """Neither what services wrote nor what `up` printed holds one."""
    known = secrets(deployment)
    ids = deployment.docker("ps", "-aq").split()
    logs = [deployment.host.run("sh", "-c", f"docker logs {each} 2>&1", timeout_s=120) for each in ids]
    assert shown("\n".join([deployment.up_output, *logs]), known) == []


def test_no_secret_in_a_readable_file(deployment: Site) -> None:
    """The state folder is closed to others, and no file elsewhere that others can read holds a secret."""
    assert stat.filemode(int(deployment.host.run("stat", "--format", "%f", STATE), 16)) == "drwx------"
    patterns = " ".join(f"-e {value}" for value in secrets(deployment).values() if value.isalnum())
    readable = "-xdev -type f -perm -004 -size -2000k -not -path '*/.venv/*' -not -path '*/collections/*'"
    script = (
        f"find /opt /srv /etc /tmp /var/log /run {readable} -print0 2>/dev/null | xargs -0 grep -lF {patterns} || true"
    )
    assert deployment.host.run("sh", "-c", script, timeout_s=120) == ""

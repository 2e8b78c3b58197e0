"""A whole deployment in a host container, brought up by ``bin/rtcdn up`` from nothing, as an operator would."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.client import Deployment, Operator
from rtcdn.tokens import Claims, SigningKey
from tests.support import hosts
from tests.support.engine import wait_for

ROOT = Path(__file__).resolve().parents[2]
TREE = "/srv/rtcdn"
STATE = "/var/lib/rtcdn/local"
UP_LIMIT_S = 1500


@dataclass
class Site:
    """One deployment: its host, what ``up`` printed, and an operator's way in."""

    host: hosts.Host
    up_took_s: float = 0.0
    _said: str = field(default="", repr=False)
    _copy: Path | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"https://{self.host.address}:8443"

    @property
    def up_output(self) -> str:
        """What the first ``up`` printed."""
        return self._said or self.up()

    def rtcdn(self, *words: str, timeout_s: float = 300) -> str:
        """Output of ``bin/rtcdn`` on the host."""
        return self.host.run(f"{TREE}/bin/rtcdn", *words, timeout_s=timeout_s, env={"CI": "true"})

    def up(self) -> str:
        """``bin/rtcdn up``; what it printed."""
        started_s = time.monotonic()
        words = ["docker", "exec", "--env", "CI=true", self.host.name, f"{TREE}/bin/rtcdn", "up"]
        words += ["--public-address", self.host.address]
        done = subprocess.run(words, capture_output=True, text=True, timeout=UP_LIMIT_S, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"up ended with {done.returncode}:\n{output[-8000:]}"
        self.up_took_s = time.monotonic() - started_s
        self._said = self._said or output
        return output

    def state(self) -> Path:
        """A copy of the deployment's state folder (CA, secrets), as the controller has it."""
        if self._copy is None:
            self._copy = Path(tempfile.mkdtemp(prefix="rtcdn-state-"))
            hosts.docker("cp", f"{self.host.name}:{STATE}/.", self._copy)
        return self._copy

    def operator(self) -> Operator:
        """Calls of the API through nginx, from outside, trusting the deployment's own authority."""
        noted = json.loads((self.state() / "deployment.json").read_text(encoding="utf-8"))
        ca = str(self.state() / Path(noted["ca"]).relative_to(STATE)) if noted["ca"] else ""
        return Operator(Deployment("local", self.state(), self.url, self.url, ca))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Answer of one call of an operator; raises CallRefused."""
        with self.operator() as operator:
            return operator.call(method, path, body)[1]

    def open(self, session: str, **intent: Any) -> None:
        """Open a session for few viewers, or as ``intent`` says."""
        self.call("PUT", f"/v1/sessions/{session}", {"audience": {"local": 20}, **intent})

    def close(self, session: str) -> None:
        """End a session."""
        self.call("DELETE", f"/v1/sessions/{session}")

    def admit(self, session: str, participant: str, role: str = "viewer", **more: Any) -> str:
        """The token of one participant."""
        body = {"role": role, "name": participant, **more}
        return str(self.call("PUT", f"/v1/sessions/{session}/participants/{participant}", body)["token"])

    def attached(self, session: str) -> dict[str, int]:
        """Viewers by stage context, as the broker counts them."""
        counts = self.call("GET", f"/v1/sessions/{session}")["attached"]
        return {context: count for context, count in counts.items() if context.startswith("stage-") and count}

    def intent(self, session: str, participant: str) -> dict[str, Any]:
        """What the store has of a participant."""
        return dict(json.loads(self.store()[f"PT:{session}:{participant}"]))

    def node(self, name: str) -> dict[str, Any]:
        """One node on the broker's map."""
        nodes = self.call("GET", "/v1/nodes")["nodes"]
        return dict(next(node for node in nodes if node["id"] == name))

    def store(self) -> dict[str, str]:
        """Everything in the store, read on the host with the root user's certificate."""
        image = self.docker("inspect", "--format", "{{.Config.Image}}", self.container("etcd_local"))
        words = ["run", "--rm", "--network", "host", "--user", "0", "--volume", f"{STATE}/pki:/pki:ro"]
        words += ["--entrypoint", "etcdctl", image, "--endpoints=https://127.0.0.1:8379", "--cacert=/pki/ca.crt"]
        words += ["--cert=/pki/root.crt", "--key=/pki/root.key", "get", "--prefix", "", "--write-out=json"]
        pairs = json.loads(self.docker(*words)).get("kvs", [])
        return {_text(each["key"]): _text(each.get("value", "")) for each in pairs}

    def tls(self) -> ssl.SSLContext:
        """Trust in the deployment's own authority."""
        return ssl.create_default_context(cafile=str(self.state() / "pki" / "ca.crt"))

    def sign(self, **claims: Any) -> str:
        """A client token that the deployment's own key signs, whatever it says."""
        key = SigningKey.from_pem(self.state() / "secrets" / "token_key.pem")
        return key.sign(Claims(**{"exp": time.time() + 3600, **claims}))

    def docker(self, *words: str, timeout_s: float = 60) -> str:
        """Output of a docker command on the deployment's own engine."""
        return self.host.run("docker", *words, timeout_s=timeout_s)

    def container(self, service: str) -> str:
        """Id of the running container of a Swarm service; '' when none runs."""
        return self.docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}").strip()

    def healthy(self, service: str, within_s: float = 60) -> None:
        """Wait until Swarm runs a healthy container of the service."""
        mine, well = f"label=com.docker.swarm.service.name={service}", "health=healthy"
        words = ("ps", "--quiet", "--filter", mine, "--filter", well)
        wait_for(lambda: bool(self.docker(*words).strip()), f"{service} healthy again", within_s, 1)

    def remove(self) -> None:
        """End the host container with all that is in it."""
        self.host.remove()
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def start(name: str, network: str) -> Site:
    """A bare host without systemd with a clone of the tree on it, and nothing else."""
    host = hosts.start(name, hosts.BARE, network)
    with tempfile.TemporaryDirectory(prefix="rtcdn-tree-") as scratch:
        archive = Path(scratch) / "tree.tar"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        present = b"\0".join(each for each in listed.split(b"\0") if each and (ROOT / each.decode()).exists())
        tar = ["tar", "--create", "--file", str(archive), "--owner=0", "--group=0", "--null", "--files-from=-"]
        subprocess.run(tar, input=present, cwd=ROOT, check=True)
        host.put(archive, "/tree.tar")
    host.run("sh", "-c", f"mkdir -p {TREE} && tar -xf /tree.tar -C {TREE} && rm /tree.tar")
    return Site(host)

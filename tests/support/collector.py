"""The real collector as a process of its own, beside a real Janus, on a real etcd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.support.engine import free_port
from tests.support.etcd import EtcdServer
from tests.support.janus import JanusNode

ROOT = Path(__file__).parents[2]


class CollectorProcess:
    """``python3 -m collector`` for one node."""

    def __init__(
        self, node: JanusNode, etcd: EtcdServer, folder: Path, events_address: str, region: str = "here"
    ) -> None:
        """``events_address`` is the ``host:port`` that the node was told to send its events to."""
        self.node = node
        self.health = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"node_{node.id}.json").write_text(node.secrets.to_json())
        tls = etcd.tls(f"collector-{node.id}")
        self._log = folder / f"{node.id}.log"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RTCDN_")},
            "RTCDN_ETCD": etcd.address,
            "RTCDN_TLS_CA": str(tls.ca),
            "RTCDN_TLS_CERT": str(tls.cert),
            "RTCDN_TLS_KEY": str(tls.key),
            "RTCDN_SECRETS_DIR": str(folder),
            "RTCDN_NODE_ID": node.id,
            "RTCDN_NODE_KIND": node.kind.value,
            "RTCDN_NODE_REGION": region,
            "RTCDN_JANUS_ADDRESS": node.address,
            "RTCDN_JANUS_ADMIN_URL": node.admin_url,
            "RTCDN_JANUS_REST_URL": node.rest_url,
            "RTCDN_MEDIA_IP": node.media_ip,
            "RTCDN_EVENTS_LISTEN": events_address,
            "RTCDN_HEALTH_LISTEN": self.health,
        }
        self.start()

    def start(self) -> None:
        """Start the process."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "collector"], cwd=ROOT, env=self._env, stderr=log)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.terminate()
        return self._process.wait(10)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(10)

    def healthz(self) -> dict[str, object]:
        """What ``/healthz`` tells."""
        with urllib.request.urlopen(f"http://{self.health}/healthz", timeout=2) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def log(self) -> str:
        """What it logged."""
        return self._log.read_text()

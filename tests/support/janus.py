"""Real Janus nodes for tests, configured by the product's own ``templates/janus``."""

from __future__ import annotations

import itertools
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from rtcdn.model import Kind, NodeSecrets
from tests.support.engine import Engine, Network, free_port, wait_for

TEMPLATES = Path(__file__).parents[2] / "templates" / "janus"
PLUGIN = {Kind.VR: "videoroom", Kind.AB: "audiobridge", Kind.ST: "streaming"}
_slot = itertools.count(os.getpid() % 9)


def render(janus: dict[str, Any]) -> dict[str, str]:
    """Every file of ``/etc/janus`` for one node, by name."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    env = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)
    own = f"janus.plugin.{PLUGIN[Kind(janus['kind'])]}.jcfg.j2"
    names = [n for n in env.list_templates() if n.endswith(".jcfg.j2") and (".plugin." not in n or n == own)]
    return {name.removesuffix(".j2"): env.get_template(name).render(janus=janus) for name in names}


def fresh_secrets() -> NodeSecrets:
    """Secrets of one node, made up."""
    return NodeSecrets("1", *(secrets.token_hex(16) for _ in range(5)))


def image(engine: Engine) -> str:
    """The Janus image to test: ``RTCDN_JANUS_IMAGE``, else the newest ``rtcdn/janus``, else ``dev/janus``."""
    return os.environ.get("RTCDN_JANUS_IMAGE") or engine.newest_image("rtcdn/janus") or "dev/janus"


@dataclass
class JanusNode:
    """A running Janus: its settings (the dict of the templates), its secrets and its container."""

    settings: dict[str, Any] = field(repr=False)
    secrets: NodeSecrets
    container: Any = field(repr=False)

    @property
    def id(self) -> str:
        """Id of the node."""
        return str(self.settings["node_id"])

    @property
    def kind(self) -> Kind:
        """Kind of the node."""
        return Kind(self.settings["kind"])

    @property
    def media_ip(self) -> str:
        """Where links are sent."""
        return str(self.settings["media_ip"])

    @property
    def address(self) -> str:
        """``host:port`` of the WebSocket."""
        return f"{self.settings['bind_ip']}:{self.settings['ws_port']}"

    @property
    def ws_url(self) -> str:
        """URL of the WebSocket."""
        return f"ws://{self.address}"

    @property
    def rest_url(self) -> str:
        """URL of the REST API."""
        return f"http://{self.settings['bind_ip']}:{self.settings['rest_port']}/janus"

    @property
    def admin_url(self) -> str:
        """URL of the Admin API."""
        return f"http://{self.settings['bind_ip']}:{self.settings['admin_port']}/admin"

    def ready(self) -> bool:
        """Does the REST API answer?"""
        try:
            with urllib.request.urlopen(f"{self.rest_url}/info", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self) -> JanusNode:
        """Return when it answers; its log is in the error when it does not."""
        try:
            wait_for(self.ready, f"Janus {self.id} answers on {self.rest_url}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None
        return self

    def kill(self) -> None:
        """SIGKILL: nobody is told."""
        self.container.kill()
        self.container.wait()

    def start(self) -> JanusNode:
        """Start again after ``kill``."""
        self.container.start()
        return self.wait_ready()

    def restart(self) -> JanusNode:
        """Kill and start again."""
        self.kill()
        return self.start()

    def pause(self) -> None:
        """Freeze all its processes."""
        self.container.pause()

    def unpause(self) -> None:
        """Thaw them."""
        self.container.unpause()

    def logs(self) -> str:
        """The end of its log."""
        return str(self.container.logs(tail=60).decode(errors="replace"))


def start_janus(
    engine: Engine,
    kind: Kind,
    node_id: str = "",
    *,
    network: Network | None = None,
    events_port: int = 9,
    node_secrets: NodeSecrets | None = None,
    replace_files: Mapping[str, str] | None = None,
    **overrides: Any,
) -> JanusNode:
    """Start one node in ``network`` (fixed ports, an address of its own), or on loopback of the host (free ports).

    ``events_port`` is where the test's collector listens, on the network's gateway or on loopback. ``overrides``
    replace entries of the templates' dict, such as ``event_loops`` or ``debug_level``; ``replace_files`` whole files.
    """
    node_id = node_id or f"test-{kind.lower()}1"
    node_secrets = node_secrets or fresh_secrets()
    address = network.address() if network else "127.0.0.1"
    base = 11000 + 900 * (next(_slot) % 10)
    settings: dict[str, Any] = {
        "node_id": node_id,
        "kind": kind.value,
        "bind_ip": address,
        "ws_port": 8188 if network else free_port(),
        "rest_port": 8088 if network else free_port(),
        "admin_port": 7088 if network else free_port(),
        "media_ip": address,
        "ice_interfaces": [address],
        "public_ip": "",
        "webrtc_ports": "20000-29999" if network else f"{base}-{base + 449}",
        "rtp_ports": "30000-39999" if network else f"{base + 450}-{base + 899}",
        "event_loops": 1,
        "events_url": f"ws://{network.gateway if network else '127.0.0.1'}:{events_port}/{node_id}",
        **{
            k: v
            for k, v in node_secrets.to_dict().items()
            if k in ("admin_secret", "api_secret", "admin_key", "token_secret")
        },
        **overrides,
    }
    name = image(engine)
    entrypoint = engine.client.images.get(name).attrs["Config"]["Entrypoint"]
    command = None if entrypoint else ["janus", "--disable-colors"]
    files = {**render(settings), **(replace_files or {})}
    container = engine.run(
        name, command, name=node_id, network=network, address=address, files=files, folder="/etc/janus"
    )
    return JanusNode(settings, node_secrets, container).wait_ready()

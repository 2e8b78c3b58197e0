"""The product's own TURN server in a container, on a test's network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.engine import Engine, Network, wait_for
from tests.support.turn import Credential, Server

SETTINGS = """
realm=rtcdn
use-auth-secret
fingerprint
listening-ip={address}
relay-ip={address}
listening-port=3478
min-port=40000
max-port=40199
no-tls
no-dtls
no-cli
no-tcp-relay
no-multicast-peers
no-rfc5780
denied-peer-ip=0.0.0.0-255.255.255.255
"""


@dataclass(frozen=True, slots=True)
class Coturn:
    """A running server and its secret."""

    address: str
    secret: str

    @property
    def urls(self) -> tuple[str, ...]:
        """By UDP, then by TCP."""
        return tuple(f"turn:{self.address}:3478?transport={way}" for way in ("udp", "tcp"))


def image(engine: Engine) -> str:
    """The image to test: ``RTCDN_TURN_IMAGE``, else the newest ``rtcdn/turn``, else ``dev/turn``."""
    return os.environ.get("RTCDN_TURN_IMAGE") or engine.newest_image("rtcdn/turn") or "dev/turn"


def start_coturn(engine: Engine, network: Network, peers: Sequence[str], secret: str = "shared") -> Coturn:
    """Start one that relays to ``peers`` and to nothing else; it answers on return."""
    address = network.address()
    files = {
        "etc/turn/turnserver.conf": SETTINGS.format(address=address),
        "run/turn/secrets": f"{secret}\n",
        "run/turn/peers": "".join(f"{peer}\n" for peer in peers),
    }
    engine.run(image(engine), name="turn", network=network, address=address, files=files, tmpfs={"/tmp": "mode=1777"})
    own, nobody = Credential.of(secret), ("192.0.2.1", 9)

    def answers() -> bool:
        try:
            return Server(address).asked(own, nobody) == "channel-bind 403"
        except OSError:
            return False

    wait_for(answers, "coturn answers")
    return Coturn(address, secret)

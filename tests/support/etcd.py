"""A real etcd for tests: one member in a container on loopback, with its data kept over kill and start."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtcdn.errors import StoreAway
from rtcdn.store.etcd import EtcdStore
from rtcdn.tls import TlsFiles
from tests.support.engine import Engine, free_port, wait_for
from tests.support.pki import Pki

PKI_FOLDER = "/pki"


def image(engine: Engine) -> str:
    """The etcd image to test: ``RTCDN_ETCD_IMAGE``, else the newest ``rtcdn/etcd``, else ``dev/etcd``."""
    return os.environ.get("RTCDN_ETCD_IMAGE") or engine.newest_image("rtcdn/etcd") or "dev/etcd"


class EtcdServer:
    """A running etcd that speaks mutual TLS on ``address``."""

    def __init__(self, engine: Engine, pki: Pki) -> None:
        self.pki = pki
        self.address = f"127.0.0.1:{free_port()}"
        files = pki.issue("etcd", "etcd")
        command = [
            *("--name", "etcd", "--data-dir", "/tmp/data"),
            *("--listen-client-urls", f"https://{self.address}", "--advertise-client-urls", f"https://{self.address}"),
            *("--listen-peer-urls", f"http://127.0.0.1:{free_port()}"),
            *("--cert-file", f"{PKI_FOLDER}/cert.pem", "--key-file", f"{PKI_FOLDER}/key.pem"),
            *("--trusted-ca-file", f"{PKI_FOLDER}/ca.pem", "--client-cert-auth", "--log-level", "warn"),
        ]
        texts = {"ca.pem": files.ca, "cert.pem": files.cert, "key.pem": files.key}
        inside = {f"{PKI_FOLDER[1:]}/{name}": path.read_text() for name, path in texts.items()}
        self.container: Any = engine.run(
            image(engine), command, name="etcd", files=inside, entrypoint=["etcd"], user="root"
        )

    def tls(self, name: str = "broker") -> TlsFiles:
        """Certificate of a client named ``name``."""
        return self.pki.issue(name)

    def store(self, namespace: str = "", name: str = "broker", timeout_s: float = 3.0) -> EtcdStore:
        """A store on this etcd."""
        return EtcdStore((self.address,), self.tls(name), namespace, timeout_s)

    def wait_ready(self) -> EtcdServer:
        """Return when it answers; its log is in the error when it does not."""
        store = self.store(timeout_s=1.0)
        try:
            wait_for(lambda: _answers(store), f"etcd answers on {self.address}")
        except AssertionError as error:
            log = self.container.logs(tail=40).decode(errors="replace")
            raise AssertionError(f"{error}\n{log}") from None
        finally:
            store.close()
        return self

    def kill(self) -> None:
        """SIGKILL: nobody is told."""
        self.container.kill()
        self.container.wait()

    def start(self) -> EtcdServer:
        """Start again after ``kill``, with the data it had."""
        self.container.start()
        return self.wait_ready()

    def pause(self) -> None:
        """Freeze it."""
        self.container.pause()

    def unpause(self) -> None:
        """Thaw it."""
        self.container.unpause()


def _answers(store: EtcdStore) -> bool:
    try:
        store.read("nothing")
    except StoreAway:
        return False
    return True


@contextmanager
def running_etcd() -> Iterator[EtcdServer]:
    """An etcd for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        yield EtcdServer(engine, Pki(Path(folder))).wait_ready()

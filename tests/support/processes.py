"""Brokers and gateways as processes of their own, on loopback, as a deployment runs them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from rtcdn.tls import TlsFiles, client_context
from tests.support.engine import free_port, wait_for

ROOT = Path(__file__).parents[2]
START_S = 60.0  # a process of ours is slow to start where everything else runs too


def environment(**settings: str) -> dict[str, str]:
    """The test's environment without settings of ours, and with these."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("RTCDN_")}
    return {**rest, **{f"RTCDN_{name}": value for name, value in settings.items()}}


def tls_settings(files: TlsFiles) -> dict[str, str]:
    """The settings of a certificate."""
    return {"TLS_CA": str(files.ca), "TLS_CERT": str(files.cert), "TLS_KEY": str(files.key)}


class Process:
    """``python3 -m <module>`` in a process group of its own, so that signals reach all of it."""

    def __init__(self, module: str, log: Path, env: Mapping[str, str]) -> None:
        self._module, self._log, self._env = module, log, env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log, self._log.with_suffix(".out").open("ab") as out:
            command = [sys.executable, "-m", self._module]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._env, stdout=out, stderr=log, start_new_session=True
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(10)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(15)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Does it run?"""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What it logged."""
        return self._log.read_text(errors="replace")


class BrokerProcess(Process):
    """A broker replica."""

    def __init__(self, broker_id: str, folder: Path, tls: TlsFiles, *, module: str = "broker", **settings: str) -> None:
        """``module``: what is run with a broker's settings."""
        self.id = broker_id
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"https://{self.address}"
        self.stream_url = f"wss://127.0.0.1:{free_port()}"
        own = {
            "BROKER_ID": broker_id,
            "API_LISTEN": self.address,
            "STREAM_LISTEN": self.stream_url.removeprefix("wss://"),
            "API_URL": self.url,
            "STREAM_URL": self.stream_url,
        }
        super().__init__(module, folder / f"{broker_id}.log", environment(**tls_settings(tls), **own, **settings))
        self._client = httpx.Client(verify=client_context(tls), base_url=self.url, timeout=20, trust_env=False)

    def get(self, path: str) -> Any:
        """What it answers inside, None when it does not."""
        try:
            return self._client.get(path).json()
        except (httpx.HTTPError, ValueError):
            return None

    def leads(self) -> bool:
        """Does it say that it leads?"""
        found = self.get("/leader")
        return bool(found and found["here"])

    def wait_ready(self) -> BrokerProcess:
        """Return when it can answer from a map; its log is in the error when it does not."""
        try:
            wait_for(lambda: (self.get("/readyz") or {}).get("status") == "ready", f"{self.id} is ready", START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self


class GatewayProcess(Process):
    """A gateway."""

    def __init__(self, gateway_id: str, folder: Path, tls: TlsFiles, region: str, **settings: str) -> None:
        self.id = gateway_id
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        own = {
            "GATEWAY_ID": gateway_id,
            "GATEWAY_REGION": region,
            "LISTEN": address,
            "PUBLIC_URL": self.url,
            "PEER_ADDRESS": address,
        }
        log = folder / f"gateway-{gateway_id}.log"
        super().__init__("gateway", log, environment(**tls_settings(tls), **own, **settings))

    def wait_ready(self) -> GatewayProcess:
        """Return when it answers."""

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == 200
            return False

        try:
            wait_for(answers, f"gateway {self.id} answers", START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self


class ProberProcess(Process):
    """A prober; ``broker``: the certificate of who may ask it."""

    def __init__(self, name: str, folder: Path, tls: TlsFiles, broker: TlsFiles, **settings: str) -> None:
        address = f"127.0.0.1:{free_port()}"
        self.url = f"https://{address}"
        env = environment(**tls_settings(tls), PROBER_LISTEN=address, **settings)
        super().__init__("gateway.prober", folder / f"{name}.log", env)
        self._client = httpx.Client(verify=client_context(broker), base_url=self.url, timeout=5, trust_env=False)

    def wait_ready(self) -> ProberProcess:
        """Return when it answers; its log is in the error when it does not."""

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return self._client.get("/healthz").status_code == httpx.codes.OK
            return False

        try:
            wait_for(answers, "the prober answers", START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None
        return self

"""A module as a process of its own beside a CDN of tests, and ears that tell bursts of a tone apart."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
from av import AudioFrame

from rtcdn.client.tracks import AUDIO_FRAME_S, AUDIO_RATE, ToneTrack
from tests.support.cdn import REGION, Cdn
from tests.support.clients import Viewer
from tests.support.engine import free_port, wait_for
from tests.support.janus import fresh_secrets
from tests.support.processes import START_S, Process, environment, tls_settings

BLOCK = int(AUDIO_RATE * AUDIO_FRAME_S)
LOUD = 800.0  # of a tone at level 0.2, some 6500
GAP = 5  # blocks of silence between two bursts
APART_S = 0.5  # a burst that a busy host tears is one still


class ModuleProcess(Process):
    """A module, ``python3 -m <module>``."""

    def __init__(self, cdn: Cdn, node: str, module: str = "services.ai.echo", handles: int = 10) -> None:
        self.id, self._cdn = node, cdn
        self._secrets = fresh_secrets()
        (cdn.secrets / f"node_{node}.json").write_text(self._secrets.to_json())
        self.url = f"http://{cdn.host_ip}:{free_port(cdn.host_ip)}"
        settings = {
            "ETCD": cdn.etcd.address,
            "SECRETS_DIR": str(cdn.secrets),
            "NODE_ID": node,
            "NODE_REGION": REGION,
            "MODULE_LISTEN": self.url.removeprefix("http://"),
            "MEDIA_IP": cdn.host_ip,
            "CAPACITY": json.dumps({"handles": handles}),
        }
        tls = tls_settings(cdn.etcd.tls(f"collector-{node}"))
        super().__init__(module, cdn.folder / f"{node}.log", environment(**tls, **settings))

    def ask(self, path: str) -> Any:
        """What its API answers, None when it does not."""
        headers = {"Authorization": f"Bearer {self._secrets.api_secret}"}
        try:
            answer = httpx.get(f"{self.url}{path}", headers=headers, timeout=3, trust_env=False)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def wait_registered(self) -> None:
        """Return when the brokers have it on their maps."""
        with self._cdn.api() as http:

            def ready() -> bool:
                maps = [http.get(f"{broker.url}/v1/map").json()["nodes"] for broker in self._cdn.brokers]
                return all(nodes.get(self.id, {}).get("state") == "ready" for nodes in maps)

            try:
                wait_for(ready, f"{self.id} is on the map", START_S)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None


@contextmanager
def running_module(cdn: Cdn, node: str) -> Iterator[ModuleProcess]:
    """An echo module for as long as the block lasts; brokers must be started after its secrets are written."""
    module = ModuleProcess(cdn, node)
    try:
        yield module
    finally:
        module.kill()


class BurstTrack(ToneTrack):
    """Silence, and a tone for a moment each time ``burst`` is called."""

    def __init__(self, tone_hz: int = 440, level: float = 0.2) -> None:
        super().__init__(tone_hz, level)
        self._left = 0

    def burst(self, seconds: float) -> None:
        """Let it sound."""
        self._left = int(seconds / AUDIO_FRAME_S)

    async def recv(self) -> AudioFrame:
        """The next 20 ms."""
        frame = await super().recv()
        if self._left > 0:
            self._left -= 1
            return frame
        quiet = AudioFrame.from_ndarray(np.zeros((1, BLOCK), np.int16), format="s16", layout="mono")
        quiet.sample_rate, quiet.pts, quiet.time_base = frame.sample_rate, frame.pts, frame.time_base
        return quiet


class Listener:
    """The ears of a viewer: when a tone began, in seconds of what was heard since ``clear``."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.clear()

    def clear(self) -> None:
        """Forget what was heard."""
        self._viewer.sound = deque(maxlen=3000)
        self._levels: dict[int, list[float]] = {}

    @property
    def heard_s(self) -> float:
        """For how long it has listened."""
        return len(self._viewer.sound) * AUDIO_FRAME_S

    def bursts(self, tone_hz: int) -> list[float]:
        """Beginnings of bursts of a tone, in order; what begins less than APART_S after another belongs to it."""
        levels = self._levels.setdefault(tone_hz, [])
        for block in list(self._viewer.sound)[len(levels) :]:
            turns = np.exp(-2j * np.pi * tone_hz * np.arange(len(block)) / AUDIO_RATE)
            levels.append(float(np.abs(block @ turns)) * 2 / len(block))
        found: list[float] = []
        last = -GAP
        for number, level in enumerate(levels):
            if level > LOUD:
                begins_s = number * AUDIO_FRAME_S
                if number - last >= GAP and (not found or begins_s - found[-1] >= APART_S):
                    found.append(begins_s)
                last = number
        return found

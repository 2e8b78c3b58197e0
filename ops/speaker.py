"""The synthetic speaker: a picture with a running clock and a tone, published by WHIP like any speaker's.

    python3 -m ops.speaker --url https://host:8443/whip/demo --token-file F --ca F --tone 440 --label "Demo speaker"

The token comes from a file, read again at each attempt, or from ``RTCDN_SPEAKER_TOKEN``; never from the command line,
where every process could read it. A lost connection is made again, after a pause that grows while it fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from ops.media import whip
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import ClockTrack, ToneTrack
from rtcdn.errors import ConfigError

log = logging.getLogger("speaker")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_S = 10.0  # a connection that lasted so long was a good one: the pause starts small again
CONNECT_S = 15.0
SILENCE_S = 8.0  # receivers report each second or so: without a report for so long nobody is there
LOOK_S = 1.0


@dataclass
class Backoff:
    """Pauses between attempts: doubled up to ``LONGEST_PAUSE_S``, with jitter so that speakers do not come together."""

    generator: random.Random = field(default_factory=random.Random)
    pause_s: float = FIRST_PAUSE_S

    def next(self, at_least_s: float = 0.0) -> float:
        """Seconds to wait now."""
        now_s = max(at_least_s, self.pause_s * self.generator.uniform(0.7, 1.3))
        self.pause_s = min(LONGEST_PAUSE_S, self.pause_s * 2)
        return now_s

    def reset(self) -> None:
        """The last connection was good."""
        self.pause_s = FIRST_PAUSE_S


def read_token(path: Path | None) -> str:
    """The token, from the file or the environment; raises ConfigError saying which to set."""
    try:
        token = path.read_text(encoding="utf-8").strip() if path else os.environ.get("RTCDN_SPEAKER_TOKEN", "").strip()
    except OSError as error:
        raise ConfigError([f"--token-file {path}: {error.strerror}; give a readable file"]) from error
    if not token:
        raise ConfigError(["no token: give --token-file or set RTCDN_SPEAKER_TOKEN"])
    return token


async def publish_once(http: aiohttp.ClientSession, options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Publish until the connection is lost or ``stop`` is set; raises when it could not be made."""
    connection = whip.new_connection()
    picture = Picture(options.label, options.subtitle or f"synthetic speaker, {options.tone} Hz")
    tracks = ToneTrack(options.tone, options.level), ClockTrack(picture, options.fps)
    for track in tracks:
        connection.addTransceiver(track, direction="sendonly")
    try:
        resource = await whip.offer(http, options.url, read_token(options.token_file), connection)
    except BaseException:
        await connection.close()
        raise
    try:
        await resource.connected(CONNECT_S)
        log.info("publishing url=%s resource=%s", options.url, resource.url)
        await _while_alive(resource, options.alive_file, stop)
    finally:
        await resource.delete()


async def _while_alive(resource: whip.Resource, alive_file: Path | None, stop: asyncio.Event) -> None:
    """Return when ``stop`` is set or the other side is gone: closed, or silent for ``SILENCE_S``."""
    since_s = time.monotonic()
    while not stop.is_set():
        age_s = await resource.report_age_s()
        if age_s is None:
            age_s = time.monotonic() - since_s
        if resource.connection.connectionState != "connected" or age_s > SILENCE_S:
            log.warning("lost state=%s silent_s=%.1f", resource.connection.connectionState, age_s)
            return
        if alive_file:
            await asyncio.to_thread(alive_file.touch)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_S)


async def speak(options: argparse.Namespace, stop: asyncio.Event) -> None:
    """Publish, and publish again whenever it ends, until ``stop`` is set."""
    backoff = Backoff()
    connector = aiohttp.TCPConnector(ssl=whip.trust(options.ca, options.insecure))
    async with aiohttp.ClientSession(connector=connector) as http:
        while not stop.is_set():
            started_s, wanted_s = time.monotonic(), 0.0
            try:
                await publish_once(http, options, stop)
            except whip.Refused as error:
                wanted_s = error.retry_after_s
                log.warning("refused %s", error)
            except (aiohttp.ClientError, ConnectionError, ConfigError, TimeoutError, OSError) as error:
                log.warning("failed error=%s", str(error) or type(error).__name__)
            if time.monotonic() - started_s > STEADY_S:
                backoff.reset()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), backoff.next(wanted_s))


def arguments() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(prog="ops.speaker", description=__doc__.split("\n", 1)[0], allow_abbrev=False)
    parser.add_argument("--url", required=True, help="WHIP endpoint, https://host:port/whip/<session>")
    parser.add_argument("--token-file", type=Path, help="file with the client token (else RTCDN_SPEAKER_TOKEN)")
    parser.add_argument(
        "--ca", action="append", default=[], help="PEM file of authorities to trust, or `system`; may come again"
    )
    parser.add_argument("--insecure", action="store_true", help="trust any certificate")
    parser.add_argument("--tone", type=int, default=440, help="frequency in Hz")
    parser.add_argument("--level", type=float, default=0.2, help="loudness, 0 to 1")
    parser.add_argument("--label", default="Demo speaker", help="name in the picture")
    parser.add_argument("--subtitle", default="", help="second line in the picture")
    parser.add_argument("--fps", type=int, default=15, help="pictures per second")
    parser.add_argument(
        "--alive-file", type=Path, help="file touched each second while media flows, for a health check"
    )
    return parser


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await speak(options, stop)


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("aioice").setLevel(logging.WARNING)
    options = arguments().parse_args()
    if not options.token_file and not os.environ.get("RTCDN_SPEAKER_TOKEN"):
        log.error("no token: give --token-file or set RTCDN_SPEAKER_TOKEN")
        return 2
    asyncio.run(_run(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())

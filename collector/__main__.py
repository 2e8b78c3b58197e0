"""``python3 -m collector``: the collector of one node."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from collector.collect import Collector
from collector.health import health_server
from collector.probe import Probe
from collector.publish import Publisher
from collector.rtt import RoundTrips
from collector.settings import Settings, load
from rtcdn import log
from rtcdn.errors import ConfigError
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.secrets import load_node_secrets
from rtcdn.store.etcd import EtcdStore

STALE_S = 30.0


def wire(settings: Settings) -> Collector:
    """The collector with everything it needs; ``ConfigError`` when its node's secrets are missing."""
    node = settings.node
    secrets = load_node_secrets(settings.base.secrets_dir).get(node.node_id)
    if secrets is None:
        raise ConfigError([f"RTCDN_SECRETS_DIR: no node_{node.node_id}.json in {settings.base.secrets_dir}"])
    client = NodeClient(node.kind, AdminClient(node.admin_url, secrets.admin_secret), secrets, node.media_ip)
    store = EtcdStore(settings.base.etcd, settings.base.tls, settings.base.namespace)
    round_trips = RoundTrips(store, node.node_id, node.region, settings.rtt_s, node.network)
    return Collector(settings, Probe(client), Publisher(store, settings.lease_s), secrets.version, round_trips)


async def serve(settings: Settings) -> None:
    """Run until told to end."""
    collector = wire(settings)
    running = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    async with health_server(settings.health_listen, collector.health, STALE_S):
        with contextlib.suppress(asyncio.CancelledError):
            await collector.run()


def main() -> int:
    """Exit code 78 when settings are wrong."""
    try:
        settings = load(os.environ)
        log.configure(settings.base.log_level)
        asyncio.run(serve(settings))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 78
    return 0


if __name__ == "__main__":
    sys.exit(main())

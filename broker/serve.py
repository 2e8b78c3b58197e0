"""Serving the application: gunicorn embedded, one worker with threads (the map is in its memory), mutual TLS."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from broker.api.context import PEER
from broker.settings import BrokerSettings
from rtcdn.tls import common_name

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def naming_peers(app: WsgiApp) -> WsgiApp:
    """Tell the application the CN of the client's certificate."""

    def named(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        environ[PEER] = common_name(connection.getpeercert()) if isinstance(connection, ssl.SSLSocket) else ""
        return app(environ, start_response)

    return named


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn without a command line. ``make`` is called in the worker, after the fork: threads and channels live
    there."""

    def __init__(self, settings: BrokerSettings, make: Callable[[], WsgiApp], stop: Callable[[], None]) -> None:
        self._settings, self._make, self._stop = settings, make, stop
        super().__init__()

    def load_config(self) -> None:
        """Translate our settings into gunicorn's."""
        base = self._settings.base
        options = {
            "bind": str(self._settings.api_listen),
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._settings.threads,
            "keepalive": 30,
            "timeout": 60,
            "graceful_timeout": 5,
            "certfile": str(base.tls.cert),
            "keyfile": str(base.tls.key),
            "ca_certs": str(base.tls.ca),
            "cert_reqs": ssl.CERT_REQUIRED,
            "worker_tmp_dir": "/dev/shm",  # noqa: S108  (a heartbeat file; a slow disk must not kill the worker)
            "control_socket_disable": True,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "worker_exit": lambda server, worker: self._stop(),
            "post_worker_init": _begin,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> WsgiApp:
        """The application, in the worker."""
        return naming_peers(self._make())


def _begin(worker: Any) -> None:
    """gunicorn's own log joins ours. What was made until now stays, so the garbage collector need not look at it."""
    gc.freeze()
    for logger in (worker.log.error_log, worker.log.access_log):
        logger.handlers.clear()
        logger.propagate = True

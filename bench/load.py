"""Clients that load an HTTP server: processes that write ready-made requests into TLS sockets and read the answers."""

from __future__ import annotations

import multiprocessing
import socket
import ssl
import time
from types import TracebackType

from rtcdn.tls import TlsFiles, client_context

CLIENTS = 4


class Clients:
    """A few clients, started once and used for every turn."""

    def __init__(self, tls: TlsFiles) -> None:
        self._tls = tls
        self._pool = multiprocessing.get_context("spawn").Pool(CLIENTS)

    def __enter__(self) -> Clients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def rate(self, address: str, calls: list[bytes], seconds: float) -> float:
        """Answers a second, over all clients, each with its share of the calls."""
        shares = [(self._tls, address, calls[n::CLIENTS] or calls, seconds) for n in range(CLIENTS)]
        return float(sum(self._pool.starmap(_client, shares)))


def _client(tls: TlsFiles, address: str, calls: list[bytes], seconds: float) -> float:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client_context(tls).wrap_socket(plain, server_hostname=host) as wire:
            done, began = 0, time.perf_counter()
            while time.perf_counter() < began + seconds:
                _ask(wire, calls[done % len(calls)])
                done += 1
            return done / (time.perf_counter() - began)


def _ask(wire: ssl.SSLSocket, call: bytes) -> None:
    wire.sendall(call)
    answer = wire.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += wire.recv(65536)
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {head[:60]!r} {rest[:300]!r}")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    left = length - len(rest)
    while left > 0:
        left -= len(wire.recv(min(left, 1 << 20)))

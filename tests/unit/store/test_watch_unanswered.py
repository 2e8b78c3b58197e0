"""A watch that the store never answers is begun anew: a broker would see an old map for good."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from rtcdn.store.etcd import EtcdStore, rpc
from rtcdn.store.port import Update

REVISION = 7


class Silent:
    """As much of an etcd as a watch needs; the first watch stays without an answer."""

    def __init__(self) -> None:
        self.watches = 0
        self.over = threading.Event()

    def range(self, _request: Any, _context: Any) -> Any:
        """An empty store."""
        return rpc.RangeResponse(header=rpc.ResponseHeader(revision=REVISION))

    def watch(self, _requests: Any, context: Any) -> Iterator[Any]:
        """A put after the second was begun."""
        self.watches += 1
        if self.watches == 1:
            context.add_callback(self.over.set)
            self.over.wait(20)
            return
        yield rpc.WatchResponse(created=True, header=rpc.ResponseHeader(revision=REVISION))
        put = rpc.Event(
            kv=rpc.KeyValue(key=b"SS:a", value=b"1", mod_revision=REVISION + 1, create_revision=REVISION + 1)
        )
        yield rpc.WatchResponse(events=[put], header=rpc.ResponseHeader(revision=REVISION + 1))
        self.over.wait(20)


@pytest.fixture
def silent() -> Iterator[tuple[Silent, str]]:
    """The store and its address."""
    store, server = Silent(), grpc.server(ThreadPoolExecutor(4))
    unary = grpc.unary_unary_rpc_method_handler(
        store.range, rpc.RangeRequest.FromString, rpc.RangeResponse.SerializeToString
    )
    stream = grpc.stream_stream_rpc_method_handler(
        store.watch, rpc.WatchRequest.FromString, rpc.WatchResponse.SerializeToString
    )
    handlers = {"KV": {"Range": unary}, "Watch": {"Watch": stream}}
    for service, methods in handlers.items():
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(f"etcdserverpb.{service}", methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield store, f"127.0.0.1:{port}"
    store.over.set()
    server.stop(0)


def test_a_watch_without_an_answer_is_begun_anew(silent: tuple[Silent, str]) -> None:
    """It says that the store is away, and goes on where it was."""
    server, address = silent
    store = EtcdStore((address,), timeout_s=0.5)
    seen: list[Update] = []
    for update in (watch := store.watch("SS:")):
        seen.append(update)
        if update.changes:
            watch.close()
            break
    store.close()
    assert server.watches == 2
    assert [bool(update.snapshot) for update in seen] == [True, False, False, False]
    assert "CANCELLED" in seen[1].away
    assert [change.key for change in seen[-1].changes] == ["SS:a"]

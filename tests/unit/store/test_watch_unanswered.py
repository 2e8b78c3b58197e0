"""A watch that the store never answers, or that waits for what will not come, is begun anew: no map is old for good."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from rtcdn.errors import StoreAway
from rtcdn.store.answers import Answers
from rtcdn.store.etcd import EtcdStore, rpc
from rtcdn.store.port import Update

REVISION = 7


class Silent:
    """As much of an etcd as a watch needs; the first watch stays without an answer, or is told an older revision."""

    def __init__(self) -> None:
        self.watches, self.older = 0, False
        self.over = threading.Event()

    def range(self, _request: Any, _context: Any) -> Any:
        """An empty store."""
        return rpc.RangeResponse(header=rpc.ResponseHeader(revision=REVISION))

    def watch(self, _requests: Any, context: Any) -> Iterator[Any]:
        """A put after the second was begun."""
        self.watches += 1
        if self.watches == 1:
            if self.older:
                yield rpc.WatchResponse(created=True, header=rpc.ResponseHeader(revision=REVISION - 1))
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


def test_an_older_store_in_the_place_of_the_one_known_is_read_again(silent: tuple[Silent, str]) -> None:
    """An older snapshot was restored: the revision that we wait for may come after an hour, and what is now is lost."""
    server, address = silent
    server.older = True
    store = EtcdStore((address,))
    kinds = []
    for update in (watch := store.watch("SS:")):
        kinds.append("snapshot" if update.snapshot else "away" if update.away else "changes" if update.changes else "")
        if update.changes:
            watch.close()
            break
    store.close()
    assert kinds == ["snapshot", "snapshot", "", "changes"]


class Wedged:
    """A call that neither answers nor ends, whatever is done."""

    def __iter__(self) -> Iterator[Any]:
        threading.Event().wait()
        return iter(())

    def cancel(self) -> None:
        """Without effect."""


def test_nobody_waits_for_a_call_that_cannot_be_ended() -> None:
    """Neither one who reads it with a limit, nor one whose watch is closed."""
    answers = Answers(Wedged())
    with pytest.raises(StoreAway, match=r"no answer within 0\.05 s"):
        answers.get(0.05)
    answers.close()
    assert answers.get(None) is None


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
    assert "no answer within 1 s" in seen[1].away
    assert [change.key for change in seen[-1].changes] == ["SS:a"]

"""The store on etcd: the only file that imports the etcd client."""

from __future__ import annotations

import json
import queue
import random
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from rtcdn.errors import LeaseGone, StoreAway, StoreConflict
from rtcdn.store import stubs
from rtcdn.store.answers import Answers
from rtcdn.store.port import Change, Commit, Compare, Snapshot, Update, Value

stubs.install()

import etcd3  # noqa: E402  (its stubs must be in place first)
import etcd3.etcdrpc as rpc  # noqa: E402

if TYPE_CHECKING:
    from rtcdn.tls import TlsFiles

TIMEOUT_S = 3.0
BACKOFF_S = (0.1, 2.0)
ANSWER = 2  # timeouts until the store must have answered that a watch has begun; then another is begun
SERVER_NAME = "etcd"  # a DNS name in the certificate of every member
# Without ping_timeout_ms a frozen member is noticed after a minute only (grpcio 1.85); with it after 6 s.
OPTIONS: dict[str, Any] = {
    "grpc.keepalive_time_ms": 3000,
    "grpc.keepalive_timeout_ms": 3000,
    "grpc.http2.ping_timeout_ms": 3000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.max_pings_without_data": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 3000,  # how long an attempt may take: four round trips of 220 ms, and more
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.max_receive_message_length": 64 << 20,
    "grpc.service_config": json.dumps({"loadBalancingConfig": [{"round_robin": {}}]}),
}
FAILURES = (grpc.RpcError, ValueError, OSError)  # ValueError: the channel is closed


class EtcdStore:
    """A store on an etcd cluster, over one channel to all its members."""

    def __init__(
        self, members: tuple[str, ...], tls: TlsFiles | None = None, namespace: str = "", timeout_s: float = TIMEOUT_S
    ) -> None:
        """``members`` are ``host:port``; ``namespace`` is put before every key."""
        scheme = "dns:///" if len(members) == 1 else "ipv4:"
        host, _, port = ",".join(members).rpartition(":")
        named = {"grpc.ssl_target_name_override": SERVER_NAME} if tls else {}
        self._client = etcd3.Etcd3Client(
            f"{scheme}{host}",
            port,
            ca_cert=tls and str(tls.ca),
            cert_cert=tls and str(tls.cert),
            cert_key=tls and str(tls.key),
            grpc_options=list((OPTIONS | named).items()),
        )
        self._kv, self._leases = self._client.kvstub, self._client.leasestub
        self._namespace = namespace
        self.timeout_s = timeout_s
        self._watches: set[EtcdWatch] = set()

    def read(self, prefix: str = "") -> Snapshot:
        """Every key that begins with ``prefix``."""
        key, end = self.range(prefix)
        try:
            answer = self._kv.Range(rpc.RangeRequest(key=key, range_end=end), timeout=self.timeout_s)
        except FAILURES as error:
            _fail(error)
        return Snapshot({self.name(kv.key): _value(kv) for kv in answer.kvs}, answer.header.revision)

    def watch(self, prefix: str = "") -> EtcdWatch:
        """A snapshot first, then every change after it."""
        watch = EtcdWatch(self, rpc.WatchStub(self._client.channel), prefix)
        self._watches.add(watch)
        return watch

    def put(self, key: str, text: str, lease: int = 0) -> int:
        """Write one key; answers the revision."""
        request = rpc.PutRequest(key=self._key(key), value=text.encode(), lease=lease)
        try:
            return int(self._kv.Put(request, timeout=self.timeout_s).header.revision)
        except FAILURES as error:
            _fail(error)

    def commit(self, commit: Commit) -> int:
        """Perform a transaction; answers the revision."""
        puts = [
            rpc.RequestOp(request_put=rpc.PutRequest(key=self._key(key), value=text.encode(), lease=commit.lease))
            for key, text in commit.puts.items()
        ]
        deletes = [
            rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=self._key(key))) for key in commit.deletes
        ]
        request = rpc.TxnRequest(compare=[self._compare(each) for each in commit.compare], success=[*puts, *deletes])
        try:
            answer = self._kv.Txn(request, timeout=self.timeout_s)
        except FAILURES as error:
            _fail(error)
        if not answer.succeeded:
            raise StoreConflict(f"changed meanwhile: one of {', '.join(each.key for each in commit.compare)}")
        return int(answer.header.revision)

    def grant(self, ttl_s: int) -> int:
        """A new lease of ``ttl_s``."""
        try:
            return int(self._leases.LeaseGrant(rpc.LeaseGrantRequest(TTL=ttl_s), timeout=self.timeout_s).ID)
        except FAILURES as error:
            _fail(error)

    def keep_alive(self, lease: int) -> int:
        """Refresh a lease; 0 when it has ended (etcd answers that, it does not raise)."""
        try:
            request = iter([rpc.LeaseKeepAliveRequest(ID=lease)])
            answers = Answers(self._leases.LeaseKeepAlive(request, timeout=self.timeout_s))
            try:
                answer = answers.get(ANSWER * self.timeout_s)
            finally:
                answers.close()
        except FAILURES as error:
            _fail(error)
        if answer is None:
            raise StoreAway("the store ended a keepalive without an answer")
        return max(0, int(answer.TTL))

    def revoke(self, lease: int) -> None:
        """End a lease and its keys now."""
        try:
            self._leases.LeaseRevoke(rpc.LeaseRevokeRequest(ID=lease), timeout=self.timeout_s)
        except FAILURES as error:
            if not _is_not_found(error):
                _fail(error)

    def close(self) -> None:
        """End watches and the channel."""
        for watch in tuple(self._watches):
            watch.close()
        self._client.close()

    def range(self, prefix: str) -> tuple[bytes, bytes]:
        """First key and end of everything under ``prefix``; all keys are from 0 to 0 in etcd's notation."""
        key = self._key(prefix)
        return (key, key[:-1] + bytes([key[-1] + 1])) if key else (b"\0", b"\0")

    def name(self, key: bytes) -> str:
        """A key without the namespace."""
        return key.decode(errors="replace").removeprefix(self._namespace)

    def _key(self, key: str) -> bytes:
        return f"{self._namespace}{key}".encode()

    def _compare(self, compare: Compare) -> Any:
        if compare.text is not None:
            shape: dict[str, Any] = {"target": rpc.Compare.VALUE, "value": compare.text.encode()}
        elif compare.creation or not compare.revision:
            shape = {"target": rpc.Compare.CREATE, "create_revision": compare.revision}
        else:
            shape = {"target": rpc.Compare.MOD, "mod_revision": compare.revision}
        return rpc.Compare(key=self._key(compare.key), result=rpc.Compare.EQUAL, **shape)


class EtcdWatch:
    """A watch that resumes: list at R, watch from R+1, after any break go on from the last revision seen."""

    def __init__(self, store: EtcdStore, stub: Any, prefix: str) -> None:
        self._store, self._stub, self._prefix = store, stub, prefix
        self._closed = threading.Event()
        self._answers: Answers | None = None
        self._revision = 0

    def __iter__(self) -> Iterator[Update]:
        """Updates until closed."""
        backoff_s, listed = BACKOFF_S[0], False
        while not self._closed.is_set():
            try:
                if not listed:
                    snapshot = self._store.read(self._prefix)
                    self._revision, listed = snapshot.revision, True
                    yield Update(snapshot.revision, snapshot=snapshot)
                for update in self._stream():
                    backoff_s = BACKOFF_S[0]
                    yield update
                reason = "the store ended the watch"
            except Compacted:
                listed = False
                self._closed.wait(BACKOFF_S[0])  # a member that lags behind catches up
                continue
            except (StoreAway, *FAILURES) as error:
                reason = _reason(error)
            if self._closed.is_set():
                return
            yield Update(self._revision, away=reason)
            self._closed.wait(backoff_s * random.uniform(0.5, 1.5))  # noqa: S311  (jitter)
            backoff_s = min(backoff_s * 2, BACKOFF_S[1])

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._closed.set()
        answers = self._answers
        if answers is not None:
            answers.close()

    def _stream(self) -> Iterator[Update]:
        """What one stream brings; raises Compacted when the history asked for is gone."""
        key, end = self._store.range(self._prefix)
        requests: queue.Queue[Any] = queue.Queue()
        create = rpc.WatchCreateRequest(key=key, range_end=end, start_revision=self._revision + 1, progress_notify=True)
        requests.put(rpc.WatchRequest(create_request=create))
        self._answers = answers = Answers(self._stub.Watch(iter(requests.get, None)))
        if self._closed.is_set():
            answers.close()
        patience_s: float | None = ANSWER * self._store.timeout_s
        try:
            while (answer := answers.get(patience_s)) is not None:
                patience_s = None
                if answer.compact_revision or (answer.created and answer.header.revision < self._revision):
                    raise Compacted  # or another store, an older one, took the place of the one we knew
                if answer.canceled:
                    raise StoreAway(f"the store cancelled the watch: {answer.cancel_reason}")
                changes = tuple(self._changes(answer.events))
                if not answer.created:
                    self._revision = max(self._revision, answer.header.revision)
                yield Update(self._revision, changes=changes)
        finally:
            requests.put(None)
            answers.close()

    def _changes(self, events: Any) -> Iterator[Change]:
        """Events as changes; what was seen already (mod revision not above ours) is dropped."""
        for event in events:
            kv = event.kv
            revision = kv.mod_revision
            if revision > self._revision:
                yield Change(self._store.name(kv.key), None if event.type == DELETE else _value(kv), revision)


DELETE = 1  # mvccpb.Event.DELETE


class Compacted(Exception):
    """The revisions to resume from were compacted away, or are another store's: list again."""


def _value(kv: Any) -> Value:
    return Value(kv.value.decode(errors="replace"), kv.mod_revision, kv.create_revision)


def _is_not_found(error: BaseException) -> bool:
    return isinstance(error, grpc.RpcError) and error.code() is grpc.StatusCode.NOT_FOUND


def _reason(error: BaseException) -> str:
    if isinstance(error, grpc.RpcError):
        return f"{error.code().name}: {error.details()}"[:300]
    return str(error)[:300]


def _fail(error: BaseException) -> NoReturn:
    if _is_not_found(error):
        raise LeaseGone(_reason(error)) from error
    raise StoreAway(_reason(error)) from error

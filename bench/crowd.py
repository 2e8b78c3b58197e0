"""A crowd of WebSocket clients in processes of their own: each greets, then idles as the SDK does, with a ping."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import resource
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROCESSES = 2
AT_ONCE = 32  # greetings in flight of each process
PING_S = 10.0
ANSWER_S = 30.0
Greeting = tuple[str, str]  # who (an address, as nginx would tell it), and what he says first


def many_descriptors() -> None:
    """As many as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Crowd:
    """Clients of one server. Use as a context manager: they leave at its end."""

    def __init__(self, url: str, greetings: Sequence[Greeting], protocol: str = "") -> None:
        self._url, self._greetings, self._protocol = url, greetings, protocol
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []

    def __enter__(self) -> Crowd:
        context = multiprocessing.get_context("spawn")
        for number in range(PROCESSES):
            ours, theirs = context.Pipe()
            arguments = (theirs, self._url, self._greetings[number::PROCESSES], self._protocol)
            process = context.Process(target=_main, args=arguments, daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            assert pipe.recv() == "here"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join(10)

    def enter(self) -> tuple[float, list[float]]:
        """All greet: greetings answered a second, and how long each took in ms. Raises when one was not answered."""
        began_s = time.monotonic()
        for pipe in self._pipes:
            pipe.send("enter")
        took = []
        for pipe in self._pipes:
            told = pipe.recv()
            if isinstance(told, str):
                raise RuntimeError(told)
            took += told
        return len(took) / (time.monotonic() - began_s), took

    def there(self) -> int:
        """How many are still connected."""
        for pipe in self._pipes:
            pipe.send("there")
        return sum(pipe.recv() for pipe in self._pipes)


def _main(pipe: Connection, url: str, greetings: Sequence[Greeting], protocol: str) -> None:
    many_descriptors()
    asyncio.run(_Clients(url, greetings, protocol).follow(pipe))


class _Clients:
    def __init__(self, url: str, greetings: Sequence[Greeting], protocol: str) -> None:
        self._url, self._greetings = url, greetings
        self._protocols = [Subprotocol(protocol)] if protocol else None
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._idle: list[asyncio.Task[None]] = []

    async def follow(self, pipe: Connection) -> None:
        pipe.send("here")
        while True:
            order = await asyncio.to_thread(pipe.recv)
            if order == "enter":
                try:
                    pipe.send(await asyncio.gather(*(self._enter(each) for each in self._greetings)))
                except Exception as error:  # noqa: BLE001  (told to whoever measures, who then stops)
                    pipe.send(f"a client was not let in: {error or type(error).__name__}")
            else:
                pipe.send(sum(not task.done() for task in self._idle))

    async def _enter(self, greeting: Greeting) -> float:
        async with self._gate:
            who, hello = greeting
            began_s = time.perf_counter()
            socket = await connect(
                self._url, subprotocols=self._protocols, additional_headers={"X-Forwarded-For": who},
                ping_interval=None, proxy=None, max_queue=64, open_timeout=ANSWER_S,
            )  # fmt: skip
            async with asyncio.timeout(ANSWER_S):
                await socket.send(hello)
                answer = json.loads(await socket.recv())
                while "re" not in answer and "id" not in answer:
                    answer = json.loads(await socket.recv())
            if not answer.get("ok", True):
                raise RuntimeError(str(answer))
            self._idle.append(asyncio.create_task(self._stay(socket)))
            return 1000 * (time.perf_counter() - began_s)

    async def _stay(self, socket: ClientConnection) -> None:
        pinging = asyncio.create_task(_ping(socket))
        try:
            async for _ in socket:
                continue
        finally:
            pinging.cancel()


async def _ping(socket: ClientConnection) -> None:
    number = 1
    await asyncio.sleep(random.uniform(0, PING_S))
    while True:
        number += 1
        await socket.send(json.dumps({"type": "ping", "id": number}))
        await asyncio.sleep(PING_S)

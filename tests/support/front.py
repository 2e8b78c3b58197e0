"""What nginx does for clients of gateways, in small: a connection goes to the first gateway that is there."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit


class Front:
    """Leads connections to the first of ``urls`` that answers, for as long as the block lasts; ``led``: to which."""

    def __init__(self, *urls: str) -> None:
        self.urls = list(urls)
        self.led: list[str] = []
        self.open = asyncio.Event()  # while it is clear connections wait
        self._open_ones: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Front:
        self.open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._open_ones):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.open.wait()
        for url in tuple(self.urls):
            address = urlsplit(url)
            try:
                there, back = await asyncio.open_connection(address.hostname, address.port)
            except OSError:
                continue
            self.led.append(url)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
            return
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open_ones.add(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._open_ones.discard(writer)
        writer.close()

"""The example of the SDK's README, as it is written, in Chromium with the built module and a scripted gateway."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ops.testing import images
from ops.testing.commands import ROOT
from tests.support.browser import Browser
from tests.support.engine import Engine, free_port

pytestmark = pytest.mark.real
README = ROOT / "sdk" / "js" / "README.md"
HEAD = "<!doctype html><link rel=icon href=data:,><title>example</title>"
TOKEN = "e30.eyJzaWQiOiJkZW1vIiwic3ViIjoiYm9iIn0.x"  # {"sid": "demo", "sub": "bob"}
LIMITS = {"messages_ps": 20, "data_ps": 5, "message_bytes": 65536, "data_bytes": 16384, "ping_s": 15}
JOINED = {
    "version": 1,
    "session": "demo",
    "participant": "bob",
    "role": "viewer",
    "rights": ["view", "speak", "publish"],
    "name": "Alice",
    "region": "eu",
    "codec": "vp8",
    "slots": ["v1"],
    "resume": {"key": "k" * 32, "within_s": 45},
    "limits": LIMITS,
}
ANSWERS: dict[str, dict[str, Any]] = {"join": JOINED, "publish": {"role": "speaker"}}


class Gateway:
    """Answers what it can, keeps what it was asked, ends the session when it is offered a camera."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One socket."""
        socket = web.WebSocketResponse(protocols=("rtcdn.v1",))
        await socket.prepare(request)
        assert re.fullmatch("[0-9a-f]{32}", request.query["c"])
        async for message in socket:
            asked = message.json()
            self.asked.append(asked)
            if asked["type"] == "offer":
                await socket.send_json({"event": "closed", "reason": "removed", "by": "mod"})
            else:
                await socket.send_json({"re": asked["id"], "ok": True, **ANSWERS.get(asked["type"], {})})
        return socket


def built(folder: Path) -> None:
    """The SDK as it is deployed."""
    mounts = [f"--volume={ROOT / 'sdk' / 'js'}:/tree:ro", f"--volume={folder}:/out"]
    script = "cp -R /tree /build && /build/build.sh /out && chmod -R a+rwX /out"
    run = ["docker", "run", "--rm", "--network=none", *mounts, images.ensure("test-sdk"), "sh", "-c", script]
    made = subprocess.run(run, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[tuple[str, Gateway]]:
    """The example's page, with this server in the place of the deployment that it names."""
    await asyncio.to_thread(built, tmp_path)
    found = re.search(r"```html\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    assert len(found[1].splitlines()) <= 13, "ten lines, and those of a script element"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    page = HEAD + found[1].replace("https://host:8443", url)
    gateway = Gateway()

    async def example(_request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", example), web.get("/ws", gateway.serve), web.static("/sdk", tmp_path)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield url, gateway
    await runner.cleanup()


async def test_the_example_works_as_written(stand: tuple[str, Gateway]) -> None:
    """A click joins, goes on stage with camera and microphone, and says why it is over."""
    url, gateway = stand
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with Engine() as engine:
        async with Browser(engine) as browser:
            page = await browser.open(f"{url}/#token={TOKEN}")

            async def over(dialog: Any) -> None:
                said.set_result(dialog.message)
                await dialog.dismiss()

            page.on("dialog", over)
            await page.click("#join")
            assert await asyncio.wait_for(said, 30) == "It is over: removed"
            asked = {each["type"]: each for each in gateway.asked}
            assert [asked["join"][key] for key in ("session", "token", "name")] == ["demo", TOKEN, "Alice"]
            assert asked["join"]["offer"].count("m=video") == 5
            assert (asked["offer"]["purpose"], list(asked["offer"]["sources"].values())) == ("send", ["camera"])
            assert "a=simulcast:send h;m;l" in asked["offer"]["sdp"]
            assert browser.errors == []

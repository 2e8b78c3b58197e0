"""The SDK on the real browser: the suite that its fake media pass in node, and whole sessions on looped back media."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from ops.testing import images
from ops.testing.commands import ROOT
from tests.support.browser import Browser
from tests.support.engine import Engine, free_port

pytestmark = pytest.mark.real
PAGE = '<!doctype html><meta charset="utf-8"><title>suite</title><body><script type="module" src="/suite.js"></script>'


def bundle(name: str) -> str:
    """A program of the SDK's sources with what it tests, as one script."""
    tree = f"--volume={ROOT / 'sdk' / 'js'}:/tree:ro"
    command = f"esbuild /tree/src/{name}.chromium.ts --bundle --format=esm --target=es2022 --log-level=warning"
    run = ["docker", "run", "--rm", "--network=none", tree, images.ensure("test-sdk"), *command.split()]
    made = subprocess.run(run, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@contextlib.asynccontextmanager
async def served(name: str) -> AsyncIterator[str]:
    """A page that runs the program when it is opened."""
    script = await asyncio.to_thread(bundle, name)

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def suite(_request: web.Request) -> web.Response:
        return web.Response(text=script, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/suite.js", suite)])
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/"
    await runner.cleanup()


async def results(name: str) -> dict[str, str]:
    """What came of each case of a program."""
    async with served(name) as url:
        with Engine() as engine:
            async with Browser(engine) as browser:
                page = await browser.open(url)
                await browser.until(page, "window.suite !== undefined", timeout_s=200)
                found: dict[str, str] = await page.evaluate("window.suite")
    print(*(f"{case}: {result}" for case, result in found.items()), sep="\n")
    return found


async def test_the_real_media_pass_the_suite_of_the_fake() -> None:
    """Peers looped back in one page, Chromium's fake devices: every case holds."""
    found = await results("media")
    assert len(found) >= 14
    assert {case: result for case, result in found.items() if result != "passed"} == {}


async def test_sessions_on_real_media() -> None:
    """Moves, a cut socket, promotion, a screen: a fake gateway and real peers; gaps and times are printed."""
    found = await results("session")
    assert len(found) >= 5
    assert {case: result for case, result in found.items() if not result.startswith("passed")} == {}

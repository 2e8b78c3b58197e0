"""The SDK's media on the real browser: the suite that its fake passes in node."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from ops.testing import images
from ops.testing.commands import ROOT
from tests.support.browser import Browser
from tests.support.engine import Engine, free_port

pytestmark = pytest.mark.real
PAGE = '<!doctype html><meta charset="utf-8"><title>suite</title><body><script type="module" src="/suite.js"></script>'


def bundle(folder: Path) -> str:
    """The suite and what it tests as one script."""
    tree = f"--volume={ROOT / 'sdk' / 'js'}:/tree:ro"
    command = "esbuild /tree/src/media.chromium.ts --bundle --format=esm --target=es2022 --log-level=warning"
    run = ["docker", "run", "--rm", "--network=none", tree, images.ensure("test-sdk"), *command.split()]
    made = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A page that runs the suite when it is opened."""
    script = await asyncio.to_thread(bundle, tmp_path)

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


async def test_the_real_media_pass_the_suite_of_the_fake(url: str) -> None:
    """Peers looped back in one page, Chromium's fake devices: every case holds."""
    with Engine() as engine:
        async with Browser(engine) as browser:
            page = await browser.open(url)
            await browser.until(page, "window.suite !== undefined", timeout_s=150)
            found = await page.evaluate("window.suite")
    assert len(found) >= 14
    assert {name: result for name, result in found.items() if result != "passed"} == {}

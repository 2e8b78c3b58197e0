"""The page as it is shipped, for gateways under test: built by ``sdk/js/build.sh`` once per state of its sources."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from aiohttp import web

from ops.testing import images
from ops.testing.commands import ROOT
from ops.testing.machine import CACHE

SOURCES = ROOT / "sdk" / "js"
BUILD = "cp -R /tree /tmp/js && /tmp/js/build.sh /tmp/out >&2 && tar -c -C /tmp/out/page ."


def built() -> Path:
    """The folder that nginx serves."""
    found = hashlib.sha256()
    for path in sorted(each for each in SOURCES.rglob("*") if each.is_file()):
        found.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes())
    folder = CACHE / "page" / found.hexdigest()[:16]
    if not (folder / "index.html").is_file():
        tree = ["--rm", "--network=none", f"--volume={SOURCES}:/tree:ro"]
        command = ["docker", "run", *tree, images.ensure("test-sdk"), "sh", "-c", BUILD]
        made = subprocess.run(command, capture_output=True, check=False)
        assert made.returncode == 0, made.stderr.decode()
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
            archive.extractall(folder)
    return folder


def add_page(app: web.Application) -> None:
    """Let an application serve it at ``/``."""
    folder = built()

    async def answer(request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / (request.match_info["name"] or "index.html"))

    app.router.add_get("/{name:|(?:sdk/)?[a-z]+\\.(?:css|js|svg)}", answer)

"""Clients that are not ours: Debian's simple-whip-client and GStreamer publish; GStreamer views."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.support import hosts
from tests.support.clients import Viewer
from tests.support.engine import wait_for
from tests.support.site import Site

SESSION = "others"
CLIENTS = "rtcdn/test-media-clients:latest"
GST_CLIENT = Path(__file__).resolve().parents[1] / "images" / "media-clients" / "gst_client.py"


@pytest.fixture(scope="module")
def site(deployment: Site) -> Iterator[Site]:
    """The deployment with a session of its own for these clients."""
    deployment.open(SESSION)
    yield deployment
    deployment.close(SESSION)


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the deployment."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as made:
        yield made


@pytest.fixture
def client(net: str, site: Site, request: pytest.FixtureRequest) -> Iterator[hosts.Host]:
    """A container with the clients that trusts the deployment's authority as a system would."""
    name = f"{net}-client-{os.getpid()}"
    hosts.docker("run", "--detach", "--name", name, "--label", hosts.label(), "--network", net, CLIENTS, "sleep", "900")
    made = hosts.Host(name)
    made.put(site.state() / "pki" / "ca.crt", "/usr/local/share/ca-certificates/rtcdn.crt")
    made.run("update-ca-certificates")
    yield made
    made.remove()


async def test_simple_whip_client_publishes(
    site: Site, net: str, client: hosts.Host, http: aiohttp.ClientSession
) -> None:
    """What it sends by GStreamer is seen and heard by a viewer."""
    token = site.admit(SESSION, "whip-client", "speaker")
    audio = (
        "audiotestsrc is-live=true wave=sine freq=660 ! audioconvert ! audioresample ! queue"
        " ! opusenc perfect-timestamp=true"
        " ! rtpopuspay pt=100 ssrc=1 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
    )
    video = (
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert"
        " ! queue ! vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 ssrc=2 ! queue"
        " ! application/x-rtp,media=video,encoding-name=VP8,payload=96"
    )
    words = ["exec", "--detach", "--env", f"WHIP_TOKEN={token}", client.name, "sh", "-c"]
    command = f'whip-client -u {site.url}/whip/{SESSION} -t "$WHIP_TOKEN" -A "{audio}" -V "{video}"'
    hosts.docker(*words, f"exec {command} > /tmp/log 2>&1")
    viewer = await Viewer.join(http, f"{site.url}/whep/{SESSION}", site.admit(SESSION, "watcher"))
    try:
        await viewer.sees(frames=10, timeout_s=30)
        await viewer.hears(660, timeout_s=20)
    except (TimeoutError, AssertionError) as error:
        pytest.fail(f"{error!r}; the client says:\n{client.run('tail', '-n', '30', '/tmp/log')}")
    finally:
        await viewer.leave()


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_gstreamer_publishes_and_watches(site: Site, net: str, client: hosts.Host, codec: str) -> None:
    """One webrtcbin publishes, another one decodes his pictures, in a session of each codec."""
    session = f"gst-{codec}"
    site.open(session, codec=codec)
    try:
        tokens = {"publish": site.admit(session, "sender", "speaker"), "watch": site.admit(session, "receiver")}
        way = {"publish": "whip", "watch": "whep"}
        client.put(GST_CLIENT, "/gst_client.py")
        for what in ("publish", "watch"):
            command = f"python3 /gst_client.py {what} {site.url}/{way[what]}/{session} --codec {codec} --seconds 60"
            words = ["exec", "--detach", "--env", f"WHIP_TOKEN={tokens[what]}", client.name, "sh", "-c"]
            hosts.docker(*words, f"exec {command} > /tmp/{what}.log 2>&1")
            log = partial(client.run, "cat", f"/tmp/{what}.log")
            await asyncio.to_thread(wait_for, lambda log=log: "connected" in log(), f"{what}: connected", 30, 0.5)
        await asyncio.to_thread(wait_for, lambda: "frames 31" in log(), "30 decoded pictures", 30, 0.5)
    finally:
        site.close(session)

"""Capture the offers that real clients make, for tests/data/offers (see its README).

    python3 tests/support/capture_offers.py --listen 198.18.43.1:9792 --name chromium

Serves a page at ``/`` that makes one offer of each shape and POSTs it to ``/offer/<shape>``; native WHIP clients POST
to ``/whip/<shape>`` and are refused after their offer is kept. Each is written to ``<name>-<shape>.sdp``.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from aiohttp import web

OFFERS = Path(__file__).parent.parent / "data" / "offers"
DONE = web.AppKey("done", asyncio.Event)
PAGE = """<!doctype html><meta charset=utf-8><title>capture</title><pre id=o>…</pre><script>
const post = (path, body) => fetch(path, {method: 'POST', body});
async function keep(shape, prepare) {
  const pc = new RTCPeerConnection();
  await prepare(pc);
  await pc.setLocalDescription(await pc.createOffer());
  await post('/offer/' + shape, pc.localDescription.sdp);
  pc.close();
}
const rids = [{rid: 'h'}, {rid: 'm', scaleResolutionDownBy: 2}, {rid: 'l', scaleResolutionDownBy: 4}];
(async () => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720}});
  const [audio, video] = [stream.getAudioTracks()[0], stream.getVideoTracks()[0]];
  const only = (transceiver, codec) => transceiver.setCodecPreferences && transceiver.setCodecPreferences(
    RTCRtpSender.getCapabilities('video').codecs.filter(c => c.mimeType.toLowerCase() === 'video/' + codec));
  const send = (pc, track, more) => pc.addTransceiver(track, {direction: 'sendonly', ...more});
  const watch = n => async pc => {
    pc.addTransceiver('audio', {direction: 'recvonly'});
    for (let i = 0; i < n; i++) pc.addTransceiver('video', {direction: 'recvonly'});
  };
  await keep('publish', async pc => { send(pc, audio); send(pc, video); });
  await keep('publish-video-first', async pc => { send(pc, video); send(pc, audio); });
  await keep('publish-simulcast', async pc => { send(pc, audio); send(pc, video, {sendEncodings: rids}); });
  await keep('publish-h264', async pc => { send(pc, audio); only(send(pc, video), 'h264'); });
  await keep('publish-vp9', async pc => { send(pc, audio); only(send(pc, video), 'vp9'); });
  await keep('publish-sendrecv', async pc => { pc.addTrack(audio, stream); pc.addTrack(video, stream); });
  await keep('publish-audio', async pc => { send(pc, audio); });
  await keep('watch-1', watch(1));
  await keep('watch-4', watch(4));
  await keep('watch-audio', watch(0));
  await keep('data-only', async pc => { pc.createDataChannel('x'); });
  await post('/done', navigator.userAgent);
  document.getElementById('o').textContent = 'done';
})().catch(error => post('/done', 'ERROR ' + error));
</script>"""


def application(name: str) -> web.Application:
    """The server that writes offers under ``name``."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def keep(request: web.Request) -> web.Response:
        path = OFFERS / f"{name}-{request.match_info['shape']}.sdp"
        path.write_bytes(await request.read())
        print("kept", path.name, flush=True)
        if request.path.startswith("/whip/"):
            request.app[DONE].set()
            return web.Response(status=406, text="only listening")
        return web.Response(text="ok")

    async def done(request: web.Request) -> web.Response:
        print("done", await request.text(), flush=True)
        request.app[DONE].set()
        return web.Response(text="ok")

    app = web.Application()
    app[DONE] = asyncio.Event()
    app.router.add_get("/", page)
    app.router.add_post("/offer/{shape}", keep)
    app.router.add_post("/whip/{shape}", keep)
    app.router.add_post("/done", done)
    return app


async def main() -> None:
    """Serve until the page says it is done, or a native client came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    host, _, port = options.listen.partition(":")
    app = application(options.name)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, int(port)).start()
    async with asyncio.timeout(30):
        await app[DONE].wait()
    await asyncio.sleep(0.2)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())

"""WHIP and WHEP by GStreamer's webrtcbin, all candidates in the offer.

gst_client.py publish|watch URL [--codec vp8|h264] [--tone HZ] [--seconds N]     (the token is in WHIP_TOKEN)

Prints ``offered``, ``answered <status>``, ``connected``, and for watch each second ``frames <n>`` decoded pictures.
"""

import argparse
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENCODERS = {
    "vp8": "vp8enc deadline=1 keyframe-max-dist=60 ! rtpvp8pay pt=96 picture-id-mode=15-bit",
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency",
}
NAMES = {"vp8": "VP8", "h264": "H264"}
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


def say(*words):
    """A line for whoever reads our output."""
    print(*words, flush=True)


def call(method, url, body=None):
    """Status, headers and text of one HTTP request."""
    headers = {"Authorization": "Bearer " + os.environ.get("WHIP_TOKEN", ""), "Content-Type": "application/sdp"}
    request = urllib.request.Request(url, body and body.encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, context=TLS, timeout=20) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Client:
    """One webrtcbin and its resource."""

    def __init__(self, options, loop):
        self.options, self.loop, self.resource, self.frames = options, loop, "", 0  # resource: its URL
        self.kept = []
        self.pipeline = Gst.Pipeline.new()
        self.pipeline.add(Gst.parse_bin_from_description(self.description(), False))
        self.bin = self.pipeline.get_by_name("w")
        self.bin.connect("notify::connection-state", self.state)
        self.bin.connect("pad-added", self.incoming)
        if options.what == "watch":
            for kind, name, rate, pt in (("audio", "OPUS", 48000, 111), ("video", NAMES[options.codec], 90000, 96)):
                caps = f"application/x-rtp,media={kind},encoding-name={name},clock-rate={rate},payload={pt}"
                only = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.bin.emit("add-transceiver", only, Gst.caps_from_string(caps))
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add(300, self.offer)

    def description(self):
        """The pipeline's text."""
        head = "webrtcbin name=w bundle-policy=max-bundle "
        if self.options.what == "watch":
            return head
        video = (
            "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=15/1"
            f" ! videoconvert ! {ENCODERS[self.options.codec]}"
        )
        audio = (
            f"audiotestsrc is-live=true volume=0.3 freq={self.options.tone} ! audioconvert ! audioresample"
            " ! opusenc ! rtpopuspay pt=111"
        )
        rtp = "application/x-rtp,media={},encoding-name={},payload={}"
        return (
            head
            + f"{audio} ! {rtp.format('audio', 'OPUS', 111)} ! w. "
            + f"{video} ! {rtp.format('video', NAMES[self.options.codec], 96)} ! w. "
        )

    def offer(self):
        """Make the offer; candidates come into it by themselves."""
        self.bin.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered, None))
        return False

    def offered(self, promise, _):
        """Set it as ours: gathering starts."""
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        text = offer.sdp.as_text()  # each of these lives only as long as the one before it
        description = self.description_of(GstWebRTC.WebRTCSDPType.OFFER, text)
        self.bin.emit("set-local-description", description, Gst.Promise.new())
        say("offered")
        GLib.timeout_add(500, self.post)

    def description_of(self, kind, text):
        """A description of ``text``. It owns its message, which Python must not free as well."""
        _, message = GstSdp.SDPMessage.new_from_text(text)
        self.kept.append(message)
        return GstWebRTC.WebRTCSessionDescription.new(kind, message)

    def post(self):
        """POST the offer with the candidates of this host, set the answer."""
        ours = self.bin.get_property("local-description")
        status, headers, text = call("POST", self.options.url, ours.sdp.as_text())
        say("answered", status, "" if status == 201 else text)
        if status != 201:
            self.loop.quit()
            return False
        self.resource = urllib.parse.urljoin(self.options.url, headers["Location"])
        answer = self.description_of(GstWebRTC.WebRTCSDPType.ANSWER, text)
        self.bin.emit("set-remote-description", answer, Gst.Promise.new())
        return False

    def state(self, *_):
        """Say what became of the connection."""
        say(self.bin.get_property("connection-state").value_nick)

    def incoming(self, _, pad):
        """Decode what comes; count pictures."""
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        decode = Gst.ElementFactory.make("decodebin")
        decode.connect("pad-added", self.decoded)
        self.bin.get_parent().add(decode)  # beside webrtcbin: pads of different bins cannot be linked
        decode.sync_state_with_parent()
        pad.link(decode.get_static_pad("sink"))

    def decoded(self, _, pad):
        """Throw it away after counting."""
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("signal-handoffs", pad.get_current_caps().to_string().startswith("video"))
        sink.connect("handoff", self.count)
        self.bin.get_parent().add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def count(self, *_):
        """One picture more."""
        self.frames += 1
        if self.frames % 15 == 1:
            say("frames", self.frames)

    def close(self):
        """DELETE the resource."""
        if self.resource.startswith("http"):
            say("deleted", call("DELETE", self.resource)[0])
        self.pipeline.set_state(Gst.State.NULL)


def main():
    """Run for ``--seconds``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("publish", "watch"))
    parser.add_argument("url")
    parser.add_argument("--codec", choices=tuple(NAMES), default="vp8")
    parser.add_argument("--tone", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    Gst.init(None)
    loop = GLib.MainLoop()
    client = Client(options, loop)
    GLib.timeout_add_seconds(options.seconds, loop.quit)
    loop.run()
    client.close()
    sys.stdout.flush()
    os._exit(0 if client.resource.startswith("http") else 1)  # what both sides own is freed by nobody


if __name__ == "__main__":
    main()

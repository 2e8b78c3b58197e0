"""The plugins of ``fake_janus``: their state, their answers, their error codes, as captured from 1.4.1."""

from __future__ import annotations

from rtcdn.model import Kind
from tests.support.fake_plugin import FakePlugin, Json, Refused, Reply
from tests.support.fake_remotes import FakeRemotes


class FakeVideoRoom(FakeRemotes):
    """VideoRoom."""

    name = "videoroom"
    none, exists, unauthorized = 426, 427, 433

    def do_kick(self, body: Json) -> Json:
        return self._kick(body, 428)

    def do_listforwarders(self, body: Json) -> Json:
        rows = [row for row in self._context(body).forwarders if row["publisher"] in self.contexts[body["room"]].people]
        names = dict.fromkeys(row["publisher"] for row in rows)
        told = [{"publisher_id": n, "forwarders": [r for r in rows if r["publisher"] == n]} for n in names]
        return {"kind": "forwarders", "publishers": told}

    def do_rtp_forward(self, body: Json) -> Json:
        self._admin(body)
        context = self._context(body)
        if body["publisher_id"] not in context.people:
            raise Refused(428, f"No such feed ({body['publisher_id']})")
        suffixes = ((stream, suffix) for stream in body["streams"] for suffix in ("", "_2", "_3"))
        made = [self._forwarder(body, stream, end) for stream, end in suffixes if f"port{end}" in stream]
        context.forwarders += made
        return {"kind": "rtp_forward", "publisher_id": body["publisher_id"], "forwarders": made}

    def _forwarder(self, body: Json, stream: Json, suffix: str) -> Json:
        row = {
            "stream_id": next(self.numbers),
            "publisher": body["publisher_id"],
            "host": body["host"],
            "port": stream[f"port{suffix}"],
            "type": "audio" if stream["pt"] == 111 else "video",
            "ssrc": stream.get(f"ssrc{suffix}", 0),
            **({"srtp": True} if "srtp_suite" in body else {}),  # in a stream it means nothing
        }
        return row | ({"local_rtcp_port": next(self.ports)} if not suffix and stream.get("rtcp_port") else {})

    def do_stop_rtp_forward(self, body: Json) -> Json:
        context = self._context(body)
        kept = [row for row in context.forwarders if row["stream_id"] != body["stream_id"]]
        if len(kept) == len(context.forwarders):
            raise Refused(428, f"No such stream ({body['stream_id']})")
        context.forwarders = kept
        return {"kind": "stop_rtp_forward"}

    def handle_join(self, body: Json, state: Json, _: Json | None) -> Reply:
        context = self._context(body, secret=False)
        if body.get("pin") != context.pin:
            raise Refused(433, "Unauthorized (wrong pin)")
        if body["id"] in context.people:
            raise Refused(436, f"User ID {body['id']} already exists")
        context.people[body["id"]] = {"publisher": False}
        state |= {"room": context.id, "id": body["id"]}
        return Reply({"videoroom": "joined", "room": context.id, "id": body["id"], "publishers": []})

    def handle_publish(self, _: Json, state: Json, jsep: Json | None) -> Reply:
        self.contexts[state["room"]].people[state["id"]]["publisher"] = True
        data = {"videoroom": "event", "room": state["room"], "configured": "ok", "streams": _streams(jsep)}
        return Reply(data, jsep=_answer(jsep))

    def handle_configure(self, body: Json, state: Json, jsep: Json | None) -> Reply:
        return Reply({"videoroom": "event", "room": state.get("room"), "configured": "ok"}, jsep=_answer(jsep))

    def handle_joinandconfigure(self, body: Json, state: Json, jsep: Json | None) -> Reply:
        joined = self.handle_join(body, state, None)
        published = self.handle_publish(body, state, jsep)
        return Reply(joined.data | {"streams": published.data["streams"]}, jsep=published.jsep)


class FakeAudioBridge(FakePlugin):
    """AudioBridge."""

    name = "audiobridge"
    none, exists, unauthorized = 485, 486, 489

    def do_kick(self, body: Json) -> Json:
        return self._kick(body, 492)

    def do_listforwarders(self, body: Json) -> Json:
        return {"kind": "forwarders", "rtp_forwarders": list(self._context(body).forwarders)}

    def do_rtp_forward(self, body: Json) -> Json:
        self._admin(body)
        row = {"stream_id": next(self.numbers), "ip": body["host"], "port": body["port"], "ssrc": body["ssrc"]}
        row |= {"group": body["group"]} if "group" in body else {}
        row |= {"srtp": True} if "srtp_suite" in body else {}
        self._context(body).forwarders.append(row)
        return {"stream_id": row["stream_id"]}

    def do_stop_rtp_forward(self, body: Json) -> Json:
        context = self._context(body)
        context.forwarders = [row for row in context.forwarders if row["stream_id"] != body["stream_id"]]
        return {}

    def handle_join(self, body: Json, state: Json, _: Json | None) -> Reply:
        context = self._context(body, secret=False)
        if body.get("pin") != context.pin:
            raise Refused(489, "Unauthorized (wrong pin)")
        if body["id"] in context.people:
            raise Refused(490, f"User ID {body['id']} already exists")
        context.people[body["id"]] = {"muted": False}
        state |= {"room": context.id, "id": body["id"]}
        data: Json = {"audiobridge": "joined", "room": context.id, "id": body["id"], "participants": []}
        if "rtp" in body:
            port = next(self.ports)
            state["plain-rtp"] = {"local-ip": self.media_ip, "local-port": port}
            state["two-way"] = "generate_offer" in body
            data["rtp"] = {"ip": self.media_ip, "port": port, "payload_type": body["rtp"].get("payload_type")}
        return Reply(data)

    def handle_configure(self, body: Json, state: Json, _: Json | None) -> Reply:
        if "rtp" in body and state.get("two-way"):  # else it says ok all the same
            state["plain-rtp"] |= {"remote-ip": body["rtp"]["ip"], "remote-port": body["rtp"]["port"]}
        return Reply({"audiobridge": "event", "result": "ok"})


class FakeStreaming(FakePlugin):
    """Streaming."""

    name = "streaming"
    id_field = "id"
    none, exists, unauthorized = 455, 456, 457

    def do_create(self, body: Json) -> Json:
        super().do_create(body)
        context = self.contexts[body["id"]]
        for medium in body["media"]:
            row = {"type": medium["type"], "mid": medium["mid"], "port": next(self.ports)}
            if medium["type"] == "video":
                row |= {name: next(self.ports) for name in ("rtcp_port", "port_2", "port_3")}
            context.media.append(row)
        return {"kind": "created", "created": body["id"], "stream": {"id": body["id"], "ports": context.media}}

    def do_info(self, body: Json) -> Json:
        context = self._context(body)
        names = {"rtcp_port": "rtcpport", "port_2": "port2", "port_3": "port3"}
        media = [{names.get(key, key): value for key, value in row.items()} | {"age_ms": 5} for row in context.media]
        return {"kind": "info", "info": {"id": context.id, "viewers": context.viewers, "media": media}}

    def handle_watch(self, body: Json, state: Json, jsep: Json | None) -> Reply:
        context = self._context(body, secret=False)
        if body.get("pin") != context.pin:
            raise Refused(457, "Unauthorized (wrong pin)")
        context.viewers += 1
        state |= {"mountpoint": context.id}
        mids = {str(n): row["type"] for n, row in enumerate(context.media)}
        lines = [line for mid, kind in mids.items() for line in (f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", f"a=mid:{mid}")]
        own = {"type": "offer", "sdp": "\r\n".join(["v=0", *lines, ""])}
        status = "starting" if jsep else "preparing"
        return Reply({"streaming": "event", "result": {"status": status}}, jsep=_answer(jsep) or own)

    def handle_start(self, _: Json, __: Json, ___: Json | None) -> Reply:
        return Reply({"streaming": "event", "result": {"status": "starting"}})

    def handle_pause(self, _: Json, __: Json, ___: Json | None) -> Reply:
        return Reply({"streaming": "event", "result": {"status": "pausing"}})

    def left(self, state: Json) -> None:
        context = self.contexts.get(state.pop("mountpoint", ""))
        if context:
            context.viewers -= 1


def _streams(jsep: Json | None) -> list[Json]:
    kinds = [line[2:].split()[0] for line in (jsep or {}).get("sdp", "").splitlines() if line.startswith("m=")]
    codec = {"audio": "opus", "video": "vp8"}
    return [{"type": k, "mindex": n, "mid": str(n), "codec": codec.get(k, "")} for n, k in enumerate(kinds)]


def _answer(jsep: Json | None) -> Json | None:
    return {"type": "answer", "sdp": jsep["sdp"].replace("a=sendonly", "a=recvonly")} if jsep else None


PLUGINS = {Kind.VR: FakeVideoRoom, Kind.AB: FakeAudioBridge, Kind.ST: FakeStreaming}

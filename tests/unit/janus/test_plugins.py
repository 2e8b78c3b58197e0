"""Requests as 1.4.1 wants them, and its answers as captured in tests/data/janus/answers.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtcdn.errors import NodeRefused
from rtcdn.janus.plugins import ContextKeys, Srtp, audiobridge, streaming, videoroom
from rtcdn.janus.protocol import plugin_answer
from rtcdn.model import Codec, ForwarderInfo, MountpointMedia, PublisherInfo, StreamInfo

GOLDEN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "janus" / "answers.json").read_text()
)
KEYS = ContextKeys("admin", "secret", "pin")
SLOT = MountpointMedia("v1", "video", 30001, 30003, 30004, 30002)


def golden(plugin: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = GOLDEN[plugin][name]
    return found


# ---- answers


@pytest.mark.parametrize(("plugin", "name"), [(p, n) for p in GOLDEN for n in GOLDEN[p] if "-error-" in n])
def test_every_captured_error_is_a_refusal_with_its_code(plugin: str, name: str) -> None:
    """The code is the plugin's own."""
    with pytest.raises(NodeRefused) as refused:
        plugin_answer(golden(plugin, name))
    assert refused.value.code == int(name.rsplit("-", 1)[1])
    assert refused.value.reason


def test_codes_that_operations_rely_on_are_those_captured() -> None:
    """Exists and not there, per plugin."""
    assert f"create-error-{videoroom.ROOM_EXISTS}" in GOLDEN["videoroom"]
    assert f"destroy-error-{videoroom.NO_SUCH_ROOM}" in GOLDEN["videoroom"]
    assert f"rtp_forward-error-{videoroom.NO_SUCH_FEED}" in GOLDEN["videoroom"]
    assert f"create-error-{streaming.MOUNTPOINT_EXISTS}" in GOLDEN["streaming"]
    assert f"destroy-error-{streaming.NO_SUCH_MOUNTPOINT}" in GOLDEN["streaming"]
    assert f"create-error-{audiobridge.ROOM_EXISTS}" in GOLDEN["audiobridge"]


def test_forwarders_are_read_alike_from_both_answers() -> None:
    """``rtp_forward`` answers one publisher, ``listforwarders`` a list of them."""
    made = videoroom.read_forwarders(golden("videoroom", "rtp_forward"))
    assert [(f.publisher, f.port, f.ssrc) for f in made] == [
        ("rp", 30000, 5000),
        ("rp", 30002, 5001),
        ("rp", 30003, 5002),
    ]
    assert [bool(f.local_rtcp_port) for f in made] == [True, False, False]
    listed = videoroom.read_forwarders(golden("videoroom", "listforwarders"))
    assert set(made) <= set(listed)
    assert made[0].info() == ForwarderInfo(made[0].stream_id, "198.18.42.13", 30000, "video", "rp")


def test_rooms_and_people_are_read() -> None:
    """Publishers without streams: that list does not tell them."""
    assert videoroom.read_rooms(golden("videoroom", "list")) == (videoroom.RoomInfo("s/ingress-a", 0),)
    people = videoroom.read_publishers(golden("videoroom", "listparticipants"))
    assert people == (PublisherInfo("rp", (), remote=True),)
    assert audiobridge.read_rooms(golden("audiobridge", "list")) == (audiobridge.RoomInfo("s/mix-c", 0),)
    (link,) = audiobridge.read_participants(golden("audiobridge", "listparticipants"))
    assert (link.id, link.is_link, link.suspended) == ("link~voice-x", True, False)
    assert audiobridge.read_forwarders(golden("audiobridge", "listforwarders")) == (
        ForwarderInfo(45638312, "198.18.42.13", 30000, "audio"),
    )


def test_a_stage_is_read_alike_from_create_and_info() -> None:
    """The two spell ports differently."""
    made = streaming.read_created(golden("streaming", "create"))
    info = streaming.read_info(golden("streaming", "info"))
    assert made[1] == MountpointMedia("v1", "video", 30001, 30003, 30004, 30002)
    assert [(m.mid, m.port, m.port_2, m.port_3, m.rtcp_port) for m in info.media] == [
        (m.mid, m.port, m.port_2, m.port_3, m.rtcp_port) for m in made
    ]
    assert (info.id, info.viewers) == ("s/stage-b", 0)
    assert all(medium.age_ms >= 0 for medium in info.media)
    assert streaming.read_mountpoints(golden("streaming", "list")) == ("s/stage-b",)


def test_the_port_of_a_plain_participant_is_told_twice() -> None:
    """In the answer to his join, and in the Admin API's view of his handle."""
    joined = golden("core", "rest-event-joined")["plugindata"]["data"]
    info = golden("core", "handle_info-rtp")["info"]
    assert audiobridge.read_rtp_port(joined) == 30000
    assert audiobridge.read_handle_rtp_port(info, "s/mix-c", "link~voice-x") == 30000
    assert audiobridge.read_handle_rtp_port(info, "s/mix-c", "link~voice-y") == 0
    assert audiobridge.read_handle_rtp_port(info, "t/mix-c", "link~voice-x") == 0


@pytest.mark.parametrize("answer", [{}, {"list": 3}, {"list": [1, None]}, {"publishers": "x"}, {"info": []}])
def test_answers_that_do_not_fit_are_read_as_empty(answer: dict[str, Any]) -> None:
    """Text of another machine is read without raising."""
    assert videoroom.read_rooms(answer) == ()
    assert videoroom.read_forwarders(answer) == ()
    assert audiobridge.read_participants(answer) == ()
    assert streaming.read_info(answer).media == ()
    assert streaming.read_created(answer) == ()
    assert audiobridge.read_rtp_port(answer) == 0


def test_streams_of_a_publisher_are_read() -> None:
    """Disabled ones and data are left out; both spellings of the profile are known."""
    rows: list[dict[str, Any]] = [
        {"type": "audio", "mindex": 0, "mid": "0", "codec": "opus"},
        {"type": "video", "mindex": 1, "mid": "1", "codec": "h264", "h264_profile": "42e01f", "simulcast": True},
        {"type": "video", "mindex": 2, "mid": "2", "disabled": True},
        {"type": "data", "mindex": 3, "mid": "3"},
    ]
    assert videoroom.read_streams(rows) == (
        StreamInfo("audio", "0", "opus"),
        StreamInfo("video", "1", "h264", simulcast=True, h264_profile="42e01f"),
    )


# ---- requests


def test_a_plain_source_goes_to_all_three_ports_with_ssrcs_of_their_own() -> None:
    """Only the first has rtcp."""
    assert videoroom.slot_streams("1", simulcast=False, target=SLOT, ssrc=700) == [
        {"mid": "1", "port": 30001, "rtcp_port": 30002, "pt": 96, "ssrc": 700},
        {"mid": "1", "port": 30003, "pt": 96, "ssrc": 701},
        {"mid": "1", "port": 30004, "pt": 96, "ssrc": 702},
    ]


def test_a_simulcast_source_sends_each_layer_to_its_port() -> None:
    """One stream entry; ssrcs differ too."""
    (stream,) = videoroom.slot_streams("1", simulcast=True, target=SLOT, ssrc=700)
    assert (stream["port"], stream["port_2"], stream["port_3"]) == (30001, 30003, 30004)
    assert (stream["ssrc"], stream["ssrc_2"], stream["ssrc_3"]) == (700, 701, 702)
    assert stream["rtcp_port"] == 30002


def test_encrypted_links_carry_their_key_in_every_stream() -> None:
    """The mountpoint and the forwarder spell it differently; it does not show in logs."""
    srtp = Srtp(80, "a2V5")
    streams = videoroom.slot_streams("1", simulcast=False, target=SLOT, ssrc=1)
    stage = streaming.create_stage("s/x", KEYS, Codec.VP8, ("v1",), srtp=srtp)
    assert (stage["srtpsuite"], stage["srtpcrypto"]) == (80, "a2V5")
    assert not any("srtpcrypto" in medium for medium in stage["media"])
    for body in (
        videoroom.rtp_forward("s/r", KEYS, "ann", "192.0.2.1", streams, srtp=srtp),
        videoroom.publish_remotely("s/r", KEYS, "ann", "link", ("192.0.2.1", 1, 2), srtp=srtp),
        videoroom.add_remote_publisher("s/r", KEYS, "ann", [], srtp),
        audiobridge.rtp_forward("s/m", KEYS, "192.0.2.1", 1, ssrc=1, srtp=srtp),
    ):
        assert (body["srtp_suite"], body["srtp_crypto"]) == (80, "a2V5")
        assert not any("srtp_crypto" in stream for stream in body.get("streams", ()))
    assert "a2V5" not in repr(srtp)


def test_a_stage_of_h264_names_its_profile() -> None:
    """Constrained baseline, packetization-mode 1; VP8 needs no such line."""
    (_, video) = streaming.create_stage("s/x", KEYS, Codec.H264, ("v1",), iface="127.0.0.1")["media"]
    assert (video["codec"], video["fmtp"]) == ("h264", "profile-level-id=42e01f;packetization-mode=1")
    assert video["iface"] == "127.0.0.1"
    assert "fmtp" not in streaming.create_stage("s/x", KEYS, Codec.VP8, ("v1",))["media"][1]


def test_faults_of_this_version_are_worked_round() -> None:
    """Disable never closes a recorder that is not there; forwards of a mix are always on; contexts are private."""
    assert streaming.disable("s/x", KEYS)["stop_recording"] is False
    assert audiobridge.rtp_forward("s/x", KEYS, "h", 1, ssrc=5)["always_on"] is True
    made = (
        videoroom.create("s/x", KEYS, Codec.VP8, 4, 1000),
        audiobridge.create("s/x", KEYS),
        streaming.create_stage("s/x", KEYS, Codec.VP8, ("v1",)),
    )
    for body in made:
        assert (body["is_private"], body["secret"], body["pin"]) == (True, "secret", "pin")
    assert made[1]["groups"] == ["local", "remote"]


def test_keys_of_a_context_do_not_show() -> None:
    """The repr of a record may end in a log."""
    assert not {"admin", "secret", "pin"} & set(repr(KEYS).replace("(", " ").replace(")", " ").split())

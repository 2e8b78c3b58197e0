"""Remote links on the Janus of tests: made once, made whole, made anew, and what they say of a publisher's streams."""

from __future__ import annotations

import pytest

from rtcdn.janus.plugins import videoroom
from rtcdn.janus.remotes import End, has_remote, remotes_of, start_remote, stop_sending
from rtcdn.model import Codec, Kind, Leg, StreamInfo
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets
from tests.support.janus_world import make_client

SOUND, PICTURE = StreamInfo("audio", "0", "opus"), StreamInfo("video", "1", "vp8")
LEG = Leg("publish", Kind.VR, streams=(SOUND, PICTURE))
LINK = "remote-ann-b"


@pytest.fixture
def nodes() -> tuple[FakeJanus, FakeJanus]:
    return FakeJanus(Kind.VR, fresh_secrets()), FakeJanus(Kind.VR, fresh_secrets())


@pytest.fixture
def ends(nodes: tuple[FakeJanus, FakeJanus]) -> tuple[End, End]:
    """Two rooms on two nodes; ann publishes in the first."""
    made = []
    for janus, name in zip(nodes, "ab", strict=True):
        urls = "http://node/admin", "http://node/janus"
        client = make_client(Kind.VR, *urls, janus.secrets, janus.transport(), [], f"127.0.0.{ord(name)}")
        client.ensure_room(f"s/ingress-{name}", Codec.VP8, 8, 1_500_000)
        made.append(End(client, f"s/ingress-{name}"))
    nodes[0].plugin.contexts["s/ingress-a"].people["ann"] = {"publisher": True}
    return made[0], made[1]


def test_a_link_that_stands_is_adopted(ends: tuple[End, End]) -> None:
    """Started twice it has the ports of the first time; anew it has others."""
    start_remote(*ends, "ann", LINK, LEG)
    first = remotes_of(ends[0], "ann")
    assert [(each.id, each.publisher, each.host) for each in first] == [(LINK, "ann", ends[1].node.media_ip)]
    assert has_remote(ends[1], "ann")
    start_remote(*ends, "ann", LINK, LEG)
    assert remotes_of(ends[0], "ann") == first
    start_remote(*ends, "ann", LINK, LEG, anew=True)
    again = remotes_of(ends[0], "ann")
    assert len(again) == 1
    assert again[0].port != first[0].port


@pytest.mark.parametrize("gone", ["near", "far"])
def test_half_a_link_is_made_again(nodes: tuple[FakeJanus, FakeJanus], ends: tuple[End, End], gone: str) -> None:
    """A port is told once only: what is left of a link cannot be used."""
    start_remote(*ends, "ann", LINK, LEG)
    first = remotes_of(ends[0], "ann")
    if gone == "near":
        stop_sending(ends[0], "ann", LINK)
    else:
        nodes[1].plugin.contexts["s/ingress-b"].people.clear()
    start_remote(*ends, "ann", LINK, LEG)
    assert has_remote(ends[1], "ann")
    assert [each.port for each in remotes_of(ends[0], "ann")] != [each.port for each in first]


def test_other_links_of_a_publisher_are_left_alone(ends: tuple[End, End]) -> None:
    """Each has its own id."""
    start_remote(*ends, "ann", LINK, LEG)
    start_remote(ends[0], ends[1], "ann", "remote-ann-c", LEG, anew=True)
    stop_sending(ends[0], "ann", "remote-ann-c")
    assert [each.id for each in remotes_of(ends[0], "ann")] == [LINK]


def test_streams_are_told_with_their_lines() -> None:
    """A line that is known counts, else the number that a mid is, else its place; a profile only where there is one."""
    streams = (StreamInfo("video", "v", "h264", h264_profile="42e01f"), PICTURE, StreamInfo("video", "2", "vp8", True))
    assert videoroom.remote_streams(streams, {"2": 7}) == [
        {"type": "video", "mindex": 0, "mid": "v", "codec": "h264", "h264_profile": "42e01f"},
        {"type": "video", "mindex": 1, "mid": "1", "codec": "vp8"},
        {"type": "video", "mindex": 7, "mid": "2", "codec": "vp8", "simulcast": True},
    ]
    info = {"plugin_specific": {"streams": [{"mid": "0", "mindex": 0}, {"mid": "5", "mindex": 1}, "rubbish"]}}
    assert videoroom.read_lines(info) == {"0": 0, "5": 1}
    assert videoroom.read_lines({}) == {}

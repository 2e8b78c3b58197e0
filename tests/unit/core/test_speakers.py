"""Speakers of an archipelago: slots, voices, takeovers."""

from __future__ import annotations

from dataclasses import replace

from broker.core.actions import RepointLink
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Leave, MediaDown, MediaUp, Talking
from rtcdn.model import Codec, Role
from tests.unit.core.worlds import (
    AUDIO,
    CAMERA,
    SCREEN,
    SIMULCAST,
    attach,
    continents,
    local,
    opened,
    shown,
    speaks,
    steps,
    voices,
)


def test_the_first_speaker_is_seen_in_v1_and_heard() -> None:
    """His links go to every stage; the attach itself needs no leader."""
    world = local(stages=2, handles=20)
    opened(world, local=30)
    granted = attach(world, "alice", "publish")
    assert isinstance(granted, Decision)
    assert granted.grant is not None
    assert not granted.needs_leader
    leg = granted.grant.legs[0]
    assert (leg.node, leg.context, leg.bitrate_bps) == ("vr1", "demo/ingress-vr1", 1_500_000)
    up = world.ask(MediaUp("demo", "alice", "publish", 1, 1, 2, (AUDIO, CAMERA)))
    assert steps(up) == ["start_link v1-st1", "start_link v1-st2", "start_link voice-alice"]
    assert world.vmap.check() == []


def test_simulcast_mid_and_source_stand_in_the_link() -> None:
    """As Janus described the streams."""
    world = local()
    opened(world)
    speaks(world, "alice", (AUDIO, SIMULCAST))
    link = world.vmap.sessions["demo"].links["v1-st1"]
    assert (link.mid, link.simulcast, link.source, link.target) == ("1", True, "ingress-vr1", "stage-st1")


def test_a_second_video_is_the_screen() -> None:
    """And there is one screen: the next speaker's is not shown."""
    world = local()
    opened(world)
    speaks(world, "alice", (AUDIO, CAMERA, SCREEN))
    speaks(world, "bob", (AUDIO, CAMERA, SCREEN))
    assert shown(world) == {"v1": "alice", "v2": "bob", "s1": "alice"}


def test_a_speaker_without_video_is_heard_only() -> None:
    """He takes no slot."""
    world = local()
    opened(world)
    speaks(world, "alice", (AUDIO,))
    assert (shown(world), voices(world)) == ({}, {"alice"})


def test_a_slot_is_used_again() -> None:
    """Who comes after one who left gets the first free slot."""
    world = local()
    opened(world)
    for name in ("alice", "bob", "carol"):
        speaks(world, name)
    world.ask(Leave("demo", "bob", "publish"))
    speaks(world, "dave")
    assert shown(world) == {"v1": "alice", "v2": "dave", "v3": "carol"}


def test_v1_is_never_empty_while_anyone_is_on_stage() -> None:
    """When its owner leaves, the next speaker is re-pointed to it before his old slot stops."""
    world = local()
    opened(world)
    speaks(world, "alice")
    speaks(world, "bob")
    answer = world.ask(Leave("demo", "alice", "publish", 1))
    assert steps(answer) == ["repoint_link v1-st1", "stop_link v2-st1", "stop_link voice-alice"]
    assert (shown(world), world.vmap.check()) == ({"v1": "bob"}, [])


def test_who_talks_becomes_the_main_speaker() -> None:
    """Both slots are re-pointed, with a generation that no ssrc can have followed from."""
    world = local()
    opened(world)
    speaks(world, "alice")
    speaks(world, "bob")
    world.now_s += 3
    answer = world.ask(Talking("demo", "bob"))
    assert isinstance(answer, Decision)
    assert shown(world) == {"v1": "bob", "v2": "alice"}
    assert [
        step.after.generation > step.before.generation for step in answer.plan if isinstance(step, RepointLink)
    ] == [
        True,
        True,
    ]
    assert steps(world.ask(Talking("demo", "bob"))) == []


def test_a_full_stage_refuses_the_next_speaker() -> None:
    """And tells what to do."""
    world = local()
    opened(world, slots=2)
    speaks(world, "alice")
    speaks(world, "bob")
    answer = attach(world, "carol", "publish")
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.detail) == ("stage-full", "all 2 slots are taken; demote a speaker first")


def test_a_grant_that_is_never_used_holds_its_place_for_a_while_only() -> None:
    """A speaker who never comes up keeps nobody out for long."""
    world = local()
    opened(world, slots=1)
    assert isinstance(attach(world, "ghost", "publish"), Decision)
    assert isinstance(attach(world, "alice", "publish"), Refusal)
    world.tick(31)
    assert isinstance(attach(world, "alice", "publish"), Decision)


def test_a_viewer_may_not_publish() -> None:
    """The refusal says how he could."""
    world = local()
    opened(world)
    answer = world.ask(Attach("demo", "eve", ("publish",), Role.VIEWER))
    assert isinstance(answer, Refusal)
    assert answer.code == "wrong-role"


def test_a_codec_that_is_not_carried_changes_nothing() -> None:
    """Neither a seat is taken nor his earlier connection ended; who offers no video is not asked."""
    world = local()
    opened(world)
    speaks(world, "alice")
    again = Attach("demo", "alice", ("publish",), Role.SPEAKER, gateway="gw", codecs=(Codec.H264,))
    answer = world.ask(again)
    assert isinstance(answer, Refusal)
    assert answer.code == "codec-not-carried"
    assert shown(world) == {"v1": "alice"}
    for codecs in (None, (Codec.VP8,), (Codec.H264, Codec.VP8)):
        assert isinstance(world.ask(replace(again, codecs=codecs)), Decision)


def test_a_speaker_publishes_in_his_own_region() -> None:
    """An ingress is made there on demand, which is a change; his links come from it."""
    world = continents()
    opened(world, eu=10)
    answer = attach(world, "alice", "publish", regions=("us", "eu"))
    assert isinstance(answer, Decision)
    assert (answer.needs_leader, steps(answer)) == (True, ["create_context ingress-us-vr1"])
    world.ask(MediaUp("demo", "alice", "publish", 1, 1, 2, (AUDIO, CAMERA)))
    links = world.vmap.sessions["demo"].links
    assert (links["v1-eu-st1"].source, links["voice-alice"].source) == ("ingress-us-vr1", "ingress-us-vr1")


def test_a_speaker_who_comes_twice_takes_over_from_himself() -> None:
    """The older gateway ends its leg; its late reports change nothing."""
    world = local()
    opened(world)
    speaks(world, "alice")
    answer = attach(world, "alice", "publish", gateway="other")
    assert steps(answer) == ["stop_link v1-st1", "stop_link voice-alice", "order remove alice"]
    assert isinstance(answer, Decision)
    assert answer.grant is not None
    assert answer.grant.generation == 2
    late = world.ask(MediaUp("demo", "alice", "publish", 1, 1, 2, (AUDIO, CAMERA)))
    assert isinstance(late, Refusal)
    assert late.code == "taken-over"
    assert steps(world.ask(Leave("demo", "alice", "publish", 1))) == []
    assert steps(world.ask(MediaUp("demo", "alice", "publish", 2, 3, 4, (AUDIO, CAMERA)))) == [
        "start_link v1-st1",
        "start_link voice-alice",
    ]


def test_a_speaker_who_also_watches_keeps_both() -> None:
    """A second attach for another leg takes nothing over."""
    world = local()
    opened(world)
    speaks(world, "alice")
    answer = world.ask(Attach("demo", "alice", ("view",), Role.SPEAKER, gateway="other"))
    assert steps(answer) == []
    assert steps(world.ask(Leave("demo", "alice", "publish", 1))) == ["stop_link v1-st1", "stop_link voice-alice"]
    legs = world.vmap.sessions["demo"].participants["alice"].legs
    assert [(leg.leg, leg.gateway) for leg in legs] == [("view", "other")]


def test_media_down_frees_the_slot_and_up_takes_one_again() -> None:
    """The leg stays granted in between."""
    world = local()
    opened(world)
    speaks(world, "alice")
    assert steps(world.ask(MediaDown("demo", "alice", "publish", 1))) == ["stop_link v1-st1", "stop_link voice-alice"]
    world.ask(MediaUp("demo", "alice", "publish", 1, 5, 6, (AUDIO, CAMERA)))
    assert (shown(world), voices(world)) == ({"v1": "alice"}, {"alice"})


def test_the_same_report_twice_changes_nothing_a_new_handle_makes_the_links_anew() -> None:
    """Forwarders die with the publisher's handle."""
    world = local()
    opened(world)
    speaks(world, "alice")
    world.now_s += 1
    assert steps(world.ask(MediaUp("demo", "alice", "publish", 1, 1, 2, (AUDIO, CAMERA)))) == []
    assert steps(world.ask(MediaUp("demo", "alice", "publish", 1, 7, 8, (AUDIO, CAMERA)))) == [
        "repoint_link v1-st1",
        "repoint_link voice-alice",
    ]

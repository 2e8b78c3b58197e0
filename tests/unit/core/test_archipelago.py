"""The flows of an archipelago, told as stories."""

from __future__ import annotations

import pytest

from broker.core.actions import Order, RepointLink
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, CloseSession, Leave, MediaDown, MediaUp, OpenSession, Remove, SetRole, Talking
from rtcdn.errors import InvalidRequest, UnknownParticipant, UnknownSession
from rtcdn.model import Codec, Role, SessionIntent, StreamInfo
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
    watches,
)

# ---- opening --------------------------------------------------------------------------------------


def test_a_session_opens_with_a_stage_a_mix_and_an_ingress() -> None:
    """What receives is made first, the link when both its ends are there."""
    world = local()
    answer = opened(world, local=10)
    assert steps(answer) == [
        "create_context stage-st1",
        "create_context mix-ab1",
        "create_context ingress-vr1",
        "start_link mix-st1",
    ]
    assert [change.key for change in answer.changes] == [
        "SS:demo",
        "CX:demo:ingress-vr1",
        "CX:demo:mix-ab1",
        "CX:demo:stage-st1",
        "LK:demo:mix-st1",
    ]


def test_opening_again_changes_nothing() -> None:
    """PUT is idempotent."""
    world = local()
    opened(world, local=10)
    world.now_s += 5
    assert opened(world, local=10).changes == ()


def test_an_audience_gets_as_many_stages_as_it_needs() -> None:
    """90 of 100 handles of a node may be used: 150 viewers need two nodes."""
    world = local(stages=3, handles=100)
    opened(world, local=150)
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1", "stage-st2"]


def test_an_audience_too_large_is_served_as_far_as_it_goes_and_said_so() -> None:
    """Operators learn what is missing, where."""
    answer = opened(local(stages=2, handles=100), local=500)
    assert [reason.code for reason in answer.reasons] == ["short-of-capacity"]
    assert "room for 180 of 500 viewers" in answer.reasons[0].detail


def test_each_region_with_an_audience_gets_its_own_egress() -> None:
    """And the mix stands where most of the audience is, no speaker being known yet."""
    world = continents()
    opened(world, us=100, eu=50)
    view = world.vmap.sessions["demo"]
    assert sorted(view.contexts) == ["ingress-us-vr1", "mix-us-ab1", "stage-eu-st1", "stage-us-st1"]


def test_sessions_are_spread_over_equal_nodes() -> None:
    """Of two idle nodes the one with fewer sessions takes the next."""
    world = local()
    opened(world, "one", local=10)
    opened(world, "two", local=10)
    assert sorted(world.vmap.sessions["two"].duty("stage")) == ["stage-st2"]


@pytest.mark.parametrize(
    ("field", "intent"),
    [
        ("scenario", SessionIntent(scenario="atoll")),
        ("slots", SessionIntent(slots=0)),
        ("bitrate_bps", SessionIntent(bitrate_bps=1)),
        ("audience.eu", SessionIntent(audience={"eu": -1})),
    ],
)
def test_an_intent_that_cannot_be_served_is_refused_by_field(field: str, intent: SessionIntent) -> None:
    """The field is named."""
    with pytest.raises(InvalidRequest) as caught:
        local().ask(OpenSession("demo", intent))
    assert caught.value.field == field


def test_the_codec_of_a_running_session_stays() -> None:
    """Mountpoints cannot change it."""
    world = local()
    opened(world)
    with pytest.raises(InvalidRequest, match="codec"):
        world.ask(OpenSession("demo", SessionIntent(codec=Codec.H264)))


def test_without_a_node_of_a_kind_nothing_opens() -> None:
    """The refusal counts the nodes that were left out, by reason."""
    world = local()
    world.kill("ab1")
    answer = world.ask(OpenSession("demo", SessionIntent()))
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.choices[0].excluded) == ("no-capacity", {"silent": 1, "kind": 3})


# ---- speakers -------------------------------------------------------------------------------------


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


# ---- viewers --------------------------------------------------------------------------------------


def test_a_viewer_is_led_to_the_lightest_stage_of_his_region() -> None:
    """With all slots named; nothing is planned and no leader asked."""
    world = continents()
    opened(world, eu=500, us=10)
    world.nodes["eu-st1"].used = 30.0
    world.tick(1)
    answer = attach(world, "eve", regions=("eu", "us"))
    assert isinstance(answer, Decision)
    assert answer.grant is not None
    assert (answer.needs_leader, answer.plan) == (False, ())
    leg = answer.grant.legs[0]
    assert (leg.node, leg.context) == ("eu-st2", "demo/stage-eu-st2")
    assert leg.slots == ("v1", "v2", "v3", "v4", "s1")


def test_full_stages_open_another_with_everything_on_it() -> None:
    """Mix and slots reach the new stage before the viewer does."""
    world = local(stages=2, handles=20)
    opened(world, local=1)
    speaks(world, "alice")
    world.nodes["st1"].used = 90.0
    world.tick(1)
    answer = attach(world, "eve")
    assert steps(answer) == ["create_context stage-st2", "start_link mix-st2", "start_link v1-st2"]
    assert world.vmap.check() == []


def test_a_full_region_sends_its_viewers_to_the_next() -> None:
    """Far is better than nowhere."""
    world = continents()
    opened(world, eu=10, us=10)
    world.nodes["eu-st1"].used = world.nodes["eu-st2"].used = 95.0
    world.tick(1)
    assert watches(world, "eve", regions=("eu", "us")) == "us-st1"


def test_when_every_egress_is_full_the_viewer_is_refused_with_reasons() -> None:
    """Per node, and counts for those an index left out."""
    world = local(stages=2)
    opened(world, local=1)
    world.nodes["st1"].used = 95.0
    world.kill("st2")
    world.tick(1)
    answer = attach(world, "eve", regions=("local",))
    assert isinstance(answer, Refusal)
    assert answer.code == "no-capacity"
    assert [(c.node, c.reason) for c in answer.choices[0].candidates] == [("st1", "full")]
    assert answer.choices[1].excluded == {"silent": 1, "full": 1, "kind": 2}


def test_viewers_by_one_link_are_counted_and_gone_when_they_leave() -> None:
    """Their keys go with their last leg; who was admitted stays."""
    world = local()
    opened(world)
    for number in range(3):
        watches(world, f"guest~{number}")
    assert world.vmap.sessions["demo"].attached["stage-st1"] == 3
    for number in range(3):
        world.ask(Leave("demo", f"guest~{number}", "view", 1))
    assert dict(world.vmap.sessions["demo"].participants) == {}
    assert world.vmap.check() == []


def test_a_wrong_wish_is_named() -> None:
    """Twice the same, or something that is no leg."""
    world = local()
    opened(world)
    for want in ((), ("view", "view"), ("listen",)):
        with pytest.raises(InvalidRequest, match="want"):
            world.ask(Attach("demo", "eve", want))


def test_unknown_sessions_and_participants_are_errors() -> None:
    """They are no question of capacity."""
    world = local()
    with pytest.raises(UnknownSession):
        attach(world, "eve")
    opened(world)
    with pytest.raises(UnknownParticipant):
        world.ask(SetRole("demo", "nobody", Role.SPEAKER))


# ---- roles ----------------------------------------------------------------------------------------


def test_a_viewer_is_promoted_and_may_publish_with_his_old_token() -> None:
    """The application's word wins over the token's role."""
    world = local()
    opened(world)
    watches(world, "eve")
    assert steps(world.ask(SetRole("demo", "eve", Role.SPEAKER))) == ["order role eve"]
    assert isinstance(world.ask(Attach("demo", "eve", ("publish",), Role.VIEWER, gateway="gw")), Decision)


def test_a_demoted_speaker_leaves_the_stage_and_may_not_come_back_by_himself() -> None:
    """His gateway is told; a speaker's token does not help him."""
    world = local()
    opened(world)
    speaks(world, "alice")
    answer = world.ask(SetRole("demo", "alice", Role.VIEWER))
    assert steps(answer) == ["stop_link v1-st1", "stop_link voice-alice", "order role alice"]
    again = attach(world, "alice", "publish")
    assert isinstance(again, Refusal)
    assert again.code == "wrong-role"


def test_a_removed_participant_is_gone_everywhere() -> None:
    """Links, key, and an order to each gateway that holds a leg of his."""
    world = local()
    opened(world)
    speaks(world, "alice")
    world.ask(Attach("demo", "alice", ("view",), Role.SPEAKER, gateway="other"))
    world.ask(Remove("demo", "alice"))
    assert [(order.gateway, order.order, order.legs[0].leg) for order in world.orders] == [
        ("gw", "remove", "publish"),
        ("other", "remove", "view"),
    ]
    assert (dict(world.vmap.sessions["demo"].participants), shown(world)) == ({}, {})


def test_closing_takes_everything_down_in_order() -> None:
    """Links, then orders, then contexts; the session's own key last."""
    world = local()
    opened(world)
    speaks(world, "alice", (AUDIO, StreamInfo("video", "1")))
    answer = world.ask(CloseSession("demo"))
    assert isinstance(answer, Decision)
    assert steps(answer) == [
        "stop_link mix-st1",
        "stop_link v1-st1",
        "stop_link voice-alice",
        "order remove alice",
        "destroy_context ingress-vr1",
        "destroy_context mix-ab1",
        "destroy_context stage-st1",
    ]
    assert answer.changes[-1].key == "SS:demo"
    assert dict(world.vmap.sessions) == {}
    assert all(isinstance(step, Order) or step.session == "demo" for step in answer.plan)

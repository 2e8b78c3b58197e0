"""Roles asked by participants: who may, what ends, what is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.requests import Admit, Attach, Leave, MediaUp, Remove, SetRole
from broker.sim.world import World
from rtcdn.errors import UnknownParticipant
from rtcdn.model import ParticipantIntent, Role
from tests.unit.core.worlds import AUDIO, CAMERA, local, opened, shown, steps

VIEWER, SPEAKER, MODERATOR = Role.VIEWER, Role.SPEAKER, Role.MODERATOR


def comes(world: World, name: str, role: Role, *rights: str, want: tuple[str, ...] = ("view",)) -> None:
    """Somebody with such a token comes, and his media flows."""
    answer = world.ask(Attach("demo", name, want, role, rights, gateway="gw"))
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    for leg in want:
        streams = (AUDIO, CAMERA) if leg == "publish" else ()
        up = world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, streams))
        assert isinstance(up, Decision), up


def known(world: World, name: str) -> ParticipantIntent | None:
    found: ParticipantIntent | None = world.vmap.sessions["demo"].participants.get(name)
    return found


@pytest.fixture
def world() -> World:
    """A session with mia, who moderates."""
    made = local()
    opened(made)
    comes(made, "mia", MODERATOR, "view", "speak", "publish")
    return made


ROWS = [
    ("a moderator promotes", "mia", VIEWER, ("speak",), SPEAKER, ""),
    ("a moderator promotes one who may publish", "mia", VIEWER, ("publish",), SPEAKER, ""),
    ("a moderator promotes one without a right", "mia", VIEWER, ("view",), SPEAKER, "may-not-speak"),
    ("a moderator demotes", "mia", SPEAKER, ("speak",), VIEWER, ""),
    ("a moderator demotes a moderator", "mia", MODERATOR, (), VIEWER, ""),
    ("a moderator makes no moderators", "mia", VIEWER, ("publish",), MODERATOR, "wrong-role"),
    ("a viewer promotes another", "eve", VIEWER, ("speak",), SPEAKER, "wrong-role"),
    ("a stranger promotes", "nobody", VIEWER, ("speak",), SPEAKER, "wrong-role"),
    ("he goes on stage by himself", "vic", VIEWER, ("publish",), SPEAKER, ""),
    ("he may only be promoted", "vic", VIEWER, ("speak",), SPEAKER, "wrong-role"),
    ("he makes himself a moderator", "vic", VIEWER, ("publish",), MODERATOR, "wrong-role"),
    ("a speaker makes himself a moderator", "vic", SPEAKER, ("publish",), MODERATOR, "wrong-role"),
    ("he leaves the stage", "vic", SPEAKER, ("speak",), VIEWER, ""),
    ("a moderator gives up his role", "vic", MODERATOR, (), SPEAKER, ""),
    ("an application does as it likes", "", VIEWER, (), MODERATOR, ""),
]


@pytest.mark.parametrize(("name", "by", "role", "rights", "wanted", "refused"), ROWS, ids=[row[0] for row in ROWS])
def test_who_may_change_a_role(
    world: World, name: str, by: str, role: Role, rights: tuple[str, ...], wanted: Role, refused: str
) -> None:
    """Decided on the map: the gateway only says who asks."""
    comes(world, "eve", VIEWER, "view", "speak", "publish")
    comes(world, "vic", role, *rights)
    answer = world.ask(SetRole("demo", "vic", wanted, by))
    assert (answer.code if isinstance(answer, Refusal) else "") == refused
    vic = known(world, "vic")
    assert vic is not None
    assert vic.role is (role if refused else wanted)
    told = [(order.order, order.role, order.by, order.reason) for order in world.orders]
    reason = {"": "application", "vic": "own"}.get(by, "moderator")
    assert told == ([] if refused else [("role", wanted, by, reason)])
    assert world.vmap.check() == []


def test_a_promoted_viewer_may_publish_and_is_a_viewer_again_when_his_key_is_gone(world: World) -> None:
    """A role held wins over the token's, and lasts as long as the participant's key."""
    comes(world, "vic", VIEWER, "view", "speak")
    world.ask(SetRole("demo", "vic", SPEAKER, "mia"))
    comes(world, "vic", VIEWER, "view", "speak", want=("publish",))
    assert shown(world) == {"v1": "vic"}
    world.ask(Leave("demo", "vic"))
    assert known(world, "vic") is None
    again = world.ask(Attach("demo", "vic", ("publish",), VIEWER, ("speak",), gateway="gw"))
    assert isinstance(again, Refusal)
    assert again.code == "wrong-role"


def test_who_is_demoted_waits_suspended_when_he_keeps_a_right(world: World) -> None:
    """His publish leg ends, his talk leg stays; without a right both end."""
    comes(world, "vic", SPEAKER, "view", "speak", "publish", want=("view", "talk", "publish"))
    comes(world, "una", SPEAKER, "view", want=("view", "talk"))
    assert steps(world.ask(SetRole("demo", "vic", VIEWER, "mia"))) == [
        "stop_link v1-st1",
        "stop_link voice-vic",
        "order role vic",
    ]
    assert [leg.leg for leg in world.orders[-1].legs] == ["view", "talk"]
    world.ask(SetRole("demo", "una", VIEWER, "mia"))
    assert [leg.leg for leg in world.orders[-1].legs] == ["view"]
    assert world.vmap.sessions["demo"].talk_legs == 1
    assert world.vmap.check() == []


def test_a_demotion_by_others_lasts_until_somebody_promotes_him(world: World) -> None:
    """Neither a speaker's token nor the right to publish brings him back, also when he was away meanwhile."""
    comes(world, "vic", SPEAKER, "view", "speak", "publish")
    world.ask(SetRole("demo", "vic", VIEWER, "mia"))
    world.ask(Leave("demo", "vic"))
    comes(world, "vic", SPEAKER, "view", "speak", "publish")
    for refused in (SetRole("demo", "vic", SPEAKER, "vic"), Attach("demo", "vic", ("publish",), SPEAKER, ("publish",))):
        answer = world.ask(refused)
        assert isinstance(answer, Refusal)
        assert answer.code == "wrong-role"
    assert isinstance(world.ask(SetRole("demo", "vic", SPEAKER, "mia")), Decision)
    world.ask(SetRole("demo", "vic", VIEWER, "vic"))
    assert isinstance(world.ask(SetRole("demo", "vic", SPEAKER, "vic")), Decision)


def test_who_leaves_the_stage_by_himself_is_not_remembered(world: World) -> None:
    """While he is here he stays a viewer; when he comes again his token counts."""
    comes(world, "vic", SPEAKER, "view", "publish")
    world.ask(SetRole("demo", "vic", VIEWER, "vic"))
    comes(world, "vic", SPEAKER, "view", "publish")
    assert known(world, "vic") is not None
    assert known(world, "vic").role is VIEWER  # type: ignore[union-attr]
    world.ask(Leave("demo", "vic"))
    assert known(world, "vic") is None
    comes(world, "vic", SPEAKER, "view", "publish", want=("publish",))


def test_a_token_that_gives_more_than_the_one_before_counts(world: World) -> None:
    """A viewer whose application made him a speaker comes with the new token while his old leg stands."""
    comes(world, "vic", VIEWER, "view")
    comes(world, "vic", SPEAKER, "view", "publish", want=("publish",))
    comes(world, "vic", VIEWER, "view")
    vic = known(world, "vic")
    assert vic is not None
    assert (vic.role, vic.token_role) == (SPEAKER, SPEAKER)


def test_who_was_removed_does_not_come_back_until_he_is_admitted(world: World) -> None:
    """His gateways are told by whom and why; removing him again changes nothing."""
    comes(world, "vic", SPEAKER, "view", "speak", "publish", want=("view", "talk", "publish"))
    answer = world.ask(Remove("demo", "vic", "mia", "spam"))
    assert isinstance(answer, Decision)
    assert [(o.order, o.legs[0].leg, o.reason, o.by, o.detail) for o in world.orders] == [
        ("remove", leg, "moderator", "mia", "spam") for leg in ("view", "talk", "publish")
    ]
    assert shown(world) == {}
    for want in ("view", "talk", "publish"):
        again = world.ask(Attach("demo", "vic", (want,), SPEAKER, ("publish",), gateway="gw"))
        assert isinstance(again, Refusal)
        assert again.code == "removed"
    promoted = world.ask(SetRole("demo", "vic", SPEAKER, "mia"))
    assert isinstance(promoted, Refusal)
    assert promoted.code == "removed"
    assert steps(world.ask(Remove("demo", "vic", "mia"))) == []
    world.ask(Admit("demo", "vic", SPEAKER, ("view", "publish")))
    comes(world, "vic", VIEWER, "view", want=("publish",))
    assert world.vmap.check() == []


def test_only_a_moderator_removes(world: World) -> None:
    """Not even oneself; and nobody who is not there is removed."""
    comes(world, "vic", SPEAKER, "view", "publish")
    for by in ("vic", "nobody"):
        answer = world.ask(Remove("demo", "vic", by))
        assert isinstance(answer, Refusal)
        assert answer.code == "wrong-role"
    with pytest.raises(UnknownParticipant):
        world.ask(Remove("demo", "nobody", "mia"))


def test_nothing_is_kept_of_one_by_a_shared_link(world: World) -> None:
    """His name is given to somebody else some day."""
    for number, ask in enumerate((Remove("demo", "guest~1", "mia"), SetRole("demo", "guest~1", VIEWER, "mia"))):
        comes(world, "guest~1", VIEWER, "view", "speak", "publish")
        world.ask(SetRole("demo", "guest~1", SPEAKER, "mia"))
        world.ask(ask)
        assert (known(world, "guest~1") is None) == (number == 0)
        world.ask(Leave("demo", "guest~1"))
        assert known(world, "guest~1") is None


def test_a_leg_that_changes_hands_is_held_by_who_says_so(world: World) -> None:
    """A resume at another gateway: it hears his role, which may have changed on the way; the key stays with him."""
    key = "a" * 64
    answer = world.ask(Attach("demo", "vic", ("publish",), SPEAKER, gateway="gw", resume=key))
    assert isinstance(answer, Decision)
    up = MediaUp("demo", "vic", "publish", 1, 1, 2, (AUDIO, CAMERA))
    world.ask(up)
    assert steps(world.ask(replace(up, gateway="gw2"))) == ["order role vic", "order remove vic"]  # the other lets go
    assert steps(world.ask(replace(up, gateway="gw2"))) == []
    world.ask(Attach("demo", "vic", ("view",), SPEAKER, gateway="gw2"))
    vic = known(world, "vic")
    assert vic is not None
    assert ({leg.leg: leg.gateway for leg in vic.legs}, vic.gateway) == ({"publish": "gw2", "view": "gw2"}, "gw2")
    assert vic.resume == key
    assert set(world.vmap.gateway_clients) == {"gw", "gw2"}

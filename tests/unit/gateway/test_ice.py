"""ICE servers that clients are told: the nearest first, with credentials that TURN servers take, renewed in time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import protocol
from gateway.ice import Ice, TurnServer, read
from gateway.settings import read as settings
from rtcdn.errors import ConfigError
from tests.unit.gateway.talk import Talk
from tests.unit.gateway.test_settings import environ

SERVERS = tuple(TurnServer(region, (f"turn:{region}.example:3478?transport=udp",)) for region in ("ap", "eu", "us"))
ICE = Ice("eu", SERVERS, "secret", 600, lambda: 1000.0)


def regions(told: list[dict[str, object]]) -> list[str]:
    """Of the URLs that were told, in their order."""
    urls: list[str] = told[0]["urls"]  # type: ignore[assignment]
    return [url.removeprefix("turn:").partition(".")[0] for url in urls]


def test_a_credential_is_what_turn_servers_check() -> None:
    """The name says until when, the password is its HMAC with the shared secret."""
    (told,) = ICE.of("ada")
    assert told["username"] == "1600:ada"
    digest = hmac.new(b"secret", b"1600:ada", hashlib.sha1).digest()
    assert told["credential"] == base64.b64encode(digest).decode()


def test_the_own_region_comes_first() -> None:
    """And one more, where that is away."""
    assert regions(ICE.of("ada"))[0] == "eu"
    assert len(regions(ICE.of("ada"))) == 2


def test_what_a_client_measured_beats_it() -> None:
    """The nearest by his round trips; regions that he did not reach come last."""
    assert regions(ICE.of("ada", {"us": 20.0, "eu": 90.0})) == ["us", "eu"]
    assert regions(ICE.of("ada", {"ap": 20.0})) == ["ap", "eu"]


def test_participants_are_spread_over_the_servers_of_a_region() -> None:
    """Each has his own order, which stays."""
    two = replace(ICE, servers=tuple(TurnServer("eu", (f"turn:{name}.example",)) for name in ("a", "b")))
    first = {name: regions(two.of(name))[0] for name in map(str, range(40))}
    assert set(first.values()) == {"a", "b"}
    assert first == {name: regions(two.of(name))[0] for name in first}


def test_without_servers_nothing_is_told() -> None:
    """No list with nothing in it, no credential."""
    assert Ice("eu").of("ada") == []


def test_players_are_told_by_one_link_for_each_url() -> None:
    """As RFC 9725 has it."""
    link = protocol.links(ICE.of("ada"))[0]
    assert link.startswith('<turn:eu.example:3478?transport=udp>; rel="ice-server"; username="1600:ada"; credential="')
    assert link.endswith('; credential-type="password"')
    assert len(protocol.links(ICE.of("ada"))) == 2


def test_the_secret_is_in_no_text_of_it() -> None:
    """Settings may end in a log."""
    assert "secret" not in repr(ICE).replace("secret=", "")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("[]", "is not"),
        ('{"secret": "x", "servers": []}', "ttl_s"),
        ('{"secret": "", "ttl_s": 600, "servers": [{"region": "eu", "urls": ["turn:a"]}]}', "no secret"),
        ('{"secret": "x", "ttl_s": 1, "servers": [{"region": "eu", "urls": ["turn:a"]}]}', "below 60"),
        ('{"secret": "x", "ttl_s": 600, "servers": [{"region": "eu", "urls": []}]}', "without urls"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, told: str, why: str) -> None:
    """With what is wrong in it, and without the secret."""
    (tmp_path / "turn").write_text(told)
    with pytest.raises(ConfigError) as caught:
        settings(environ(tmp_path) | {"RTCDN_TURN": str(tmp_path / "turn")})
    (problem,) = caught.value.problems
    assert problem.startswith("RTCDN_TURN: ")
    assert why in problem


def test_a_good_setting_is_read(tmp_path: Path) -> None:
    """With the gateway's own region."""
    told = {"secret": "s", "ttl_s": 600, "servers": [{"region": "local", "urls": ["turn:a"]}]}
    (tmp_path / "turn").write_text(json.dumps(told))
    found = settings(environ(tmp_path) | {"RTCDN_TURN": str(tmp_path / "turn")}).turn
    assert found == read(json.dumps(told), "local")
    assert (found.region, found.renew_s) == ("local", 300.0)


def test_clients_are_told_at_the_join_and_again_in_time() -> None:
    """With every connection that they are asked for, and when half of a credential's life is over."""
    talk = Talk("candidate", ready=True)
    now_s = [1000.0]
    talk.house = replace(talk.house, ice=replace(ICE, clock=lambda: now_s[0]))
    talk.conversation = talk.socket()
    joined = talk.join("view", "talk")
    assert joined["ice_servers"][0]["username"] == "1600:bob"
    asked = talk.event("connect")
    assert asked
    assert asked["ice_servers"] == joined["ice_servers"]
    talk.later(1)
    talk.later(298)
    assert talk.event("ice-servers") is None
    now_s[0] = 1300.0
    talk.later(3)
    told = talk.event("ice-servers")
    assert told
    assert told["ice_servers"][0]["username"] == "1900:bob"
    talk.later(1)
    assert [each for each in talk.said if each.get("event") == "ice-servers"] == [told]


def test_who_has_no_socket_is_told_when_he_is_back() -> None:
    """His answer to the resume has fresh ones."""
    talk = Talk()
    talk.house = replace(talk.house, ice=ICE)
    talk.conversation = talk.socket()
    talk.join()
    talk.later(1)
    talk.conversation.closed(talk.now_s)
    talk.later(40)
    assert talk.event("ice-servers") is None

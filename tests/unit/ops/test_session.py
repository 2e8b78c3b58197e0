"""Links and tokens that ``session`` hands out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.client import CallRefused
from ops.logs import choose
from ops.session import audience, keep
from rtcdn.model import Role
from rtcdn.tokens import Claims, SigningKey

KEY = SigningKey.generate()
LIFE_S = 1000


def token(exp_s: float, sub: str = "demo-speaker") -> str:
    return KEY.sign(Claims(sub=sub, sid="demo", role=Role.SPEAKER, exp=exp_s))


def test_a_token_is_kept_until_half_its_life_is_over(tmp_path: Path) -> None:
    """A second run of the playbook changes nothing; a late one renews."""
    file = tmp_path / "token"
    assert keep(file, token(LIFE_S), LIFE_S, now_s=0)
    assert not keep(file, token(LIFE_S + 400), LIFE_S, now_s=400)
    assert file.read_text() == token(LIFE_S)
    assert keep(file, token(LIFE_S + 600), LIFE_S, now_s=600)
    assert file.read_text() == token(LIFE_S + 600)


def test_a_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever reads it may speak."""
    keep(tmp_path / "token", token(LIFE_S), LIFE_S, now_s=0)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("old", ["", "not a token", token(LIFE_S, "somebody-else")])
def test_what_is_no_token_of_this_participant_is_replaced(tmp_path: Path, old: str) -> None:
    """Another participant's, or a damaged file."""
    (tmp_path / "token").write_text(old)
    assert keep(tmp_path / "token", token(LIFE_S), LIFE_S, now_s=0)


def test_every_region_has_an_audience_unless_said_otherwise() -> None:
    """``--audience`` overrides region by region."""
    assert audience(["eu=7"], ["eu", "us"], each=50) == {"eu": 7, "us": 50}


@pytest.mark.parametrize("text", ["eu", "eu=", "eu=many", "eu=-1"])
def test_a_misspelt_audience_is_refused(text: str) -> None:
    """With the right spelling."""
    with pytest.raises(CallRefused, match="REGION=N"):
        audience([text], ["eu"], each=50)


def test_logs_finds_a_service_by_its_short_name() -> None:
    """By the whole name, by stack or service, else by a part."""
    services = ["broker_broker-1", "broker_broker-2", "janus_local-st1_janus", "janus_local-st1_collector"]
    assert choose(services, "broker_broker-1") == ["broker_broker-1"]
    assert choose(services, "broker-2") == ["broker_broker-2"]
    assert choose(services, "local-st1") == ["janus_local-st1_janus", "janus_local-st1_collector"]
    assert choose(services, "collec") == ["janus_local-st1_collector"]
    assert choose(services, "nothing") == []

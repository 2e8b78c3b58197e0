"""A rotation goes on where it was cut off, and the old is dropped only when nobody uses it any more."""

from __future__ import annotations

import shutil
import ssl
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ops import client, deployed, pki, rotate, secret_files, target
from ops.pki import new_ca
from ops.progress import Outcome
from ops.rotate import PlayFailed, Rotation
from rtcdn.errors import ConfigError
from rtcdn.tokens import SigningKey


class Playbooks:
    """Stands for ``deployed.play``: notes what was handed out, and fails where a code was prepared."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.codes: list[int] = []

    def __call__(self, _: Any, playbook: str, extra: dict[str, Any], **__: Any) -> Outcome:
        self.calls.append(tuple(extra.get("upgrade_parts", [playbook])))
        return Outcome(code=self.codes.pop(0) if self.codes else 0)


@pytest.fixture
def playbooks(monkeypatch: pytest.MonkeyPatch) -> Playbooks:
    made = Playbooks()
    monkeypatch.setattr(deployed, "play", made)
    return made


@pytest.fixture
def rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rotation:
    """Of a deployment with a token key, a CA and TURN."""
    for module in (client, deployed):
        monkeypatch.setattr(module, "STATES", tmp_path)
    secrets, pki = tmp_path / "show" / "secrets", tmp_path / "show" / "pki"
    for folder in (secrets, pki):
        folder.mkdir(parents=True)
    secret_files.write(secrets / "token_key.pem", SigningKey.generate().to_pem())
    secret_files.write(secrets / "turn.json", '{"secrets": ["first"]}')
    key, certificate = new_ca("old")
    secret_files.write(pki / "ca.key", key)
    secret_files.write(pki / "ca.crt", certificate)
    return Rotation(deployed.Deployed("show", ()))


def kid(rotation: Rotation) -> str:
    return SigningKey.from_pem(rotation.secrets / "token_key.pem").kid


@pytest.mark.parametrize("fails", [1, 2])
def test_a_rotation_of_tokens_goes_on_where_it_was_cut_off(
    rotation: Rotation, playbooks: Playbooks, fails: int
) -> None:
    """It is not refused for the tokens of its own old key, and makes no third key."""
    before = kid(rotation)
    playbooks.codes = [0] * (fails - 1) + [2]
    with pytest.raises(PlayFailed):
        rotation.rotate("tokens", ())
    coming = rotation.secrets / "token_key.next.pem"
    made = SigningKey.from_pem(coming).kid if coming.exists() else kid(rotation)
    rotation.rotate("tokens", ())
    assert kid(rotation) == made != before
    assert SigningKey.from_pem(rotation.secrets / "token_key.old.pem").kid == before
    assert len(playbooks.calls) == 3  # of two steps, one was played twice
    with pytest.raises(ConfigError, match="may still be in use: wait"):
        rotation.rotate("tokens", ())


def test_a_rotation_of_the_ca_goes_on_with_the_ca_that_was_made(rotation: Rotation, playbooks: Playbooks) -> None:
    """And not with a third one."""
    playbooks.codes = [0, 2]
    with pytest.raises(PlayFailed):
        rotation.rotate("ca", ())
    key, trust = ((rotation.pki / name).read_text(encoding="utf-8") for name in ("ca.key", "ca.crt"))
    rotation.rotate("ca", ())
    assert (rotation.pki / "ca.key").read_text(encoding="utf-8") == key
    assert (rotation.pki / "ca.crt").read_text(encoding="utf-8") == trust
    assert trust.count("BEGIN") == 2


def test_a_second_rotation_of_turn_keeps_what_credentials_are_of(rotation: Rotation, playbooks: Playbooks) -> None:
    """Servers take all that were not dropped: nobody who is relayed is cut."""
    for _ in range(2):
        rotation.rotate("turn", ())
    assert secret_files._read(rotation.secrets / "turn.json")["secrets"][2:] == ["first"]
    rotation.drop("turn")
    assert len(secret_files._read(rotation.secrets / "turn.json")["secrets"]) == 1
    assert playbooks.calls == [*[("turn",), ("gateway",)] * 2, ("turn",)]


@pytest.mark.parametrize("what", ["tokens", "turn", "ca"])
def test_nothing_is_dropped_while_a_rotation_is_not_finished(
    rotation: Rotation, playbooks: Playbooks, what: str
) -> None:
    """Those who did not get the new yet would be shut out."""
    playbooks.codes = [0, 2]
    with pytest.raises(PlayFailed):
        rotation.rotate(what, ())
    calls = len(playbooks.calls)
    with pytest.raises(ConfigError, match=f"finish it first: bin/rtcdn rotate show {what}"):
        rotation.drop(what)
    assert len(playbooks.calls) == calls
    rotation.rotate(what, ())
    rotation.drop(what)
    assert target.read_json(rotation.progress) == {}


def test_a_drop_that_was_cut_off_is_handed_out_by_the_next(rotation: Rotation, playbooks: Playbooks) -> None:
    """Here nothing old is left then; on the hosts it is."""
    rotation.rotate("tokens", ())
    playbooks.codes = [2]
    with pytest.raises(PlayFailed):
        rotation.drop("tokens")
    rotation.drop("tokens")
    assert playbooks.calls[-2:] == [rotate.CONTROL, rotate.CONTROL]


def test_without_turn_it_is_said(rotation: Rotation, playbooks: Playbooks, capsys: pytest.CaptureFixture[str]) -> None:
    """By both, and nothing is played."""
    (rotation.secrets / "turn.json").unlink()
    rotation.rotate("turn", ())
    rotation.drop("turn")
    assert capsys.readouterr().out.count("the event has no TURN server") == 2
    assert playbooks.calls == []


def issued(rotation: Rotation, name: str, folder: Path) -> Path:
    """A copy of the certificate of one part, with the trust that it is handed out with."""
    wanted = [{"name": name, "sans": [f"DNS:{name}"]}]
    pki.issue(pki.due(wanted, str(rotation.pki), 30), rotation.pki, 90)
    folder.mkdir()
    for each in (f"{name}.crt", f"{name}.key", "ca.crt"):
        shutil.copy(rotation.pki / each, folder / each)
    return folder


def talk(server: Path, client: Path) -> bool:
    """Whether the two parts accept each other: mutual TLS, in memory."""
    sides: list[ssl.SSLObject] = []
    ways = ssl.MemoryBIO(), ssl.MemoryBIO()
    for folder, name, purpose in ((client, "b", ssl.Purpose.SERVER_AUTH), (server, "a", ssl.Purpose.CLIENT_AUTH)):
        context = ssl.create_default_context(purpose, cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        context.verify_mode = ssl.CERT_REQUIRED
        serves = purpose is ssl.Purpose.CLIENT_AUTH
        order = ways if serves else ways[::-1]
        sides.append(context.wrap_bio(*order, server_side=serves, server_hostname=None if serves else "a"))
    left = list(sides)
    for _ in range(6):
        for side in tuple(left):
            try:
                side.do_handshake()
                left.remove(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return not left


def test_at_every_step_of_a_new_ca_parts_of_before_and_after_talk(
    rotation: Rotation, playbooks: Playbooks, tmp_path: Path
) -> None:
    """While parts are replaced one after the other some have what was handed out last, others what comes now."""
    stages = [{name: issued(rotation, name, tmp_path / f"first-{name}") for name in "ab"}]

    def hand_out(_: Any, playbook: str, extra: dict[str, Any], **__: Any) -> Outcome:
        number = len(stages)
        stages.append({name: issued(rotation, name, tmp_path / f"{number}-{name}") for name in "ab"})
        return Outcome()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployed, "play", hand_out)
        rotation.rotate("ca", ())
        rotation.drop("ca")
    assert len(stages) == 4
    for before, after in pairwise(stages):
        assert talk(before["a"], after["b"])
        assert talk(after["a"], before["b"])
    assert not talk(stages[0]["a"], stages[3]["b"])  # what is of the old CA alone is trusted no more

"""Secrets change in steps; at each of them old and new are both good, and each can be repeated."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ops import node_secrets, secret_files
from ops.pki import new_ca
from rtcdn.errors import ConfigError
from rtcdn.model import NodeSecrets
from rtcdn.tokens import Claims, SigningKey, Verifier

FIELDS = ["admin_secret", "context_key"]


@pytest.fixture
def names() -> Iterator[str]:
    return (f"secret-{number}" for number in count())


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "node_st1.json"
    secret_files.write(path, json.dumps({"version": "1", **dict.fromkeys(secret_files.NODE_FIELDS, "first")}))
    return path


def held(path: Path) -> NodeSecrets:
    """What a broker is given."""
    record = NodeSecrets.from_dict(node_secrets.read_all(str(path), FIELDS))
    assert record is not None
    return record


def test_brokers_know_the_next_secrets_before_the_node_has_them(node: Path, names: Iterator[str]) -> None:
    """They pick by the version that the node presents, and are given the same before and after it changes."""
    assert "others" not in node_secrets.read_all(str(node), FIELDS)
    assert secret_files.prepare_node(node, lambda: next(names)) == "2"
    before = held(node)
    assert (before.of("1").admin_secret, before.of("2").admin_secret) == ("first", "secret-0")
    assert node_secrets.read(str(node))["admin_secret"] == "first"
    secret_files.promote_node(node)
    assert held(node) == before
    assert node_secrets.read(str(node))["admin_secret"] == "secret-0"
    assert "others" not in node_secrets.read(str(node))


def test_a_promotion_can_be_repeated(node: Path) -> None:
    """A run that was cut off goes on; it does not go back."""
    secret_files.prepare_node(node)
    secret_files.promote_node(node)
    once = node.read_text(encoding="utf-8")
    secret_files.promote_node(node)
    assert node.read_text(encoding="utf-8") == once
    assert secret_files.node_version(node) == ("2", "2")


def test_the_third_secrets_take_the_place_of_the_first(node: Path) -> None:
    """What no node has any more is not kept."""
    for _ in range(2):
        secret_files.prepare_node(node)
        secret_files.promote_node(node)
    assert [held(node).version, *(each.version for each in held(node).others)] == ["3", "2"]


def test_a_node_that_presents_nothing_known_gets_the_newest(node: Path) -> None:
    """As before there were versions."""
    assert held(node).of("").version == "1"


def test_secrets_are_for_their_owner_alone(node: Path) -> None:
    """Also after they were written again."""
    secret_files.prepare_node(node)
    assert node.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_says_what_to_do(node: Path) -> None:
    """Nothing is generated over it."""
    node.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="restore it from a backup"):
        secret_files.prepare_node(node)


def test_tokens_of_both_keys_are_good_until_the_old_one_is_dropped(tmp_path: Path) -> None:
    """And the published keys do not change at the moment at which the new one begins to sign."""
    key, published = tmp_path / "token_key.pem", tmp_path / "issuers.json"
    secret_files.write(key, SigningKey.generate().to_pem())
    old = SigningKey.from_pem(key)

    def good(signing: SigningKey) -> bool:
        published.write_text(node_secrets.jwks(str(key)), encoding="utf-8")
        verifier = Verifier((str(published),))
        try:
            verifier.verify(signing.sign(Claims("ann", exp=2e9)), now_s=1e9)
        except Exception:
            return False
        return True

    secret_files.prepare_tokens(tmp_path)
    both = node_secrets.jwks(str(key))
    assert len(json.loads(both)["keys"]) == 2
    secret_files.promote_tokens(tmp_path)
    new = SigningKey.from_pem(key)
    assert new.kid != old.kid
    assert node_secrets.jwks(str(key)) == both
    assert good(old)
    assert good(new)
    assert secret_files.still_good(tmp_path / "token_key.old.pem", 100) > 90
    assert secret_files.drop_tokens(tmp_path)
    assert not good(old)
    assert good(new)
    assert not secret_files.drop_tokens(tmp_path)


def test_turn_servers_take_the_old_secret_until_it_is_dropped(tmp_path: Path) -> None:
    """The newest is first: gateways sign with that one."""
    path = tmp_path / "turn.json"
    path.write_text('{"secrets": ["one"]}', encoding="utf-8")
    secret_files.prepare_turn(path, lambda: "two")
    assert json.loads(path.read_text(encoding="utf-8"))["secrets"] == ["two", "one"]
    assert secret_files.drop_turn(path)
    assert json.loads(path.read_text(encoding="utf-8"))["secrets"] == ["two"]
    assert not secret_files.drop_turn(path)


def authorities(pki: Path) -> int:
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    return len(context.get_ca_certs())


def test_both_authorities_are_trusted_until_the_old_one_is_dropped(tmp_path: Path) -> None:
    """The first of the file is the one that signs."""
    key, certificate = new_ca("old")
    secret_files.write(tmp_path / "ca.key", key)
    secret_files.write(tmp_path / "ca.crt", certificate)
    for _ in range(2):
        secret_files.prepare_ca(tmp_path, lambda: new_ca("new"))
    assert authorities(tmp_path) == 2
    assert (tmp_path / "ca.crt").read_text(encoding="utf-8").startswith(certificate)
    for _ in range(2):
        secret_files.promote_ca(tmp_path)
    assert authorities(tmp_path) == 2
    assert (tmp_path / "ca.crt").read_text(encoding="utf-8").endswith(certificate)
    assert (tmp_path / "ca.key").read_text(encoding="utf-8") != key
    assert secret_files.drop_ca(tmp_path)
    assert authorities(tmp_path) == 1
    assert not secret_files.drop_ca(tmp_path)

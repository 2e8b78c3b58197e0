"""How an operator's commands find a deployment, and whom they trust there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.client import Operator, find
from rtcdn import tls
from rtcdn.errors import ConfigError
from rtcdn.tokens import SigningKey
from tests.support.pki import Pki

NOTED = {"name": "fair", "url": "https://live.example.org", "public_url": "https://live.example.org", "ca": "",
         "nodes": ["st1"], "gateways": ["1"]}  # fmt: skip


def test_what_was_noted_is_found(tmp_path: Path) -> None:
    """What is trusted beside the CA, too; one noted before there was such a thing has none."""
    (tmp_path / "fair").mkdir()
    path = tmp_path / "fair" / "deployment.json"
    path.write_text(json.dumps(NOTED), encoding="utf-8")
    assert find("fair", tmp_path).also == ()
    path.write_text(json.dumps({**NOTED, "also": ["system", "/root.pem"]}), encoding="utf-8")
    assert find("fair", tmp_path).also == ("system", "/root.pem")


def test_all_that_were_told_are_trusted(tmp_path: Path) -> None:
    """Files alone, or with the system's; the system's alone where nothing is told."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = (str(Pki(tmp_path / name).issue("etcd").ca) for name in ("one", "other"))

    def counted(*told: str) -> int:
        return len(tls.trusting(told).get_ca_certs())

    system = counted()
    assert (counted(one), counted(one, other)) == (1, 2)
    assert counted(one, "system", other) == system + 2
    assert counted("system") == counted("", "") == system


def test_an_authority_that_is_gone_is_named(tmp_path: Path) -> None:
    """With the cure."""
    (tmp_path / "fair" / "secrets").mkdir(parents=True)
    key = tmp_path / "fair" / "secrets" / "token_key.pem"
    key.write_text(SigningKey.generate().to_pem(), encoding="utf-8")
    noted = json.dumps({**NOTED, "ca": str(tmp_path / "gone.pem")})
    (tmp_path / "fair" / "deployment.json").write_text(noted, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gone\.pem: cannot be read"):
        Operator(find("fair", tmp_path))

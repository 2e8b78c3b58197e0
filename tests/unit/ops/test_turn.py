"""What TURN servers and gateways are handed by the playbooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.ice import read
from ops import turn

HOSTS: dict[str, dict[str, Any]] = {
    "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
    "us1": {"private": "10.1.0.1", "public": "198.51.100.1", "region": "us"},
}
ROW = {"id": "turn-1", "host": "eu1", "port": 3478, "tls": 443, "relay": "40000-40999"}


def kept(folder: Path, text: str) -> str:
    """A file of secrets."""
    path = folder / "turn.json"
    path.write_text(text)
    return str(path)


def test_urls_are_of_every_way() -> None:
    """By the public address, or the name that is given."""
    assert turn.urls(ROW, HOSTS) == [
        "turn:192.0.2.1:3478?transport=udp",
        "turn:192.0.2.1:3478?transport=tcp",
        "turns:192.0.2.1:443?transport=tcp",
    ]
    named = turn.urls({"id": "t", "host": "eu1", "name": "turn.example.org", "tls": 0}, HOSTS)
    assert named == ["turn:turn.example.org:3478?transport=udp", "turn:turn.example.org:3478?transport=tcp"]


def test_gateways_read_what_they_are_told(tmp_path: Path) -> None:
    """The newest secret, and each server's region."""
    path = kept(tmp_path, '{"secrets": ["new", "old"]}')
    ice = read(turn.servers([ROW, {"id": "t2", "host": "us1"}], HOSTS, path, 3600), "us")
    assert (ice.secret, ice.ttl_s, [each.region for each in ice.servers]) == ("new", 3600, ["eu", "us"])


def test_in_check_mode_nothing_need_be_there(tmp_path: Path) -> None:
    """The first run is foretold before the secret is made."""
    path = str(tmp_path / "turn.json")
    assert json.loads(turn.servers([ROW], HOSTS, path, 3600, missing_ok=True))["secret"] == ""
    assert turn.files(ROW, path, ["192.0.2.1"], [path, path], missing_ok=True)[0] == {
        "name": "secrets",
        "content": "\n",
    }


def test_a_server_is_given_all_secrets_and_the_key_before_the_certificate(tmp_path: Path) -> None:
    """It reloads when the certificate changes: its key must be there."""
    path = kept(tmp_path, '{"secrets": ["new", "old"]}')
    for name in ("crt", "key"):
        (tmp_path / name).write_text(f"{name}\n")
    found = turn.files(ROW, path, ["192.0.2.1"], [str(tmp_path / "crt"), str(tmp_path / "key")])
    assert [(each["name"], each["content"]) for each in found] == [
        ("secrets", "new\nold\n"),
        ("peers", "192.0.2.1\n"),
        ("tls.key", "key\n"),
        ("tls.crt", "crt\n"),
    ]
    assert len(turn.files(ROW | {"tls": 0}, path, [], ["", ""])) == 2


@pytest.mark.parametrize("text", ["[]", "{}", '{"secrets": []}', '{"secrets": [""]}', '{"secrets": "x"}', "x"])
def test_a_broken_file_of_secrets_is_named(tmp_path: Path, text: str) -> None:
    """With the cure."""
    with pytest.raises(ValueError, match=r"turn\.json.*run role turn"):
        turn.secrets(kept(tmp_path, text))


def test_peers_are_where_webrtc_is() -> None:
    """Public addresses, and what they are mapped to; hosts without WebRTC are none."""
    nodes = [
        {"id": "a", "host": "eu1", "webrtc": "20000-20999"},
        {"id": "b", "host": "us1", "webrtc": "20000-20999"},
        {"id": "c", "host": "us1", "webrtc": ""},
    ]
    facts = {
        "eu1": {"all_ipv4_addresses": ["192.0.2.1", "10.0.0.1"], "default_ipv4": {"address": "10.0.0.1"}},
        "us1": {"all_ipv4_addresses": ["10.1.0.1"], "default_ipv4": {"address": "10.1.0.1"}},
    }
    assert turn.peers(nodes, HOSTS, facts) == ["10.1.0.1", "192.0.2.1", "198.51.100.1"]
    assert turn.peers(nodes[2:], HOSTS, facts) == []

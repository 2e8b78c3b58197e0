"""The event a command is called with: what is kept outranks it, and hosts that it lost are remembered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import client, spare, target
from ops.target import Target
from rtcdn.errors import ConfigError

EVENT = """
event: fair
private_network: true
regions:
  eu:
    place: [50.1, 8.7]
    hosts:
      eu-1: {private: 10.0.0.1, public: 192.0.2.1}
      eu-2: {private: 10.0.0.2, public: 192.0.2.2}
      eu-3: {private: 10.0.0.3, public: 192.0.2.3, spare: true}
"""


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """An event of two hosts and a spare one, with a state folder of the test's own."""
    monkeypatch.setattr(client, "STATES", tmp_path / "states")
    path = tmp_path / "fair.yml"
    path.write_text(EVENT, encoding="utf-8")
    return target.load(str(path))


def nodes(folder: Path) -> list[dict[str, Any]]:
    kept = folder / "group_vars" / "all" / target.KEPT
    return list(yaml.safe_load(kept.read_text(encoding="utf-8"))["rtcdn_nodes"])


def test_the_inventory_is_in_the_state_folder(wanted: Target) -> None:
    """Written anew each time, with nothing of the old one left, and none half written beside it."""
    (argument,) = wanted.write()
    assert argument == wanted.state / "inventory"
    (wanted.inventory / "stray.yml").write_text("x", encoding="utf-8")
    assert wanted.write() == [argument]
    assert not (wanted.inventory / "stray.yml").exists()
    assert [each.name for each in wanted.state.iterdir()] == ["inventory"]
    assert not (wanted.inventory / "group_vars" / "all" / target.KEPT).exists()


def test_what_up_was_told_outranks_the_event(wanted: Target, tmp_path: Path) -> None:
    """In a file that Ansible reads last."""
    wanted.state.mkdir(parents=True)
    (wanted.state / "choices.json").write_text('{"rtcdn_public_address": "198.51.100.7"}', encoding="utf-8")
    wanted.compile(tmp_path / "inventory")
    files = sorted(each.name for each in (tmp_path / "inventory" / "group_vars" / "all").iterdir())
    assert files[-1] == target.KEPT
    assert "198.51.100.7" in (tmp_path / "inventory" / "group_vars" / "all" / target.KEPT).read_text()


def test_nodes_that_scale_started_stay_in_the_inventory(wanted: Target, tmp_path: Path) -> None:
    """In the table and in the group of their kind; those on a host that went are not."""
    wanted.state.mkdir(parents=True)
    own = wanted.nodes()
    row = spare.row(wanted.event, "eu-3", "ST", own)
    stray = {**row, "id": "eu-9-st1", "host": "eu-9"}
    (wanted.state / "scaled.json").write_text(json.dumps({"nodes": [row, stray]}), encoding="utf-8")
    wanted.compile(tmp_path / "inventory")
    assert [each["id"] for each in nodes(tmp_path / "inventory")] == [*(each["id"] for each in own), "eu-3-st1"]
    scaled = yaml.safe_load((tmp_path / "inventory" / "scaled.yml").read_text(encoding="utf-8"))
    assert "eu-3" in scaled["all"]["children"]["streaming"]["hosts"]


def test_rows_on_a_spare_host_share_nothing(wanted: Target) -> None:
    """Ports and ranges of three nodes, one after the other."""
    rows: list[dict[str, Any]] = []
    for kind in ("ST", "VR", "AB", "ST"):
        rows.append(spare.row(wanted.event, "eu-3", kind, [*wanted.nodes(), *rows]))
    assert [row["id"] for row in rows] == ["eu-3-st1", "eu-3-vr1", "eu-3-ab1", "eu-3-st2"]
    assert len({row["port"] for row in rows}) == 4
    taken: set[int] = set(range(40000, 41000))  # of TURN
    for row in rows:
        for text in (row["webrtc"], row["rtp"]):
            if text:
                low, high = (int(each) for each in text.split("-"))
                assert not taken & set(range(low, high + 1))
                taken |= set(range(low, high + 1))


def test_a_host_without_ports_left_is_told(wanted: Target) -> None:
    """With the key of the event to change."""
    full = [{"id": "x", "host": "eu-3", "port": 8300, "webrtc": "20000-39000", "rtp": ""}]
    with pytest.raises(ConfigError, match=r"ports\.udp: 20000-39999 has no 1500 ports left on eu-3"):
        spare.row(wanted.event, "eu-3", "ST", full)


def test_hosts_that_went_are_remembered_until_they_are_clean(wanted: Target) -> None:
    """Also over a second change of the event, with the way by which they are reached; one that comes back is not."""
    wanted.write()
    gone = target.going(wanted.state, {"eu-1": {}, "eu-3": {}})
    assert list(gone) == ["eu-2"]
    assert gone["eu-2"]["ansible_host"]
    target.write_gone(wanted.state, gone)
    shutil.rmtree(wanted.inventory)
    assert target.going(wanted.state, {"eu-1": {}}) == gone
    assert target.going(wanted.state, {"eu-2": {}}) == {}
    target.write_gone(wanted.state, {})
    assert target.going(wanted.state, {}) == {}


def test_an_event_is_found_by_file_or_by_name() -> None:
    """Else the ones that there are are named."""
    assert target.find("local") == target.EVENTS / "local.yml"
    assert target.find(str(target.EVENTS / "local.yml")) == target.EVENTS / "local.yml"
    with pytest.raises(ConfigError, match=r"nowhere: there is no such event file; .*local"):
        target.find("nowhere")


def test_what_was_applied_is_noted(wanted: Target) -> None:
    """When, by whom, by which file: status tells it."""
    wanted.note_applied(wanted.write())
    noted = target.applied(wanted.state)
    assert noted["digest"] == wanted.digest
    assert noted["inventories"] == [str(wanted.inventory)]
    assert (wanted.state / "event" / "fair.yml").read_text(encoding="utf-8") == EVENT


def test_a_broken_file_of_the_state_folder_is_named(tmp_path: Path) -> None:
    """Not taken for an empty one."""
    (tmp_path / "scaled.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"scaled\.json cannot be understood"):
        target.scaled(tmp_path)

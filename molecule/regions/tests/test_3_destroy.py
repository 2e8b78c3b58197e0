"""The event is taken away, and nothing of it is left on any host."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ops.lab import machines
from tests.support.lab_event import LIMIT_S, Event, left

pytestmark = pytest.mark.timeout(LIMIT_S + 100)


def test_nothing_is_left(lab: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says so, and so does whoever looks with other eyes."""
    began_s = time.monotonic()
    Event(tmp_path / "event.yml", lab).run("destroy", lab, "--yes")
    with capsys.disabled():
        print(f"\ndestroyed in {time.monotonic() - began_s:.0f} s")
    assert left(machines.find(lab)) == {}
    assert not Path(f"/var/lib/rtcdn/{lab}").exists()

"""The journal: one command at a time, and what was cut off is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.journal import DONE, FAILED, INTERRUPTED, RUNNING, Journal
from rtcdn.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from ops.journal import Journal
with Journal("ev", Path(sys.argv[1])).during("apply", "events/ev.yml", "abc") as journal:
    journal.step("Run the media nodes")
    print("held", flush=True)
    time.sleep(60)
"""


def holder(states: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HOLD, str(states)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_command_at_a_time(tmp_path: Path) -> None:
    """The second one is told who is at work, and since when."""
    process = holder(tmp_path)
    try:
        second = Journal("ev", tmp_path).during("destroy", "events/ev.yml")
        with pytest.raises(ConfigError, match=rf"apply \(process {process.pid}, .*\) is at work on ev"), second:
            pass
        last = Journal("ev", tmp_path).last()
        assert last is not None
        assert (last.state, last.step, last.pid) == (RUNNING, "Run the media nodes", process.pid)
        assert "is under way since" in Journal("ev", tmp_path).notice()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_cut_off_is_told_and_nobody_is_locked_out(tmp_path: Path, how: signal.Signals) -> None:
    """Killed or interrupted: the step it reached is known, the lock is free."""
    process = holder(tmp_path)
    os.kill(process.pid, how)
    process.wait()
    journal = Journal("ev", tmp_path)
    last = journal.last()
    assert last is not None
    assert last.state == INTERRUPTED
    assert "was interrupted at the step 'Run the media nodes': run it again" in journal.notice()
    with journal.during("apply", "events/ev.yml"):
        pass
    assert journal.notice() == ""


def test_who_only_holds_hides_nothing(tmp_path: Path) -> None:
    """A backup keeps others out and is told to them; what was cut off before stays to be finished."""
    process = holder(tmp_path)
    process.kill()
    process.wait()
    journal = Journal("ev", tmp_path)
    with journal.held("backup"):
        assert "was interrupted" in journal.notice()
        with pytest.raises(ConfigError, match=r"backup \(process .* is at work on ev"), journal.during("apply", "ev"):
            pass
    assert "was interrupted" in journal.notice()


def test_a_failure_is_kept_and_a_success_says_nothing(tmp_path: Path) -> None:
    """The log has a line for each begin and end."""
    journal = Journal("ev", tmp_path)
    assert journal.last() is None
    with journal.during("apply", "events/ev.yml"):
        journal.failed()
    last = journal.last()
    assert last is not None
    assert last.state == FAILED
    assert "failed: run it again" in journal.notice()
    with journal.during("apply", "events/ev.yml"):
        pass
    last = journal.last()
    assert last is not None
    assert last.state == DONE
    assert len((tmp_path / "ev" / "journal.log").read_text().splitlines()) == 4


def test_a_journal_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """A full disk left half of it."""
    (tmp_path / "ev").mkdir()
    (tmp_path / "ev" / "journal.json").write_text("{", encoding="utf-8")
    assert Journal("ev", tmp_path).last() is None

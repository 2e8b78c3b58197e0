"""Playbooks as they are run: one outcome of several, options in their place, and none that outlives its command."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

from ops import progress
from ops.progress import Outcome

ROOT = Path(__file__).resolve().parents[3]
WAITING = "- {hosts: localhost, gather_facts: false, tasks: [{name: Wait, ansible.builtin.command: sleep 300}]}\n"
RUN = """
import sys
from pathlib import Path
from ops import progress
progress.play(sys.argv[1], "localhost,", {}, Path(sys.argv[2]), on_step=lambda step: print("step", flush=True))
"""


def test_several_playbooks_and_inventories_are_one_run() -> None:
    """In their order, with variables that outrank all others."""
    words = progress.command(["a.yml", "b.yml"], ["one", "two"], {"x": 1}, check=True)
    assert words[1:] == [
        "--inventory", "one", "--inventory", "two", "a.yml", "b.yml", "--check", "--diff", "--extra-vars", '{"x": 1}',
    ]  # fmt: skip
    assert progress.command("a.yml", "one", {})[1:] == ["--inventory", "one", "a.yml", "--extra-vars", "{}"]


def test_two_outcomes_are_told_as_one() -> None:
    """Changes and time add up; how it ended is how the later one did."""
    first = Outcome(changed=2, took_s=3.0, unreachable=["a"])
    both = first.then(Outcome(code=4, changed=1, took_s=1.0, unreachable=["a", "b"]))
    assert (both.code, both.changed, both.took_s, both.unreachable) == (4, 3, 4.0, ["a", "b"])


def test_an_outcome_keeps_what_playbooks_tell() -> None:
    """Changes with their hosts, surveys, what is declared, images, who does not answer."""
    outcome = Outcome()
    for event in (
        {"event": "changed", "host": "a", "role": "host", "task": "t", "details": []},
        {"event": "survey", "host": "a", "survey": {"engine": True}},
        {"event": "declared", "declared": {"stacks": ["etcd"]}},
        {"event": "images", "names": ["x (build)"]},
        {"event": "images", "names": ["x (build)", "y (load)"]},
        {"event": "unreachable", "host": "b"},
        {"event": "unreachable", "host": "b"},
        {"event": "end", "changed": 2, "failed": 0},
        {"event": "end", "changed": 3, "failed": 0},
    ):
        outcome.note(event)
    assert outcome.changes == [{"host": "a", "role": "host", "task": "t", "details": []}]
    assert outcome.surveys == {"a": {"engine": True}}
    assert outcome.declared == {"stacks": ["etcd"]}
    assert (outcome.images, outcome.unreachable, outcome.changed) == (["x (build)", "y (load)"], ["b"], 3)


def test_a_step_that_was_not_come_to_is_not_called_good() -> None:
    """After a host was lost, Ansible names the plays that are left and runs nothing of them."""
    out = io.StringIO()
    screen = progress.Screen(out, live=False)
    screen.on_event({"event": "start", "plays": 2}, 0.0)
    for event in ({"event": "play", "name": "One"}, {"event": "task", "name": "t"}, {"event": "play", "name": "Two"}):
        screen.on_event(event, 1.0)
    screen.on_event({"event": "end", "changed": 0, "failed": 1}, 2.0)
    assert [line.split()[-1] for line in out.getvalue().splitlines()] == ["ok", "run"]


def test_a_playbook_ends_with_the_command_that_runs_it(tmp_path: Path) -> None:
    """A killed command must not leave a playbook behind that goes on changing hosts beside the next one."""
    playbook = tmp_path / "wait.yml"
    playbook.write_text(WAITING, encoding="utf-8")
    words = [sys.executable, "-c", RUN, str(playbook), str(tmp_path / "log")]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        while "step" not in command.stdout.readline():
            assert command.poll() is None
        (child,) = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text(encoding="ascii").split()
        command.kill()
    until_s = time.monotonic() + 60
    while alive(child):
        assert time.monotonic() < until_s, f"process {child} goes on"
        time.sleep(0.1)


def alive(pid: str) -> bool:
    """Whether a process still runs; one that nobody has waited for is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_failure_is_told_with_what_failed_and_the_end_of_the_log(tmp_path: Path) -> None:
    """A long log does not push the reason away; a short text is whole."""
    lines = ["stack janus_st1 does not run", "service janus_st1_janus: rolled back", *map(str, range(40))]
    for shown, said in ((lines, True), (lines[:16], False)):
        out = io.StringIO()
        failure = {"host": "eu1", "task": "stack : Stop", "text": "\n".join(shown)}
        progress.explain(progress.Outcome(failures=[failure]), tmp_path / "up.log", out)
        told = [line.strip() for line in out.getvalue().splitlines()]
        assert told[1:4] == ["Failed on eu1: stack : Stop", *lines[:2]]
        assert ("..." in told) is said
        assert told[-2] == shown[-1]

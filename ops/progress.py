"""Runs a playbook and shows one line for each of its steps, with elapsed times; Ansible's own output goes to a file."""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

TREE = Path(__file__).resolve().parent.parent
HEAD_LINES, LOG_TAIL_LINES = 4, 12  # of what failed: the head says what, the tail is of a log
PR_SET_PDEATHSIG = 1  # prctl(2): the kernel's signal to a child whose parent has died
STILL_S = 20.0  # without a terminal, a step that takes longer says so each time this long has passed


@dataclass
class Outcome:
    """How playbooks ended, and what they told."""

    code: int = 0
    changed: int = 0
    took_s: float = 0.0
    failures: list[dict[str, str]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)  # host, role, task, details: see the callback plugin
    surveys: dict[str, dict[str, Any]] = field(default_factory=dict)  # by host: what the module host_survey found
    declared: dict[str, Any] = field(default_factory=dict)  # see ops.declared
    images: list[str] = field(default_factory=list)  # that are missing, and how each is made
    said: list[str] = field(default_factory=list)  # what plays told the operator
    unreachable: list[str] = field(default_factory=list)

    def then(self, later: Outcome) -> Outcome:
        """This and what was played after it as one."""
        return replace(
            later,
            changed=self.changed + later.changed,
            took_s=self.took_s + later.took_s,
            failures=[*self.failures, *later.failures],
            unreachable=list(dict.fromkeys([*self.unreachable, *later.unreachable])),
        )

    def note(self, event: Mapping[str, Any]) -> None:
        """Keep what one event of the callback plugin tells."""
        kind = event["event"]
        if kind == "failed":
            self.failures.append(dict(event))
        elif kind == "changed" and "host" in event:
            self.changes.append({key: value for key, value in event.items() if key != "event"})
        elif kind == "survey":
            self.surveys[event["host"]] = dict(event["survey"])
        elif kind == "images":
            self.images += [name for name in event["names"] if name not in self.images]
        elif kind == "declared":
            self.declared = dict(event["declared"])
        elif kind == "said":
            self.said.append(str(event["text"]))
        elif kind == "unreachable" and event["host"] not in self.unreachable:
            self.unreachable.append(event["host"])
        elif kind == "end":
            self.changed = int(event["changed"])  # Ansible counts on over the playbooks of one call


@dataclass
class Screen:
    """Lines of steps: rewritten in place on a terminal, one when done (and signs of life) elsewhere."""

    out: TextIO
    live: bool
    word: str = "changed"
    on_step: Callable[[str], None] | None = None
    plays: int = 0
    number: int = 0
    step: str = ""
    task: str = ""
    changed: int = 0
    began_s: float = 0.0
    said_s: float = 0.0

    def on_event(self, event: Mapping[str, Any], now_s: float) -> None:
        """One event of the callback plugin ``rtcdn_progress``."""
        kind = event["event"]
        if kind == "start":
            self.plays += int(event["plays"])
        elif kind == "play":
            self.close(now_s)
            self.step, self.task, self.changed = str(event["name"]), "", 0
            self.number += 1
            if self.on_step:
                self.on_step(self.step)
            self.began_s = self.said_s = now_s
        elif kind == "task":
            self.task = str(event["name"])
        elif kind == "changed":
            self.changed += 1
        elif kind == "said":
            self.out.write("".join(f"{line}\n" for line in self._lead(event["text"])))
        elif kind == "end":
            self.close(now_s)
        self.tick(now_s)

    def _lead(self, text: str) -> list[str]:
        """Lines that a play tells, from the beginning of the line on a terminal."""
        return [("\r\033[K" if self.live else "") + f"          {line}" for line in text.splitlines()]

    def tick(self, now_s: float) -> None:
        """Time passes."""
        if not self.step:
            return
        if self.live:
            self.out.write("\r\033[K" + self._line(now_s, f" {self.task}")[: _width()])
            self.out.flush()
        elif now_s - self.said_s >= STILL_S:
            self.said_s = now_s
            self.out.write(f"          ... {clock(now_s - self.began_s)} {self.task}\n")
            self.out.flush()

    def close(self, now_s: float, mark: str = "") -> None:
        """The step that runs is over."""
        if self.step:
            done = mark or (f"{self.changed} {self.word}" if self.changed else "ok" if self.task else "not run")
            self.out.write(("\r\033[K" if self.live else "") + self._line(now_s, done) + "\n")
            self.out.flush()
        self.step = ""

    def _line(self, now_s: float, end: str) -> str:
        head = f"  [{self.number:2}/{self.plays or '?':>2}] {self.step} "
        return f"{head:.<62} {clock(now_s - self.began_s)}  {end}"


def clock(seconds: float) -> str:
    """``m:ss``."""
    return f"{int(seconds) // 60:2}:{int(seconds) % 60:02}"


def play(
    playbook: str | Sequence[str],
    inventory: str | Sequence[str],
    extra: Mapping[str, Any],
    log: Path,
    out: TextIO | None = None,
    *,
    check: bool = False,
    quiet_failures: bool = False,
    on_step: Callable[[str], None] | None = None,
) -> Outcome:
    """Run playbooks, one after the other, on one or more inventories; their whole output goes to ``log``.

    ``check``: nothing is changed; the outcome says what would be. ``quiet_failures``: the caller tells them.
    ``on_step`` is called with the name of each play.
    """
    out = out or sys.stdout
    screen = Screen(out, out.isatty(), "would change" if check else "changed", on_step)
    outcome = Outcome()
    began_s = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with log.open("w", encoding="utf-8") as kept:
        process = subprocess.Popen(
            command(playbook, inventory, extra, check),
            cwd=TREE,
            env=_environment(writing),
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=kept,
            stderr=kept,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads run here
        )
        os.close(writing)
        try:
            _follow(process, reading, screen, outcome)
        except BaseException:
            process.terminate()
            process.wait()
            screen.close(time.monotonic(), "interrupted")
            raise
        finally:
            os.close(reading)
    outcome.code = process.wait()
    outcome.took_s = time.monotonic() - began_s
    if outcome.code:
        screen.close(time.monotonic(), "FAILED")
        if not quiet_failures:
            explain(outcome, log, out)
    return outcome


def command(
    playbook: str | Sequence[str], inventory: str | Sequence[str], extra: Mapping[str, Any], check: bool = False
) -> list[str]:
    """The words of ``ansible-playbook``."""
    inventories = [inventory] if isinstance(inventory, str) else inventory
    words = [str(Path(sys.executable).parent / "ansible-playbook")]
    words += [word for each in inventories for word in ("--inventory", str(each))]
    words += [playbook] if isinstance(playbook, str) else playbook
    words += ["--check", "--diff"] if check else []
    return [*words, "--extra-vars", json.dumps(dict(extra))]


def _environment(descriptor: int) -> dict[str, str]:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(TREE / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    return environment | {"ANSIBLE_CALLBACKS_ENABLED": "rtcdn_progress", "RTCDN_PROGRESS_FD": str(descriptor)}


def _die_with_parent() -> None:
    """In the child: a playbook does not go on when the command that runs it was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _follow(process: subprocess.Popen[bytes], reading: int, screen: Screen, outcome: Outcome) -> None:
    """Show events until the process has ended: what it started in the background may hold the pipe open."""
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        rest = b""
        while True:
            ready = selector.select(timeout=1.0)
            chunk = os.read(reading, 65536) if ready else b""
            rest += chunk
            *lines, rest = rest.split(b"\n")
            for line in lines:
                event = json.loads(line)
                outcome.note(event)
                if not (event["event"] == "end" and event["failed"]):
                    screen.on_event(event, time.monotonic())
            if not chunk and (ready or process.poll() is not None):
                return
            screen.tick(time.monotonic())


def explain(outcome: Outcome, log: Path, out: TextIO) -> None:
    """What failed, where, and the end of the log."""
    if outcome.failures:
        last = outcome.failures[-1]
        out.write(f"\nFailed on {last['host']}: {last['task']}\n")
        lines = last["text"].strip().splitlines()
        head = min(HEAD_LINES, max(0, len(lines) - LOG_TAIL_LINES))
        left_out = ["..."] if len(lines) > head + LOG_TAIL_LINES else []
        shown = [*lines[:head], *left_out, *lines[head:][-LOG_TAIL_LINES:]]
        out.write("".join(f"  {line}\n" for line in shown))
    else:
        lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
        out.write("\nAnsible ended early:\n" + "".join(f"  {line}\n" for line in lines[-LOG_TAIL_LINES:]))
    out.write(f"The whole output is in {log}\n")


def _width() -> int:
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns - 1) + len("\r\033[K")
    except OSError:
        return 120

"""What was done to a deployment and what is under way: one command at a time, and none forgotten that was cut off.

In the deployment's state folder on the controller: ``journal.json`` (the last command and the step it reached) and
``journal.log`` (one JSON line for each begin and end). The lock lies beside the folder, so that it outlives a destroy.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ops import client
from rtcdn.errors import ConfigError

RUNNING, DONE, FAILED, INTERRUPTED = "running", "done", "failed", "interrupted"


@dataclass(frozen=True, slots=True)
class Act:
    """One command on a deployment."""

    verb: str
    event: str  # file it was called with
    digest: str = ""  # of that file's content
    by: str = ""
    pid: int = 0
    began_s: float = 0.0
    ended_s: float = 0.0
    step: str = ""
    state: str = RUNNING


class Journal:
    """The journal of one deployment."""

    def __init__(self, deployment: str, states: Path | None = None) -> None:
        states = states or client.STATES
        self.folder = states / deployment
        self._lock = states / f".{deployment}.lock"
        self._act: Act | None = None

    def last(self) -> Act | None:
        """The last command; ``interrupted`` when it never came to an end and nobody is at it."""
        try:
            act = Act(**json.loads((self.folder / "journal.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return replace(act, state=INTERRUPTED) if act.state == RUNNING and not self._held_by(act.pid) else act

    def notice(self) -> str:
        """What an operator should know of the last command; empty when it ended well."""
        act = self.last()
        if act is None or act.state == DONE:
            return ""
        where = f" at the step {act.step!r}" if act.step else ""
        if act.state == RUNNING:
            return (
                f"{act.verb} {act.event} is under way since {moment(act.began_s)} (process {act.pid}, {act.by}){where}"
            )
        how = "was interrupted" if act.state == INTERRUPTED else "failed"
        return f"{act.verb} {act.event} of {moment(act.began_s)} ({act.by}) {how}{where}: run it again, it goes on"

    @contextmanager
    def held(self, verb: str) -> Iterator[None]:
        """Hold the deployment, so that nobody changes it meanwhile; ConfigError when another command does.

        The kernel gives the lock back when its holder dies, however it dies: a stale one cannot be.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with self._lock.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                holder = file.read().strip() or "another command"
                raise ConfigError([f"{holder} is at work on {self.folder.name}: wait for it, or end it"]) from None
            file.truncate(0)
            file.write(f"{verb} (process {os.getpid()}, {who()}, since {moment(time.time())})")
            file.flush()
            yield

    @contextmanager
    def during(self, verb: str, event: str, digest: str = "") -> Iterator[Journal]:
        """Hold the deployment while a command changes it, and note how that ends."""
        with self.held(verb):
            self._act = Act(verb, event, digest, who(), os.getpid(), time.time())
            self._keep(log=True)
            try:
                yield self
            except BaseException as error:
                self._end(FAILED if isinstance(error, Exception) else INTERRUPTED)
                raise
            self._end(DONE if self._act.state == RUNNING else self._act.state)

    def step(self, name: str) -> None:
        """The command goes on with this."""
        if self._act and name != self._act.step:
            self._act = replace(self._act, step=name)
            self._keep()

    def failed(self) -> None:
        """The command did not do what it should."""
        if self._act:
            self._act = replace(self._act, state=FAILED)

    def forget_lock(self) -> None:
        """After a destroy nothing of the deployment stays here."""
        if not self.folder.exists():
            self._lock.unlink(missing_ok=True)

    def _end(self, state: str) -> None:
        if self._act:
            self._act = replace(self._act, state=state, ended_s=time.time())
            if self.folder.is_dir():  # a destroy removes it
                self._keep(log=True)

    def _keep(self, log: bool = False) -> None:
        if self._act is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(self.folder / "journal.json", asdict(self._act))
        if log:
            with (self.folder / "journal.log").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._act), sort_keys=True) + "\n")

    def _held_by(self, pid: int) -> bool:
        try:
            with self._lock.open("r", encoding="utf-8") as file:
                holder = file.read()
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return f"(process {pid}," in holder
        return False


def write(path: Path, content: Any) -> None:
    """Write JSON so that a reader finds the old or the new, never half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


def moment(when_s: float) -> str:
    """A time as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when_s))


def who() -> str:
    """Who calls: the user, and whose session it is under sudo."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{os.environ.get('SUDO_USER') or user}@{socket.gethostname()}"

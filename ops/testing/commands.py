"""Running other programs so that an interrupt ends them too."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 30


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    limit_s: float | None = None,
) -> int:
    """Run ``command`` in the tree in a process group of its own; its exit code, 124 when it took too long.

    Output goes to the terminal, or to ``log``. An interrupt of ours is handed to the group, which has 30 s to tidy up.
    """
    words = [str(word) for word in command]
    with open(log, "ab") if log else open(os.devnull, "rb") as sink:
        output = sink if log else None
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return 124
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience_s in ((signal.SIGINT, GRACE_S), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=patience_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


def answer(command: Sequence[str | Path]) -> str | None:
    """Standard output of a short command, stripped; None where it fails or does not exist."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()

"""Tells ``rtcdn up`` and ``down`` how a playbook gets on: one JSON line for each event, on the descriptor given."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: rtcdn_progress
    type: notification
    short_description: events of a playbook as JSON lines
    description:
      - Writes to the file descriptor in the environment variable RTCDN_PROGRESS_FD; silent without it.
"""
LONGEST_TEXT = 4000


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Plays, tasks, failures, and the count of changes at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "rtcdn_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = int(os.environ.get("RTCDN_PROGRESS_FD", "-1"))

    def _send(self, event: str, **content: Any) -> None:
        if self._descriptor >= 0:
            os.write(self._descriptor, json.dumps({"event": event, **content}).encode() + b"\n")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """How many plays there are."""
        self._send("start", plays=len(playbook.get_plays()))

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A step begins."""
        self._send("play", name=play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task begins."""
        self._send("task", name=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task is done on one host."""
        if result._result.get("changed"):
            self._send("changed")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed on one host; a rescue may follow."""
        if not ignore_errors:
            self._failed(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """One item of a loop failed."""
        self._failed(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host does not answer."""
        self._failed(result)

    def _failed(self, result: Any) -> None:
        found = result._result
        texts = [found.get(key) for key in ("msg", "stderr", "module_stderr")]
        text = "\n".join(str(each) for each in dict.fromkeys(texts) if each)
        self._send("failed", task=result._task.get_name(), host=result._host.get_name(), text=text[-LONGEST_TEXT:])

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The end."""
        hosts = [stats.summarize(host) for host in stats.processed]
        self._send(
            "end", changed=sum(each["changed"] for each in hosts), failed=sum(each["failures"] for each in hosts)
        )

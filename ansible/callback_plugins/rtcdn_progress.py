"""Tells ``rtcdn`` how a playbook gets on: one JSON line for each event, on the descriptor given."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: rtcdn_progress
    type: notification
    short_description: events of a playbook as JSON lines
    description:
      - Writes to the file descriptor in the environment variable RTCDN_PROGRESS_FD; silent without it.
"""
LONGEST_HEAD, LONGEST_TAIL = 1000, 3000  # characters of a failure
LONGEST_DIFF_LINES = 400
TELLING = ("ansible.builtin.debug", "debug")  # what plays tell an operator
PRIVATE = "PRIVATE KEY"  # a diff with such a block is not shown, whatever its task says of secrecy


def details(found: Mapping[str, Any], told: str = "") -> list[dict[str, Any]]:
    """What a task changed (in check mode: would change): per item ``what`` and the lines of its diff, if any.

    ``told``: the file that the task says it writes.
    """
    items = found.get("results")
    answer: list[dict[str, Any]] = []
    for item in items if isinstance(items, list) else [found]:
        if not isinstance(item, Mapping) or not item.get("changed"):
            continue
        label = item.get("_ansible_item_label", "")
        what = label if isinstance(label, str) else ""
        diffs = item.get("diff") or []
        for diff in diffs if isinstance(diffs, list) else [diffs]:
            lines = list(diff_lines(diff))
            path = str(_path(diff) or item.get("dest") or told or diff.get("after_header") or what)
            if lines:
                answer.append({"what": path.removesuffix(" (content)"), "diff": lines[:LONGEST_DIFF_LINES]})
        if not diffs:
            answer.append({"what": what, "diff": []})
    return answer


def diff_lines(diff: Mapping[str, Any]) -> Iterator[str]:
    """The lines that go (``-``) and come (``+``) of one diff, in the forms that modules give it."""
    before, after = diff.get("before", ""), diff.get("after", "")
    if PRIVATE in str(before) + str(after) + str(diff.get("prepared", "")):
        yield "+ (a private key)"
    elif isinstance(before, Mapping) or isinstance(after, Mapping):
        old, new = (each if isinstance(each, Mapping) else {} for each in (before, after))
        for key in sorted({*old, *new} - {"path"}):
            if old.get(key) != new.get(key):
                yield f"{key}: {old.get(key, '(none)')} -> {new.get(key, '(none)')}"
    elif "prepared" in diff:
        yield from (line for line in str(diff["prepared"]).splitlines() if line.strip())
    else:
        made = difflib.unified_diff(str(before or "").splitlines(), str(after or "").splitlines(), n=0, lineterm="")
        yield from (line for line in made if not line.startswith(("---", "+++", "@@")))


def _path(diff: Mapping[str, Any]) -> str:
    """The file that a diff is of, where it says so. ``after_header`` may be the source, on the controller."""
    after = diff.get("after")
    inner = str(after.get("path", "")) if isinstance(after, Mapping) else ""
    return inner or str(diff.get("before_header", ""))


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Plays, tasks, changes with their diffs, surveys of hosts, failures, and the count of changes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "rtcdn_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = int(os.environ.get("RTCDN_PROGRESS_FD", "-1"))

    def _send(self, event: str, **content: Any) -> None:
        if self._descriptor >= 0:
            line = json.dumps({"event": event, **content}, default=str).encode() + b"\n"
            while line:
                line = line[os.write(self._descriptor, line) :]

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
        """A task is done on one host. What ``host_survey`` and ``declared.yml`` answer is passed on as it is."""
        found, host = result._result, result._host.get_name()
        if isinstance(found.get("survey"), Mapping):
            self._send("survey", host=host, survey=found["survey"])
        facts = found.get("ansible_facts") or {}
        if "declared" in facts:
            self._send("declared", declared=facts["declared"])
        if "__images_actions" in facts:
            self._send("images", names=[f"{each['tag']} ({each['how']})" for each in facts["__images_actions"]])
        if result._task.action in TELLING and isinstance(found.get("msg"), str):
            self._send("said", text=found["msg"])
        if found.get("changed"):
            role = result._task._role
            what = {"task": result._task.get_name(), "role": role.get_name() if role else ""}
            # Of a file that is not there yet, neither diff nor result say where it would be: the task does.
            args = result.task_fields.get("args") or {}
            self._send("changed", host=host, **what, details=details(found, str(args.get("dest") or "")))

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
        self._send("unreachable", host=result._host.get_name())

    def _failed(self, result: Any) -> None:
        found = result._result
        texts = [found.get(key) for key in ("msg", "stderr", "module_stderr")]
        text = "\n".join(str(each) for each in dict.fromkeys(texts) if each)
        if len(text) > LONGEST_HEAD + LONGEST_TAIL:
            text = f"{text[:LONGEST_HEAD]}\n...\n{text[-LONGEST_TAIL:]}"
        self._send("failed", task=result._task.get_name(), host=result._host.get_name(), text=text)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The end."""
        hosts = [stats.summarize(host) for host in stats.processed]
        self._send(
            "end", changed=sum(each["changed"] for each in hosts), failed=sum(each["failures"] for each in hosts)
        )

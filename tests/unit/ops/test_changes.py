"""The plan as it is read: changes with their lines, secrets by name alone, an exit code that says whether."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops import changes
from ops.changes import Change, Plan
from tests.unit.roles.load import load

callback = load("../ansible/callback_plugins/rtcdn_progress.py")
MOUNT = '      - {source: "%s", target: "/etc/x", uid: "1", gid: "1", mode: %s}'
DECLARED = {
    "hosts": {"eu-1": {"region": "eu", "spare": False}, "eu-2": {"region": "eu", "spare": True}},
    "duties": {"eu-1": ["manager", "ST eu-1-st1"], "eu-2": []},
    "certificates_due": [],
    "stacks": ["etcd"],
}


def event(what: str, *diff: str, role: str = "stack", task: str = "stack : Write") -> dict[str, Any]:
    return {"host": "eu-1", "role": role, "task": task, "details": [{"what": what, "diff": list(diff)}]}


def test_a_stack_names_the_configs_and_secrets_that_it_would_have() -> None:
    """By the mode with which they are mounted."""
    lines = (
        "-" + MOUNT % ("nginx_a_1", "0444"),
        "+" + MOUNT % ("nginx_a_2", "0444"),
        "+" + MOUNT % ("nginx_key_3", "0400"),
    )
    (change,) = changes.told([event("/opt/rtcdn/ev/stacks/nginx.yml", *lines)])
    assert (change.kind, change.what) == ("stack", "nginx")
    assert (change.configs, change.secrets, change.new) == (("nginx_a_2",), ("nginx_key_3",), False)


def test_hashes_that_follow_other_changes_are_left_out() -> None:
    """Unless nothing else changed."""
    hash_line = '+      labels: {rtcdn.deployment: "ev", rtcdn.spec: "1"}'
    for lines, shown in ((("+    image: x", hash_line), ("+    image: x",)), ((hash_line,), (hash_line,))):
        assert changes.told([event("/opt/rtcdn/ev/stacks/nginx.yml", *lines)])[0].lines == shown


def test_files_and_tasks_are_told_apart() -> None:
    """A task that shows no file is named with its role."""
    found = changes.told(
        [
            event("/etc/sysctl.d/90-rtcdn.conf", "+a = 1", role="host"),
            {"host": "eu-1", "role": "images", "task": "images : Make", "details": []},
            {"host": "eu-1", "role": "", "task": "Plain", "details": [{"what": "item", "diff": []}]},
        ]
    )
    assert [(each.kind, each.what, each.new) for each in found] == [
        ("file", "/etc/sysctl.d/90-rtcdn.conf", True),
        ("task", "images: Make", False),
        ("task", "Plain (item)", False),
    ]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({}, 0),
        ({"changes": [Change("eu-1", "file", "/etc/x")]}, 2),
        ({"drift": ["service x is not there"]}, 2),
        ({"images": ["rtcdn/janus:1 (build)"]}, 2),
        ({"leaving": ["eu-1-st9"]}, 2),
        ({"declared": {**DECLARED, "certificates_due": ["etcd"]}}, 2),
        ({"notice": "apply x was interrupted"}, 2),
        ({"errors": ["host eu-1 does not answer"], "drift": ["x"]}, 1),
        ({"misfits": ["too many viewers"]}, 0),
    ],
)
def test_the_exit_code_says_whether_something_would_change(told: dict[str, Any], code: int) -> None:
    """0 nothing, 2 something, 1 it cannot be told; a plan that does not fit may still be in force."""
    assert Plan("events/ev.yml", "ev", **told).code == code


def test_the_text_has_what_an_operator_looks_for() -> None:
    """Hosts with duties, changes cut at a length, drift, and what to run next."""
    lines = tuple(f"+line {at}" for at in range(30))
    plan = Plan(
        "events/ev.yml",
        "ev",
        declared=DECLARED,
        changes=[Change("eu-1", "file", "/etc/x", lines)],
        drift=["service x: replicas is 0, deployed was 1"],
        sessions={"eu-1-st1": ["demo"]},
    )
    text = changes.text(plan)
    for words in (
        "eu-1  eu  manager, ST eu-1-st1",
        "eu-2  eu  spare",
        "+ eu-1: /etc/x",
        "... 18 lines more (--full)",
        "! service x: replicas is 0, deployed was 1",
        "eu-1-st1: demo",
        "2 things would change: bin/rtcdn apply events/ev.yml",
    ):
        assert words in text
    assert "line 29" in changes.text(plan, whole=True)
    assert "Cost" not in text
    assert json.loads(json.dumps(plan.to_dict()))["code"] == 2


def test_nothing_to_do_is_said_in_three_words() -> None:
    """The last line."""
    assert changes.text(Plan("e", "ev", declared=DECLARED)).endswith("Nothing would change.")


def test_sessions_on_nodes_that_change_are_named() -> None:
    """By the node's stack, or because it goes."""
    nodes = {"st1": {"sessions": ["demo"]}, "st2": {"sessions": ["talk"]}, "st3": {"sessions": ["idle"]}}
    changed = [Change("eu-1", "stack", "janus_st1"), Change("eu-1", "stack", "nginx")]
    assert changes.touched(changed, ["st2", "host eu-9"], nodes) == {"st1": ["demo"], "st2": ["talk"]}


TEMPLATE = {"before": "a\nb\n", "after": "a\nc\n", "before_header": "/etc/x", "after_header": "/root/.ansible/tmp/t.j2"}
FOLDER = {"before": {"path": "/opt/x", "state": "absent"}, "after": {"path": "/opt/x", "state": "directory"}}
ITEMS = [{"changed": False, "_ansible_item_label": "a"}, {"changed": True, "_ansible_item_label": "b"}]


@pytest.mark.parametrize(
    ("result", "what", "diff"),
    [
        ({"diff": [TEMPLATE]}, "/etc/x", ["-b", "+c"]),
        ({"diff": [{"before": "", "after": "a\n", "after_header": "/src/x"}], "dest": "/etc/x"}, "/etc/x", ["+a"]),
        ({"diff": FOLDER}, "/opt/x", ["state: absent -> directory"]),
        ({"diff": {"prepared": "NEW packages\n  nftables\n"}}, "", ["NEW packages", "  nftables"]),
        ({"censored": "hidden"}, "", []),
        ({"diff": {"before": "", "after": "-----BEGIN PRIVATE KEY-----\nabc"}}, "", ["+ (a private key)"]),
        ({"results": ITEMS}, "b", []),
    ],
)
def test_results_of_tasks_are_told_in_one_form(result: dict[str, Any], what: str, diff: list[str]) -> None:
    """Whatever form a module gives its diff; a private key is never shown."""
    assert callback.details({"changed": True, **result}) == [{"what": what, "diff": diff}]

"""Apply: what goes is drained first and cleaned last, what failed is remembered, nobody is asked where nobody is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import apply, client, destroy, progress, target
from ops.apply import Way
from ops.journal import Journal
from ops.progress import Outcome
from ops.target import Target
from rtcdn.errors import ConfigError
from tests.unit.ops.test_target import EVENT

LOST = EVENT.replace("      eu-2: {private: 10.0.0.2, public: 192.0.2.2}\n", "")


class Playbooks:
    """Stands for ``progress.play``: notes the calls, answers what was prepared."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.calls: list[tuple[Any, list[str]]] = []
        self.outcomes = list(outcomes)

    def __call__(self, playbook: Any, inventory: Any, *_: Any, **more: Any) -> Outcome:
        self.calls.append((playbook, list(inventory)))
        if more.get("on_step"):
            more["on_step"]("Run the store")
        return self.outcomes.pop(0) if self.outcomes else Outcome(changed=1, took_s=1.0)


def event(tmp_path: Path, content: str = EVENT) -> Target:
    path = tmp_path / "fair.yml"
    path.write_text(content, encoding="utf-8")
    return target.load(str(path))


@pytest.fixture
def playbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Playbooks:
    """No playbook runs, and the state is the test's own."""
    made = Playbooks()
    monkeypatch.setattr(client, "STATES", tmp_path / "states")
    monkeypatch.setattr(progress, "play", made)
    return made


def test_an_apply_deploys_and_then_removes_what_is_not_declared(tmp_path: Path, playbooks: Playbooks) -> None:
    """In one run, with the inventory in the state folder; then it is noted."""
    wanted = event(tmp_path)
    outcome = apply.do(wanted, Way())
    assert playbooks.calls == [([apply.SITE, apply.REMOVE], [str(wanted.inventory)])]
    assert (outcome.code, target.applied(wanted.state)["digest"]) == (0, wanted.digest)
    assert Journal("fair").notice() == ""
    assert apply.done("Applied", outcome) == "Applied in 1 s: 1 changes."


def test_a_host_that_went_is_cleaned_after_the_others_are_deployed(tmp_path: Path, playbooks: Playbooks) -> None:
    """With an inventory of its own, so that no role deploys anything on it."""
    apply.do(event(tmp_path), Way())
    wanted = event(tmp_path, LOST)
    apply.do(wanted, Way())
    gone = str(wanted.state / target.GONE)
    assert playbooks.calls[1:] == [
        ([apply.SITE, apply.REMOVE], [str(wanted.inventory)]),
        (apply.REMOVE_HOSTS, [str(wanted.inventory), gone]),
    ]
    assert not Path(gone).exists()


@pytest.mark.parametrize("fails", [1, 2])
def test_what_failed_is_remembered_until_it_is_done(tmp_path: Path, playbooks: Playbooks, fails: int) -> None:
    """In the deploy or in the cleaning: the host that went is not forgotten, and the next run goes on."""
    apply.do(event(tmp_path), Way())
    wanted = event(tmp_path, LOST)
    playbooks.outcomes = [Outcome()] * (fails - 1) + [Outcome(code=2, failures=[{"host": "eu-1", "text": "full"}])]
    assert apply.do(wanted, Way()).code == 2
    assert target.applied(wanted.state)["digest"] != wanted.digest
    assert "failed at the step 'Run the store'" in Journal("fair").notice()
    playbooks.calls.clear()
    assert apply.do(wanted, Way()).code == 0
    assert [playbook for playbook, _ in playbooks.calls] == [[apply.SITE, apply.REMOVE], apply.REMOVE_HOSTS]
    assert Journal("fair").notice() == ""


def test_a_host_that_went_and_never_answers_is_in_nobodys_way(tmp_path: Path, playbooks: Playbooks) -> None:
    """The apply is done, the host is tried again by the next one, or given up."""
    apply.do(event(tmp_path), Way())
    wanted = event(tmp_path, LOST)
    away = Outcome(code=4, unreachable=["eu-2"], failures=[{"host": "eu-2", "text": "no route"}])
    playbooks.outcomes = [Outcome(), away]
    assert apply.do(wanted, Way()).code == 0
    assert list(target.going(wanted.state, wanted.event.hosts)) == ["eu-2"]
    playbooks.outcomes = [Outcome(), away]
    assert apply.do(wanted, Way(forget=True)).code == 0
    assert target.going(wanted.state, wanted.event.hosts) == {}


def test_nodes_that_cannot_be_drained_stay(tmp_path: Path, playbooks: Playbooks) -> None:
    """The broker does not answer: nothing is changed unless that is wanted."""
    wanted = event(tmp_path)
    apply.do(wanted, Way())
    (wanted.state / "deployment.json").write_text('{"nodes": ["eu-9-st1"]}', encoding="utf-8")
    playbooks.calls.clear()
    with pytest.raises(ConfigError, match=r"eu-9-st1 cannot be drained: .*--no-drain"):
        apply.do(wanted, Way())
    assert playbooks.calls == []
    assert apply.do(wanted, Way(no_drain=True)).code == 0


def test_nobody_is_asked_without_a_terminal() -> None:
    """A script must say --yes."""
    with pytest.raises(ConfigError, match="answer with --yes"):
        apply.agreed("? ", "apply")


def survey(**told: Any) -> dict[str, Any]:
    swarm = {"state": "inactive", "manager": False, "made": "", "managers": []}
    return {"table": False, "hosts_lines": [], "swarm": swarm, "files": [], **told}


def test_a_destroy_forgets_the_state_only_when_nothing_is_left(tmp_path: Path, playbooks: Playbooks) -> None:
    """What is left or does not answer is named with its cure; the next run finishes."""
    wanted = event(tmp_path)
    apply.do(wanted, Way())
    way = destroy.Way(yes=True)
    blank = Outcome(surveys={"eu-1": survey()})
    for left in (
        Outcome(surveys={"eu-1": survey(files=["/etc/rtcdn"])}),
        Outcome(code=4, surveys={"eu-1": survey()}, unreachable=["eu-2"]),
    ):
        playbooks.outcomes = [blank, Outcome(), left]
        assert destroy.do("fair", str(wanted.path), way) == 1
        assert wanted.inventory.is_dir()
    playbooks.outcomes = [blank, Outcome(), blank]
    assert destroy.do("fair", str(wanted.path), way) == 0
    assert not wanted.state.exists()
    assert list((tmp_path / "states").iterdir()) == []

"""What a drain means by its target, what is left, and when there is nothing to wait for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops import drain
from ops.client import Deployment
from ops.words import duration_s, seconds
from rtcdn.errors import ConfigError


def node(name: str, kind: str = "ST", people: int = 0, state: str = "ready", host: str = "eu1") -> dict[str, Any]:
    contexts = ["demo/stage"] if people else []
    numbers = {"viewers": people, "publishers": 0}
    return {"id": name, "kind": kind, "state": state, "host": host, "contexts": contexts, "sessions": [], **numbers}


class Broker:
    """Answers with one picture after the other; the last one stays."""

    def __init__(self, *pictures: list[dict[str, Any]]) -> None:
        self.pictures, self.asked = list(pictures), list[tuple[str, Any]]()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if method == "POST":
            self.asked.append((path, body))
            return 204, None
        return 200, {"nodes": self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]}


def drained(broker: Broker, target: str, *known: str, state: Path = Path("/nowhere")) -> drain.Drained:
    deployment = Deployment("local", state, "", "", "", known)
    return drain.Drained(deployment, broker, target)  # type: ignore[arg-type]


def watch(it: drain.Drained, deadline_s: float = 60) -> int:
    ticks = iter(range(1000))
    it.begin(deadline_s)
    return it.watch(deadline_s, quiet=True, clock=lambda: float(next(ticks)), pause_s=0)


def test_a_node_is_empty_when_nobody_and_no_session_is_left() -> None:
    """Exit 0, and what was moved is counted."""
    broker = Broker(
        [node("st1", people=3), node("st2")], [node("st1", people=1), node("st2")], [node("st1"), node("st2")]
    )
    it = drained(broker, "st1")
    assert watch(it) == 0
    assert broker.asked == [("/v1/nodes/st1/drain", {"deadline_s": 60})]
    assert "empty" in it.outcome(True)["text"]
    assert it.outcome(True)["moved"] == 3


def test_what_is_left_at_the_deadline_is_named() -> None:
    """A player that cannot be moved: exit 3."""
    it = drained(Broker([node("st1", people=2, state="draining"), node("st2")]), "st1")
    assert watch(it, 20) == drain.NOT_EMPTY
    assert "2 people" in it.outcome(True)["left"]["st1"]
    assert it.took_s > 20


def test_nothing_is_awaited_where_nobody_can_take_it() -> None:
    """The only node of its kind: the answer comes at once and says why."""
    it = drained(Broker([node("vr1", "VR", people=1, state="draining"), node("st2")]), "vr1")
    assert watch(it, 600) == drain.NOT_EMPTY
    assert it.took_s < 5
    assert "no other node of the kind" in it.why


def test_a_host_means_all_its_nodes() -> None:
    """All are drained before anything is awaited, so that nothing moves from one to the other."""
    broker = Broker([node("st1"), node("st2"), node("st3", host="us1")])
    it = drained(broker, "eu1")
    assert watch(it) == 0
    assert it.host
    assert [path for path, _ in broker.asked] == ["/v1/nodes/st1/drain", "/v1/nodes/st2/drain"]


def test_a_host_of_the_event_may_have_gateways_alone(tmp_path: Path) -> None:
    """Nothing is asked of the broker; its gateways are drained like those of any host."""
    inventory: dict[str, Any] = {"all": {"children": {"region_eu": {"hosts": {"eu1": {}, "eu9": {}}}}}}
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text(json.dumps(inventory), encoding="utf-8")
    broker = Broker([node("st1")])
    it = drained(broker, "eu9", state=tmp_path)
    assert watch(it) == 0
    assert (it.host, broker.asked, it.outcome(True)["text"]) == (True, [], "eu9: has no nodes")


def test_a_silent_node_has_nothing_to_move() -> None:
    """Nor has one that should be there and is not on the map."""
    for nodes in ([node("st1", people=4, state="silent")], [node("st2")]):
        it = drained(Broker(nodes), "st1", "st1")
        assert watch(it) == 0
        assert "silent" in it.outcome(True)["text"]


def test_an_unknown_target_names_those_there_are() -> None:
    """Node ids and hosts."""
    with pytest.raises(ConfigError, match=r"neither a node \(st1\) nor a host \(eu1\)"):
        drained(Broker([node("st1")]), "st9").begin(1)


@pytest.mark.parametrize(
    ("seen", "eta_s"),
    [
        ([(0, 100), (10, 50)], 10),
        ([(0, 100), (10, 100)], None),
        ([(0, 5), (3, 0)], 0),
        ([(0, 900), (61, 20), (71, 10)], 10),
    ],
)
def test_the_time_to_go_follows_the_last_minute(seen: list[tuple[float, int]], eta_s: float | None) -> None:
    """While nobody moves there is none."""
    assert drain.eta_s(seen) == eta_s


@pytest.mark.parametrize("text", ["10", "ten", "-5s", "5 s", "1.5m", ""])
def test_a_time_without_unit_is_refused(text: str) -> None:
    """With the option and the cure."""
    with pytest.raises(ConfigError, match=r"--deadline is .*such as 90s"):
        duration_s("--deadline", text)


def test_times_are_read_and_told() -> None:
    """As an operator writes and reads them."""
    assert [duration_s("x", text) for text in ("90s", "10m", "2h", "1d")] == [90, 600, 7200, 86400]
    assert [seconds(value) for value in (0.4, 59, 125)] == ["0 s", "59 s", "2 min 5 s"]

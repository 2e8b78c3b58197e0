"""Policies of money, margins and stickiness; those that an operator writes; one that raises."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.core.choose import choose
from broker.core.decisions import Decision, Refusal
from broker.core.policy.base import Need, Policy, Thresholds
from broker.core.policy.configured import configured
from broker.core.policy.registry import BALANCED, BUILT_IN, COST, PACK, Registry
from broker.core.policy.terms import MUST, NamedFilter, NamedScore, light
from broker.core.requests import OpenSession, Reap
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import Load
from broker.policies import read, registry
from rtcdn.errors import ConfigError
from rtcdn.model import Kind, Labels, SessionIntent
from tests.unit.core.test_policy import NOW_S, a_map, need
from tests.unit.core.worlds import attach, continents, local, opened, watches

DOCS = Path(__file__).resolve().parents[3] / "docs" / "policies.md"


def priced(nodes: dict[str, tuple[str, float, float, float]]) -> VirtualMap:
    """Egress nodes: name -> region, weight, price an hour, price a gigabyte."""
    vmap = a_map({name: (region, weight) for name, (region, weight, _, _) in nodes.items()})
    changes: list[tuple[str, str | None, int]] = []
    for name, (_, _, hour, gigabyte) in nodes.items():
        labels = replace(vmap.nodes[name].labels, price_hour=hour, price_gb=gigabyte)
        changes.append((f"{Kind.ST}:{name}:LABELS", labels.to_json(), 2))
    return vmap.apply(changes, NOW_S)


# ---- money and margins ------------------------------------------------------------------------------


def test_cost_takes_cheap_egress_within_reach() -> None:
    """A heavier node of a third of the price wins; one out of reach does not, however cheap."""
    nodes = {"dear": ("eu", 5.0, 1.0, 0.09), "fair": ("eu", 60.0, 1.0, 0.03), "free": ("ap", 5.0, 1.0, 0.0)}
    vmap = priced(nodes)
    assert choose(vmap, need("eu", "us", "af", "ap"), COST).chosen == "fair"
    assert choose(vmap, need("eu", "us", "ap"), COST).chosen == "free"  # 120 ms: just within reach


def test_cost_takes_what_is_out_of_reach_when_nothing_else_is_left() -> None:
    """Distance is a preference: it is given up before anybody is refused."""
    vmap = priced({"full": ("eu", 95.0, 1.0, 0.01), "far": ("ap", 5.0, 1.0, 0.01)})
    assert choose(vmap, need("eu", "us", "af", "ap"), COST).chosen == "far"


def test_cost_prefers_a_node_that_is_paid_for_already() -> None:
    """The one that serves anything, though the idle one is lighter and as cheap."""
    world = local(stages=2, policy=COST)
    opened(world, "one", local=10)
    busy = next(context.node for context in world.vmap.sessions["one"].duty("stage").values())
    opened(world, "two", local=10)
    assert [context.node for context in world.vmap.sessions["two"].duty("stage").values()] == [busy]


def test_pack_fills_to_its_margin_and_beyond_only_when_nothing_else_is_left() -> None:
    """85 is above 90 - 10: the next lighter one is filled; alone it is filled to the end."""
    nodes = {"a": ("eu", 85.0), "b": ("eu", 40.0), "c": ("eu", 20.0)}
    found = choose(a_map(nodes), need("eu"), PACK)
    assert found.chosen == "b"
    assert found.excluded.get("margin") == 1
    assert choose(a_map({"a": ("eu", 85.0)}), need("eu"), PACK).chosen == "a"


# ---- stickiness -------------------------------------------------------------------------------------


def test_who_is_somewhere_stays_unless_another_node_is_clearly_better() -> None:
    """20 points lighter are not enough, 60 are; the terms say so."""
    here = replace(need("eu"), held="here")
    stays = choose(a_map({"here": ("eu", 50.0), "other": ("eu", 30.0)}), here, BALANCED)
    assert stays.chosen == "here"
    assert [term.name for term in stays.candidates[0].terms] == ["near", "serving", "light", "staying"]
    assert choose(a_map({"here": ("eu", 80.0), "other": ("eu", 20.0)}), here, BALANCED).chosen == "other"
    assert choose(a_map({"here": ("eu", 99.0), "other": ("eu", 89.0)}), here, BALANCED).chosen == "other"


def test_a_viewer_who_attaches_again_stays_where_he_was() -> None:
    """Though his node is the heavier one by now, and however many came there a moment ago."""
    policy = replace(BALANCED, limits=Thresholds(burst_legs=2))
    world = local(stages=2, policy=policy)
    opened(world, local=700)
    first = watches(world, "vic")
    for number in range(8):
        watches(world, f"guest~{number}")
    world.nodes[first].used = 20.0
    world.tick(1)
    assert watches(world, "vic") == first


def test_a_viewer_keeps_his_stage_where_his_new_region_has_none() -> None:
    """No stage is made for one who is served; a newcomer there gets one."""
    world = continents()
    opened(world, eu=10)
    there = watches(world, "vic", regions=("eu",))
    assert watches(world, "vic", regions=("us", "eu")) == there
    assert watches(world, "new", regions=("us", "eu")).startswith("us")


# ---- written by an operator -------------------------------------------------------------------------


def told(**policy: Any) -> dict[str, Any]:
    return {"policies": {"own": policy}}


def test_a_policy_by_configuration_works_as_it_says() -> None:
    """Built on another one; what is not said is as there."""
    (own,) = configured(told(base="pack", scores={"near": 1, "light": 2.5}, limits={"full_weight": 80, "portion": 7}))
    assert [(score.name, weight) for score, weight in own.scores] == [("near", 1.0), ("light", 2.5)]
    assert (own.limits.full_weight, own.limits.portion, own.heaviest_first, own.exhaustive) == (80.0, 7, False, False)
    assert [each.name for each in own.preferences] == ["margin"]
    assert choose(a_map({"a": ("eu", 60.0), "b": ("eu", 20.0)}), need("eu"), own).chosen == "b"


def test_a_policy_may_stand_on_one_written_above_it() -> None:
    """And a score of money makes it look at the full list."""
    first, second = configured(
        {"policies": {"a": {"scores": {"cheap": 1}}, "b": {"base": "a", "limits": {"sticky": 5}}}}
    )
    assert (first.exhaustive, second.exhaustive, second.limits.sticky) == (True, True, 5.0)


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"scores": {"ligth": 1}}, r"policies\.own\.scores: 'ligth' is not known; did you mean 'light'\?"),
        ({"filters": ["preset"]}, r"policies\.own\.filters: 'preset' is not known; did you mean 'present'\?"),
        ({"base": "packed"}, r"policies\.own\.base: 'packed' is not known; did you mean 'pack'\?"),
        ({"limits": {"idle": 5}}, r"policies\.own\.limits: 'idle' is not known; did you mean 'idle_s'\?"),
        ({"score": {}}, r"policies\.own: 'score' is not known; did you mean 'scores'\?"),
        ({"limits": {"full_weight": 5}}, r"limits\.pack_margin: 15 must be below full_weight 5"),
        ({"limits": {"idle_s": 10}}, r"limits\.idle_s: 10 is below grant_life_s 30"),
        ({"scores": {"light": 1, "dense": 1}}, r"scores: 'light' and 'dense' ask for opposite nodes"),
        ({"scores": {"light": 1}, "limits": {"sticky": 100}}, r"limits\.sticky: 100 is not below 100"),
        ({"scores": {"light": -1}}, r"scores\.light: -1 must be a number of 0 or more"),
        ({"scores": {"light": float("nan")}}, r"scores\.light: nan must be a number of 0 or more"),
        ({"scores": {"light": 10**400}}, r"scores\.light: 10+ must be a number of 0 or more, at most 1e\+12"),
        ({"limits": {"idle_s": -(10**400)}}, r"limits\.idle_s: -10+ must be a number of 0 or more"),
        ({"scores": {"light": "much"}}, r"scores\.light: 'much' must be a number of 0 or more"),
        ({"scores": {"light": 0}}, r"scores: no score has a weight above 0"),
        ({"limits": {"portion": 1.5}}, r"limits\.portion: 1\.5 must be a whole number"),
        ({"limits": {"burst_s": 90}}, r"limits\.burst_s: 90 is above 60"),
        ({"scores": []}, r"scores: must be an object"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told_with_its_place_and_cure(policy: dict[str, Any], why: str) -> None:
    """Never taken as it is."""
    with pytest.raises(ConfigError, match=why):
        configured(told(**policy))


def test_every_problem_is_told_at_once() -> None:
    """Whoever mends a file need not start the broker once for each."""
    with pytest.raises(ConfigError) as error:
        configured({"policies": {"a": {"scores": {"x": 1}}, "b": {"limits": {"full_weight": -1}}}})
    assert len(error.value.problems) == 2


def test_the_file_is_json_or_yaml_and_names_itself_when_it_is_wrong(tmp_path: Path) -> None:
    """Both say the same."""
    as_json, as_yaml, bad = (tmp_path / name for name in ("p.json", "p.yml", "bad.json"))
    as_json.write_text(json.dumps(told(scores={"near": 1})), encoding="utf-8")
    as_yaml.write_text("policies:\n  own:\n    scores: {near: 1}\n", encoding="utf-8")
    assert read(as_json) == read(as_yaml)
    bad.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"RTCDN_POLICIES: .*bad\.json cannot be read"):
        read(bad)
    assert registry(as_json, {}, "own").find("").name == "balanced"
    with pytest.raises(ConfigError, match="RTCDN_POLICY: 'none' is not known"):
        registry(as_json, {}, "none")
    with pytest.raises(ConfigError, match="entry point odd of"):
        registry(None, {"odd": 7})


# ---- one that raises --------------------------------------------------------------------------------


def _raises(*_: object) -> float:
    raise ZeroDivisionError("of its own")


@pytest.mark.parametrize(
    ("policy", "term"),
    [
        (Policy("bad", MUST, ((NamedScore("broken", _raises), 1.0),)), "broken"),
        (Policy("bad", MUST, ((NamedScore("nan", lambda *_: float("nan")), 1.0),)), "nan"),
        (Policy("bad", (*MUST, NamedFilter("shut", _raises)), ((light, 1.0),)), "shut"),  # type: ignore[arg-type]
    ],
)
def test_a_policy_that_raises_is_a_refusal_and_nothing_is_done(policy: Policy, term: str) -> None:
    """It names policy and term; the map stays as it was, also for a session that runs."""
    world = local()
    opened(world, "runs", local=5)
    world.policy = policy
    before = world.vmap
    for answer in (
        world.ask(OpenSession("demo", SessionIntent(audience={"local": 5}))),
        attach(world, "vic", "view", "runs"),
    ):
        assert isinstance(answer, Refusal)
        assert answer.code == "policy-failed"
        assert repr(term) in answer.detail
        assert "'bad'" in answer.detail
    assert world.vmap is before
    assert isinstance(world.ask(Reap("runs")), Decision)


# ---- as the docs say --------------------------------------------------------------------------------


def test_the_policy_in_the_docs_works_as_written() -> None:
    """Ten lines, extracted and run: it takes the node whose host has the most memory free."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), names)
    policy = Registry((*BUILT_IN, names["ROOMY"])).find("roomy")
    vmap = a_map({"a": ("eu", 10.0), "b": ("eu", 60.0)})
    vmap = vmap.apply([("ST:a:MEM", "80", 2), ("ST:b:MEM", "20", 2)], NOW_S)
    found = choose(vmap, need("eu"), policy)
    assert (found.chosen, found.candidates[0].terms[0].score) == ("b", 80.0)


def test_the_configuration_in_the_docs_works_as_written() -> None:
    """The YAML of the docs is read without a complaint."""
    yaml = pytest.importorskip("yaml")
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert [policy.name for policy in configured(yaml.safe_load(text))] == ["thrifty", "calm"]


def test_every_built_in_policy_is_in_the_docs() -> None:
    """With its scores and their weights."""
    text = DOCS.read_text(encoding="utf-8")
    for policy in BUILT_IN:
        scores = ", ".join(f"{score.name} {weight:g}" for score, weight in policy.scores)
        assert re.search(rf"^\| `{policy.name}`.*\| {re.escape(scores)} \|", text, re.MULTILINE), policy.name


def test_labels_without_prices_cost_nothing() -> None:
    """A node whose operator told none is as cheap as can be: no division by nothing."""
    assert Labels().price_gb == 0.0
    found = choose(a_map({"a": ("eu", 10.0)}), Need("stage", "ST", "demo", load=Load(1.0)), COST)
    assert {term.name: term.score for term in found.candidates[0].terms}["cheap"] == 100.0

"""Whom participants want to see, asked over the API."""

from __future__ import annotations

from broker.core.policy.registry import Registry
from broker.core.requests import OpenSession, Watched
from broker.reconcile import Reconciler
from rtcdn import keys
from rtcdn.model import SessionIntent
from tests.unit.broker.rig import Rig

ISLAND, SHOW = "/v1/sessions/island", "/v1/sessions/show"


def test_gateways_and_operators_say_who_is_watched(rig: Rig) -> None:
    """It is kept with the session; nobody else may say it, and not of a session that shows everyone."""
    headers = rig.operator()
    for url, scenario in ((ISLAND, "big_island"), (SHOW, "archipelago")):
        assert rig.client().put(url, json={"scenario": scenario}, headers=headers).status_code == 201
    body = {"participants": ["bob", "ann", "bob"]}
    assert rig.client("gateway-1").put(f"{ISLAND}/watched", json=body).status_code == 204
    stored = SessionIntent.from_json(rig.store.read(keys.session("island")).values[keys.session("island")].text)
    assert stored is not None
    assert stored.watched == ("bob", "ann")
    assert rig.client().put(f"{ISLAND}/watched", json={"participants": []}, headers=headers).status_code == 204
    assert rig.client().put(f"{ISLAND}/watched", json=body).status_code == 401
    wrong = rig.client("gateway-1").put(f"{SHOW}/watched", json=body)
    assert (wrong.status_code, wrong.get_json()["type"].rpartition("/")[2]) == (409, "wrong-scenario")
    wrong = rig.client("gateway-1").put(f"{ISLAND}/watched", json={"participants": ["No Name"]})
    assert (wrong.status_code, wrong.get_json()["field"]) == (400, "participants.0")
    assert rig.client("gateway-1").put("/v1/sessions/never/watched", json=body).status_code == 404


def test_what_an_operator_put_stays_while_nobody_wishes_anything(rig: Rig) -> None:
    """It was gone with the leader's next turn. Wishes of people go before it, and are over when they end."""
    told: dict[str, tuple[str, ...]] = {}
    loop = Reconciler(
        keeper=rig.keeper,
        leadership=rig.leadership,
        desk=rig.desk,
        performer=rig.performer,
        registry=Registry(),
        watched=lambda: dict(told),
    )

    def seen() -> tuple[str, ...]:
        view = rig.keeper.current.sessions["island"]
        assert view.intent
        return view.intent.watched

    rig.desk.handle(OpenSession("island", SessionIntent("big_island")))
    rig.desk.handle(Watched("island", ("bob", "ann")))
    loop.turn()
    assert seen() == ("bob", "ann")
    told["island"] = ("nobody",)
    loop.turn()
    assert seen() == ()
    rig.desk.handle(Watched("island", ("bob",)))
    told.clear()
    loop.turn()
    assert seen() == (), "the wishes have ended"
    loop.turn()
    rig.desk.handle(Watched("island", ("bob",)))
    for _ in range(2):
        loop.turn()
    assert seen() == ("bob",)
    loop.close()

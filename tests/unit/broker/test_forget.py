"""A node that went for good leaves the map by ``DELETE /v1/nodes/{nid}``."""

from __future__ import annotations

from broker.core.requests import OpenSession
from rtcdn import keys
from rtcdn.model import SessionIntent
from rtcdn.store.port import Commit
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig


def test_a_node_that_went_is_forgotten(rig: Rig) -> None:
    """Not while it is there, nor while a session has places on it; drained or not."""
    http, headers = rig.client(), rig.operator()
    rig.desk.handle(OpenSession("demo", SessionIntent(audience={"here": 10})))
    here = http.delete("/v1/nodes/st2", headers=headers)
    assert (here.status_code, here.get_json()["type"].rpartition("/")[2]) == (409, "node-here")
    assert http.delete("/v1/nodes/never", headers=headers).status_code == 204
    assert http.delete("/v1/nodes/st2").status_code == 401
    contexts = rig.keeper.current.sessions["demo"].contexts.values()
    (stage,) = {context.node for context in contexts if context.duty == "stage"}
    other = {"st1": "st2", "st2": "st1"}[stage]
    rig.store.commit(Commit(deletes=(keys.node("st1"), keys.node("st2"))))
    wait_for(lambda: rig.keeper.current.nodes["st2"].silent, "they are silent")
    used = http.delete(f"/v1/nodes/{stage}", headers=headers)
    assert (used.status_code, used.get_json()["type"].rpartition("/")[2]) == (409, "node-in-use")
    assert "demo" in used.get_json()["detail"]
    assert http.delete(f"/v1/nodes/{other}", headers=headers).status_code == 204
    wait_for(lambda: rig.keeper.current.node(other) is None, "it is forgotten")
    assert not rig.keys("ND:")

"""A decision that nodes did not carry is taken back, and nothing that others did meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, IntentChange
from broker.core.requests import Attach, OpenSession
from rtcdn import keys
from rtcdn.model import Kind, Leg, ParticipantIntent, SessionIntent
from rtcdn.store.port import Commit
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

VIC = keys.participant("demo", "vic")
PUBLISH = Leg("publish", Kind.VR, "vr1", context="demo/ingress-vr1", generation=2, gateway="1")


@pytest.mark.parametrize("meanwhile", ["up", "gone"])
def test_what_another_replica_wrote_of_him_meanwhile_stands(rig: Rig, meanwhile: str) -> None:
    """While the steps of his publishing failed his view came up, or he left: he views on, or is not brought back."""
    rig.desk.handle(OpenSession("demo", SessionIntent(audience={"here": 10})))
    rig.desk.handle(Attach("demo", "vic", ("view",), rights=("view",), gateway="1", regions=("here",)))
    wait_for(lambda: not rig.keeper._ahead, "he is written")
    before = rig.keeper.current
    viewing = before.sessions["demo"].participants["vic"]
    publishing = replace(viewing, legs=(*viewing.legs, PUBLISH), generation=2)
    change = IntentChange(VIC, publishing)
    rig.keeper.put((change,), rig.leadership.commit({VIC: change.value or ""}))
    up = replace(viewing.legs[0], state="up", handle=7)
    if meanwhile == "up":
        revision = rig.store.put(VIC, replace(publishing, legs=(up, PUBLISH)).to_json())
    else:
        revision = rig.store.commit(Commit(deletes=(VIC,)))
    rig.keeper.wait_for(lambda vmap: vmap.revision >= revision, 10)
    rig.performer.undo(Decision("d-1", changes=(change,)), before)
    stored = rig.store.read(VIC).values.get(VIC)
    record = ParticipantIntent.from_json(stored.text) if stored else None
    assert (record.legs if record else ()) == ((up,) if meanwhile == "up" else ())

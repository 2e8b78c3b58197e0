"""The collector's rounds on a Janus and a store in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.collect import Collector
from collector.probe import Probe
from collector.publish import Publisher
from collector.settings import load
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.model import Codec, Kind, PluginData
from rtcdn.store.memory import MemoryStore
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets
from tests.unit.collector.test_settings import environment

STAGE = "s/stage-a"


class Bench:
    """A collector and everything around it."""

    def __init__(self, folder: Path, sweep_s: int, kind: Kind = Kind.ST) -> None:
        self.janus = FakeJanus(kind, fresh_secrets())
        self.admin = AdminClient("http://n/admin", self.janus.secrets.admin_secret, transport=self.janus.transport())
        self.client = NodeClient(kind, self.admin, self.janus.secrets, "127.0.0.1")
        self.store = MemoryStore()
        settings = load(environment(folder) | {"RTCDN_SWEEP_S": str(sweep_s), "RTCDN_NODE_KIND": kind.value})
        self.collector = Collector(settings, Probe(self.client), Publisher(self.store, 5), "1")

    async def round(self) -> None:
        """One round, as the clock or an event brings it."""
        await self.collector._round()

    def stages(self) -> dict[str, int] | None:
        """Stages and their viewers as the store tells them; None while the node is silent."""
        values = self.store.read().values
        if "JN:local-st1" not in values:
            return None
        data = PluginData.from_json(values["ST:local-st1:PLUGIN"].text)
        assert data is not None
        return {context.id: context.viewers for context in data.contexts}

    def make_stage(self) -> None:
        """Behind the collector's back."""
        self.client.ensure_stage(STAGE, Codec.VP8, ("v1",))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, sweep_s=3600)


def created() -> dict[str, object]:
    data = {"event": "created", "id": STAGE, "type": "live"}
    return {"type": 64, "event": {"plugin": "janus.plugin.streaming", "data": data}}


async def test_an_event_brings_what_changed_and_silence_brings_nothing(bench: Bench) -> None:
    """Between sweeps only events make the collector look."""
    await bench.round()
    assert bench.stages() == {}
    bench.make_stage()
    await bench.round()
    assert bench.stages() == {}
    bench.collector.hear([created()])
    await bench.round()
    assert bench.stages() == {STAGE: 0}


async def test_a_sweep_corrects_what_no_event_told(bench: Bench) -> None:
    """Contexts made and viewers counted while events were lost."""
    await bench.round()
    bench.make_stage()
    bench.janus.plugin.contexts[STAGE].viewers = 3
    bench.collector._sweep_at_s = 0.0
    await bench.round()
    assert bench.stages() == {STAGE: 3}


async def test_the_end_of_the_event_stream_makes_the_collector_look_at_all(bench: Bench) -> None:
    """Janus may be gone, or what it told may not hold."""
    await bench.round()
    bench.make_stage()
    bench.collector.events_broke()
    await bench.round()
    assert bench.stages() == {STAGE: 0}


async def test_a_node_without_its_janus_is_silent_until_it_is_back(bench: Bench) -> None:
    """Nothing of before is told then."""
    bench.make_stage()
    await bench.round()
    bench.janus.up = False
    await bench.round()
    await bench.round()
    assert bench.stages() is None
    assert not bench.collector.health.janus_up
    bench.janus.restart()
    bench.janus.up = True
    await bench.round()
    assert bench.stages() == {}
    assert bench.collector.health.janus_up


async def test_one_late_answer_is_no_reason_to_fall_silent(bench: Bench) -> None:
    """The node is asked again at once; what changed meanwhile is not forgotten."""
    await bench.round()
    bench.make_stage()
    bench.collector.hear([created()])
    bench.janus.up = False
    await bench.round()
    bench.janus.up = True
    assert bench.stages() == {}
    await bench.round()
    assert bench.stages() == {STAGE: 0}


async def test_a_janus_that_refuses_its_collector_is_silent_too(bench: Bench, tmp_path: Path) -> None:
    """A wrong admin secret is no reason to die, nor to claim a node that cannot be read."""
    own = bench.janus.secrets
    wrong = AdminClient("http://n/admin", "guessed", transport=bench.janus.transport())
    client = NodeClient(Kind.ST, wrong, own, "127.0.0.1")
    bench.collector.probe = Probe(client)
    await bench.round()
    assert bench.stages() is None


async def test_a_store_that_is_away_is_written_when_it_is_back(bench: Bench) -> None:
    """The rounds go on meanwhile."""
    bench.store.go_away()
    await bench.round()
    assert not bench.collector.health.store_up
    bench.make_stage()
    bench.collector.hear([created()])
    await bench.round()
    bench.store.come_back()
    await bench.round()
    assert bench.stages() == {STAGE: 0}
    assert bench.collector.health.store_up


async def test_handles_are_counted_by_events_and_corrected_by_sweeps(bench: Bench) -> None:
    """Attached and detached between two looks at Janus."""
    await bench.round()
    attached = {"type": 2, "handle_id": 7, "event": {"name": "attached"}}
    bench.collector.hear([attached, attached])
    await bench.round()
    assert bench.collector.health.handles == 2
    bench.collector._sweep_at_s = 0.0
    await bench.round()
    assert bench.collector.health.handles == 0


async def test_a_publisher_sent_to_another_room_is_found_by_a_sweep_and_his_end_at_once(tmp_path: Path) -> None:
    """No event tells of either; a room that sends nobody costs no request more between sweeps."""
    bench = Bench(tmp_path, 3600, Kind.VR)
    bench.client.ensure_room("s/ingress-a", Codec.VP8, 8, 1_500_000)
    ann: dict[str, object] = {"publisher": True}
    bench.janus.plugin.contexts["s/ingress-a"].people["ann"] = ann
    await bench.round()
    ann["remotes"] = {"remote-ann-b": {"remote_id": "remote-ann-b", "host": "127.0.0.9", "port": 10000}}
    bench.collector.look_at({"s/ingress-a"})
    await bench.round()
    assert bench.collector._contexts["s/ingress-a"].remotes == ()
    bench.collector._sweep_at_s = 0.0
    await bench.round()
    assert [each.id for each in bench.collector._contexts["s/ingress-a"].remotes] == ["remote-ann-b"]
    ann["remotes"] = {}
    await bench.round()
    assert bench.collector._contexts["s/ingress-a"].remotes == ()

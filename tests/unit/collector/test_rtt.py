"""Round trips to other regions, on sockets of this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector import rtt
from collector.report import node_keys
from collector.rtt import FORGET_AFTER, RoundTrips, connect_ms
from collector.sample import Status
from collector.settings import load
from rtcdn import keys
from rtcdn.errors import ConfigError
from rtcdn.model import Labels, PluginData
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import put_many
from tests.support.engine import free_port, wait_for
from tests.unit.collector.test_settings import environment


@asynccontextmanager
async def door() -> AsyncIterator[str]:
    """Somebody who listens."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def until_known(trips: RoundTrips) -> None:
    """Return when something was measured."""
    await asyncio.to_thread(wait_for, trips.known, "a round trip is known")


def far(monkeypatch: pytest.MonkeyPatch, delays_ms: list[float | None]) -> list[str]:
    """Connections take as long as the list says, the last one from then on; gives who was asked."""
    asked: list[str] = []

    async def connect(address: str) -> float | None:
        asked.append(address)
        return delays_ms.pop(0) if len(delays_ms) > 1 else delays_ms[0]

    monkeypatch.setattr(rtt, "connect_ms", connect)
    return asked


async def test_a_connection_is_measured_and_none_is_none() -> None:
    """An open door answers within this machine's time; a closed one, and no address at all, give nothing."""
    async with door() as address:
        took_ms = await connect_ms(address)
        assert took_ms is not None
        assert 0 < took_ms < 1000
    assert await connect_ms(f"127.0.0.1:{free_port()}") is None
    assert await connect_ms("nonsense") is None


async def test_a_door_that_never_opens_is_given_up() -> None:
    """A full backlog leaves a connection in the air: the time allowed ends it."""
    with rtt.socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        fillers = [asyncio.open_connection("127.0.0.1", deaf.getsockname()[1]) for _ in range(8)]
        filling = [asyncio.ensure_future(each) for each in fillers]
        await asyncio.wait(filling, timeout=0.2)
        assert await connect_ms(address, timeout_s=0.2) is None
        for each in filling:
            each.cancel()
        await asyncio.gather(*filling, return_exceptions=True)


async def test_other_regions_are_found_in_the_store_and_measured() -> None:
    """Not our own region, and keys that are none are passed over; figures are whole and at least one."""
    store = MemoryStore()
    async with door() as address:
        put_many(store, {"AT:us:us-st1": address, "AT:eu:eu-st2": address, "AT:odd": address})
        trips = RoundTrips(store, "eu-st1", "eu", period_s=0.01)
        running = asyncio.ensure_future(trips.run())
        try:
            await until_known(trips)
        finally:
            running.cancel()
    found = trips.known()
    assert found.keys() == {"us"}
    assert found["us"] >= 1.0
    assert found["us"] == round(found["us"])


async def test_the_least_of_the_latest_few_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer is waiting, not the way; a way that stays long is told after a while."""
    far(monkeypatch, [90.4, 300.0, 95.0, *[120.0] * 20])
    trips = RoundTrips(MemoryStore(), "eu-st1", "eu")
    trips.aim({"AT:us:us-st1": "x:1"})
    for _ in range(3):
        await trips.measure()
    assert trips.known() == {"us": 90.0}
    for _ in range(rtt.SAMPLES):
        await trips.measure()
    assert trips.known() == {"us": 120.0}


async def test_a_silent_target_is_left_for_the_next_and_a_silent_region_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One node asks always the same one; different nodes ask different ones."""
    asked = far(monkeypatch, [50.0, 50.0, None])
    trips = RoundTrips(MemoryStore(), "eu-st1", "eu")
    trips.aim({"AT:us:a": "a:1", "AT:us:b": "b:1"})
    for _ in range(3):
        await trips.measure()
    assert len(set(asked)) == 1
    assert trips.known() == {"us": 50.0}
    for _ in range(FORGET_AFTER - 1):
        await trips.measure()
    assert set(asked) == {"a:1", "b:1"}
    assert trips.known() == {}


async def test_a_region_that_is_gone_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its nodes' keys went with their leases."""
    far(monkeypatch, [50.0])
    trips = RoundTrips(MemoryStore(), "eu-st1", "eu")
    trips.aim({"AT:us:a": "a:1"})
    await trips.measure()
    trips.aim({})
    assert trips.known() == {}


async def test_a_store_that_is_away_ends_nothing() -> None:
    """Who was known is asked on, and the store is looked at again."""
    store = MemoryStore()
    async with door() as address:
        store.go_away()
        trips = RoundTrips(store, "eu-st1", "eu", period_s=0.01)
        running = asyncio.ensure_future(trips.run())
        try:
            await asyncio.sleep(0)
            assert trips.known() == {}
            store.come_back()
            put_many(store, {"AT:us:us-st1": address})
            await until_known(trips)
        finally:
            running.cancel()


def test_a_report_tells_where_the_node_is_and_what_it_measured(tmp_path: Path) -> None:
    """And leaves under ``AT:`` where others measure."""
    more = {"RTCDN_PLACE": "45.46, 9.19", "RTCDN_PRICE_HOUR": "0.4", "RTCDN_PRICE_GB": "0.01"}
    node = load(environment(tmp_path) | more).node
    texts = node_keys(
        node, Status(1, 2, 3, {}), PluginData(), version="1", secret_version="1", started_us=1, rtt_ms={"us": 90.0}
    )
    labels = Labels.from_json(texts["ST:local-st1:LABELS"])
    assert labels is not None
    assert (labels.place, labels.price_hour, labels.price_gb) == ((45.46, 9.19), 0.4, 0.01)
    assert labels.rtt_ms == {"us": 90.0}
    assert texts[keys.at("local", "local-st1")] == "127.0.0.1:8320"
    assert list(texts)[-1] == "JN:local-st1"
    assert json.loads(texts["ST:local-st1:LABELS"])["rtt_ms"] == {"us": 90.0}


@pytest.mark.parametrize("wrong", ["45", "45,9,1", "here,there", "91,0", "0,181", "nan,0"])
def test_a_place_that_is_none_is_told(tmp_path: Path, wrong: str) -> None:
    """With what it should be."""
    with pytest.raises(ConfigError, match=r"RTCDN_PLACE: .* is not latitude,longitude"):
        load(environment(tmp_path) | {"RTCDN_PLACE": wrong})


@pytest.mark.parametrize(("network", "asked"), [("default", "203.0.113.1:8320"), ("far", "10.0.0.1:8320")])
async def test_a_node_is_measured_at_the_address_that_is_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, network: str, asked: str
) -> None:
    """Its private one from its own network, its public one from another; text that is neither is an address."""
    more = {"RTCDN_NETWORK": "far", "RTCDN_PUBLIC_IP": "203.0.113.1", "RTCDN_MEDIA_LISTEN": "0.0.0.0"}
    node = load(environment(tmp_path) | more | {"RTCDN_JANUS_ADDRESS": "10.0.0.1:8320"}).node
    told = node_keys(node, Status(0, 0, 0, {}), PluginData(), version="1.4.1", secret_version="1", started_us=1)[
        keys.at("local", "local-st1")
    ]
    seen = far(monkeypatch, [5.0])
    trips = RoundTrips(MemoryStore(), "eu-st1", "eu", network=network)
    trips.aim({keys.at("local", "local-st1"): told, keys.at("us", "us-st1"): "10.0.0.9:1 what"})
    await trips.measure()
    assert sorted(seen) == sorted([asked, "10.0.0.9:1"])

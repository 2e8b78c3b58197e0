"""Collectors beside real Janus nodes measure the way to other regions, with the rights that a deployment gives them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.core.places import distance_ms
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.model import Kind
from rtcdn.store.etcd import EtcdStore
from rtcdn.store.port import Commit
from tests.support.collector import CollectorProcess, Place, client
from tests.support.engine import Engine, free_port, wait_for
from tests.support.etcd import EtcdServer, running_etcd
from tests.support.far_host import TUN, far_host
from tests.support.janus import start_janus
from tests.unit.roles.load import load

pytestmark = pytest.mark.real
REGIONS = {"eu": ("test-eu", "45.46,9.19"), "us": ("test-us", "40.71,-74.01")}
FAR_MS = 80.0


def grant(etcd: EtcdServer) -> None:
    """Users and rights as the role etcd makes them; from here on etcd asks who it is."""
    etcd.tls("root")
    user_of = load("etcd/filter_plugins/etcd.py").etcd_collector_user
    nodes = [{"id": name, "kind": "ST", "host": region} for region, (name, _) in REGIONS.items()]
    users = [user_of(node, {region: {"region": region} for region in REGIONS}) for node in nodes]
    users.append({"name": "broker", "grants": [["readwrite", "", "prefix"]]})
    words = [["user", "add", "root", "--no-password"], ["user", "grant-role", "root", "root"]]
    for user in users:
        words += [["user", "add", user["name"], "--no-password"], ["role", "add", user["name"]]]
        for permission, key, extent in user["grants"]:
            more = ["--prefix=true"] if extent == "prefix" else []
            words.append(["role", "grant-permission", user["name"], permission, key, *more])
        words.append(["user", "grant-role", user["name"], user["name"]])
    tls = ("--cacert=/pki/ca.pem", "--cert=/pki/cert.pem", "--key=/pki/key.pem")
    for each in [*words, ["auth", "enable"]]:
        done = etcd.container.exec_run(["etcdctl", f"--endpoints=https://{etcd.address}", *tls, *each])
        assert done.exit_code == 0, (each, done.output)


@pytest.fixture
def etcd() -> Iterator[EtcdServer]:
    with running_etcd() as server:
        grant(server)
        yield server


@pytest.fixture
def places(etcd: EtcdServer, tmp_path: Path) -> Iterator[dict[str, Place]]:
    """A node in each region, with its collector."""
    made: dict[str, Place] = {}
    store = etcd.store()
    with Engine() as engine:
        network = engine.network()
        try:
            for region, (name, place) in REGIONS.items():
                port = free_port(network.gateway)
                node = start_janus(engine, Kind.ST, name, network=network, events_port=port)
                more = {"RTCDN_PLACE": place, "RTCDN_RTT_S": "0.2", "RTCDN_PRICE_GB": "0.02"}
                collector = CollectorProcess(node, etcd, tmp_path, f"{network.gateway}:{port}", region, more=more)
                made[region] = Place(node, client(node), collector, store)
            for each in made.values():
                each.wait_registered()
            yield made
        finally:
            for each in made.values():
                each.collector.stop()
            store.close()


def map_of(store: EtcdStore) -> VirtualMap:
    values = store.read().values
    return VirtualMap.build({key: (value.text, value.mod_revision) for key, value in values.items()}, 0.0, 1)


def test_regions_measure_each_other_and_a_far_one(places: dict[str, Place], etcd: EtcdServer) -> None:
    """Real connections to real Janus nodes next door, and one over a way of 80 ms; what goes is told no more."""
    store = etcd.store()
    for here, there in (("eu", "us"), ("us", "eu")):
        wait_for(lambda here=here, there=there: there in places[here].labels().rtt_ms, f"{here} measured {there}")
        assert 1.0 <= places[here].labels().rtt_ms[there] < FAR_MS
    assert places["eu"].labels().place == (45.46, 9.19)
    assert places["eu"].labels().price_gb == 0.02
    near = distance_ms(map_of(store), "eu", "us")
    assert near is not None
    assert near < FAR_MS
    if not TUN.exists():
        pytest.skip(f"{TUN} is not there: no far host can be made")
    with far_host(FAR_MS) as address:
        store.put(keys.at("ap", "far-st1"), f"{address}:8188")
        wait_for(lambda: "ap" in places["eu"].labels().rtt_ms, "eu measured ap", 60)
        measured = places["eu"].labels().rtt_ms["ap"]
        assert FAR_MS - 1 <= measured < 3 * FAR_MS
        vmap = map_of(store)
        assert distance_ms(vmap, "ap", "eu") is not None
        assert near < (distance_ms(vmap, "eu", "ap") or 0)
        store.commit(Commit(deletes=(keys.at("ap", "far-st1"),)))
        wait_for(lambda: "ap" not in places["eu"].labels().rtt_ms, "a region that is gone is told no more", 60)
    assert int(places["eu"].field("WEIGHT")) >= 0  # reports went on meanwhile
    store.close()

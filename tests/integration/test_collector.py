"""The collector on a real etcd beside real Janus nodes of the three kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtcdn import keys
from rtcdn.janus.voice import join_voice, leave_voice
from rtcdn.model import Codec, ContextInfo, Kind
from tests.support.collector import Place, running_places
from tests.support.engine import wait_for
from tests.support.etcd import EtcdServer, running_etcd

pytestmark = pytest.mark.real
NO_SWEEP_S = 3600  # whatever shows here was brought by an event


@pytest.fixture(scope="module")
def etcd() -> Iterator[EtcdServer]:
    with running_etcd() as server:
        yield server


@pytest.fixture(scope="module")
def places(etcd: EtcdServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Kind, Place]]:
    with running_places(etcd, tmp_path_factory.mktemp("collector"), sweep_s=NO_SWEEP_S) as made:
        yield made


@pytest.mark.parametrize("kind", [Kind.VR, Kind.AB, Kind.ST])
def test_a_node_presents_itself_with_every_key_of_the_schema(places: dict[Kind, Place], kind: Kind) -> None:
    """All details and the gate, nothing else; labels lead to the node."""
    place = places[kind]
    values = place.values()
    wanted = {keys.node_field(kind, place.node.id, name) for name in keys.NODE_FIELDS} | {keys.node(place.node.id)}
    assert set(values) == wanted
    assert values[keys.node(place.node.id)] == kind.value
    assert place.field("ADDRESS") == place.node.address
    assert all(0 <= int(place.field(name)) <= 100 for name in ("CPU", "MEM"))
    labels = place.labels()
    assert (labels.admin, labels.rest, labels.media_ip) == (
        place.node.admin_url,
        place.node.rest_url,
        place.node.media_ip,
    )
    assert labels.version == "1.4.1"
    assert {"cpu", "packets", "bandwidth", "handles"} <= set(labels.weight_terms)
    assert int(place.field("WEIGHT")) == max(labels.weight_terms.values())


def test_contexts_forwarders_and_links_show_by_their_events(places: dict[Kind, Place]) -> None:
    """What is made on a node is told, and goes when it goes; no sweep is due meanwhile."""
    room, mix, stage = "live/ingress-x", "live/mix-y", "live/stage-z"
    places[Kind.VR].client.ensure_room(room, Codec.VP8, 4, 1_000_000)
    places[Kind.AB].client.ensure_mix(mix)
    media = places[Kind.ST].client.ensure_stage(stage, Codec.VP8, ("v1", "v2", "s1"))
    for kind, janus_id in ((Kind.VR, room), (Kind.AB, mix), (Kind.ST, stage)):
        wait_for(lambda k=kind, c=janus_id: places[k].context(c), f"{janus_id} shows")
    seen = places[Kind.ST].context(stage)
    assert seen is not None
    assert [(each.mid, each.port, each.rtcp_port) for each in seen.media] == [
        (each.mid, each.port, each.rtcp_port) for each in media
    ]
    hold = join_voice(places[Kind.AB].client, mix, "voice-ann")
    places[Kind.AB].client.start_mix(mix, places[Kind.ST].node.media_ip, media[0].port)
    wait_for(lambda: (places[Kind.AB].context(mix) or ContextInfo()).links == ("link~voice-ann",), "the link shows")
    wait_for(lambda: (places[Kind.AB].context(mix) or ContextInfo()).forwarders, "the forwarder shows")
    leave_voice(places[Kind.AB].client, mix, "voice-ann", hold.janus_session)
    for kind, janus_id in ((Kind.VR, room), (Kind.AB, mix), (Kind.ST, stage)):
        places[kind].client.drop_context(janus_id)
        wait_for(lambda k=kind, c=janus_id: places[k].context(c) is None, f"{janus_id} is gone")


def test_a_lease_that_is_lost_is_taken_anew(places: dict[Kind, Place], etcd: EtcdServer) -> None:
    """Keys deleted under the collector come back."""
    place = places[Kind.VR]
    before = place.store.read(keys.node(place.node.id)).values[keys.node(place.node.id)]
    lease = int(place.collector.log().rsplit("node-registered lease=", 1)[1].split()[0])
    place.store.revoke(lease)
    place.wait_registered()
    after = place.store.read(keys.node(place.node.id)).values[keys.node(place.node.id)]
    assert after.create_revision > before.create_revision


def test_a_store_that_was_away_is_written_again(places: dict[Kind, Place], etcd: EtcdServer) -> None:
    """A frozen etcd makes no collector die; all nodes are back when it thaws."""
    etcd.pause()
    try:
        wait_for(lambda: places[Kind.AB].collector.healthz()["store_up"] is False, "the collector notices")
    finally:
        etcd.unpause()
    etcd.wait_ready()
    for place in places.values():
        wait_for(lambda p=place: p.collector.healthz()["store_up"], "the store is back")
        place.wait_registered()


def test_a_restarted_janus_is_told_apart(places: dict[Kind, Place]) -> None:
    """After a restart the start time differs and nothing of before is told."""
    place = places[Kind.VR]
    place.client.ensure_room("old/ingress-x", Codec.VP8, 4, 1_000_000)
    wait_for(lambda: place.context("old/ingress-x"), "the room shows")
    started_us = place.labels().started_us
    place.node.restart()
    wait_for(lambda: place.labels().started_us not in (0, started_us), "a new start is told")
    wait_for(lambda: place.registered() and place.context("old/ingress-x") is None, "the old room is gone")


def test_a_node_without_its_janus_falls_silent_and_returns(places: dict[Kind, Place]) -> None:
    """A killed Janus takes the node's keys with it; a started one brings them back."""
    place = places[Kind.ST]
    place.node.kill()
    wait_for(lambda: not place.values(), "the keys are gone")
    place.node.start()
    place.wait_registered()


def test_a_killed_collector_takes_its_keys_with_its_lease(places: dict[Kind, Place]) -> None:
    """Nobody keeps the lease: the node is silent after it, and back with the next collector."""
    place = places[Kind.AB]
    place.collector.kill()
    wait_for(lambda: not place.values(), "the lease ends", timeout_s=10)
    place.collector.start()
    place.wait_registered()
    assert place.collector.stop() == 0
    wait_for(lambda: not place.values(), "a collector that is told to end lets go", timeout_s=2)
    place.collector.start()
    place.wait_registered()


def test_nothing_secret_is_told(places: dict[Kind, Place], tmp_path: Path) -> None:
    """Neither keys in the store nor the collector's log hold a secret of the node."""
    for place in places.values():
        told = place.collector.log() + "".join(place.values().values())
        hidden = place.node.secrets
        for secret in (
            hidden.admin_secret,
            hidden.api_secret,
            hidden.admin_key,
            hidden.token_secret,
            hidden.context_key,
        ):
            assert secret not in told

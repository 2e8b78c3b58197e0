"""Reports in the store: order, one transaction, one lease."""

from __future__ import annotations

import pytest

from collector.publish import Publisher
from collector.report import node_keys, plugin_data
from collector.sample import Status
from collector.settings import Presentation
from collector.view import View
from rtcdn import keys
from rtcdn.errors import StoreAway
from rtcdn.model import Capacity, ContextInfo, Kind, Labels, PluginData, PublisherInfo, StreamInfo
from rtcdn.store.memory import MemoryStore

NODE = Presentation(
    node_id="host-vr1",
    kind=Kind.VR,
    region="north",
    host="host",
    zone="a",
    address="127.0.0.1:8300",
    admin_url="http://127.0.0.1:8302/admin",
    rest_url="http://127.0.0.1:8301/janus",
    media_ip="127.0.0.1",
    public_ip="192.0.2.1",
    capacity=Capacity(),
)


def report(weight: int = 10, data: PluginData | None = None) -> dict[str, str]:
    now = Status(12, 34, weight, {"cpu": float(weight)})
    return node_keys(NODE, now, data or PluginData(), version="1.4.1", secret_version="2", started_us=7)


class Clock:
    """A clock that a test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


def test_the_gate_is_written_last_and_all_in_one_transaction(store: MemoryStore) -> None:
    """A reader who waits for ``JN:`` finds the details there."""
    assert list(report())[-1] == keys.node("host-vr1")
    assert Publisher(store, 5).publish(report())
    values = store.read().values
    assert len(values) == len(keys.NODE_FIELDS) + 2  # where it can be measured, and the gate
    assert len({value.mod_revision for value in values.values()}) == 1


def test_only_what_changed_is_written_again(store: MemoryStore) -> None:
    """WEIGHT and LABELS (with its terms) move, the others keep their revision."""
    publisher = Publisher(store, 5)
    publisher.publish(report())
    before = store.read().values
    assert not publisher.publish(report())
    assert publisher.publish(report(weight=20))
    after = store.read().values
    changed = {key for key in after if after[key].mod_revision != before[key].mod_revision}
    assert changed == {"VR:host-vr1:WEIGHT", "VR:host-vr1:LABELS"}


def test_everything_is_written_again_under_a_new_lease(store: MemoryStore, clock: Clock) -> None:
    """After the lease has ended, which the keepalive or the next write finds out."""
    publisher = Publisher(store, 5)
    publisher.publish(report())
    clock.now_s += 4
    assert publisher.keep_alive()
    clock.now_s += 6
    assert not publisher.keep_alive()
    assert store.read().values == {}
    assert publisher.publish(report())
    clock.now_s += 6
    with pytest.raises(StoreAway):
        publisher.publish(report(weight=30))
    assert publisher.publish(report(weight=30))
    assert store.read().values["VR:host-vr1:WEIGHT"].text == "30"


def test_a_silent_node_has_no_keys(store: MemoryStore) -> None:
    """Falling silent twice, or with the store away, is fine; the next report registers again."""
    publisher = Publisher(store, 5)
    publisher.publish(report())
    publisher.fall_silent()
    publisher.fall_silent()
    assert (store.read().values, publisher.registered) == ({}, False)
    assert publisher.keep_alive()
    publisher.publish(report())
    store.go_away()
    publisher.fall_silent()
    store.come_back()
    assert publisher.publish(report())


def test_labels_tell_where_the_node_is(store: MemoryStore) -> None:
    """Addresses, version, capacity and each term of the weight."""
    labels = Labels.from_json(report()["VR:host-vr1:LABELS"])
    assert labels is not None
    assert (labels.admin, labels.rest, labels.media_ip) == (NODE.admin_url, NODE.rest_url, "127.0.0.1")
    assert (labels.version, labels.secret_version, labels.started_us) == ("1.4.1", "2", 7)
    assert labels.weight_terms == {"cpu": 10.0}
    assert (labels.network, labels.links, labels.public_ip) == ("default", "srtp", "192.0.2.1")


def test_plugin_data_is_the_same_text_whatever_the_order() -> None:
    """Read in another order, nothing is written again; streams come from events, strangers' talk is left out."""
    view = View(Kind.VR, talking={"s/a": {"bob", "ann"}, "gone/b": {"bob"}})
    view.streams["s/a", "ann"] = (StreamInfo("audio", "0", "opus"),)
    one = ContextInfo(id="s/a", publishers=(PublisherInfo("bob"), PublisherInfo("ann")))
    two = ContextInfo(id="s/b")
    data = plugin_data([two, one], view)
    again = plugin_data([ContextInfo(id="s/a", publishers=one.publishers[::-1]), two], view)
    assert data == again
    assert [publisher.id for publisher in data.contexts[0].publishers] == ["ann", "bob"]
    assert data.contexts[0].publishers[0].streams == (StreamInfo("audio", "0", "opus"),)
    assert data.talkers == {"s/a": ("ann", "bob")}

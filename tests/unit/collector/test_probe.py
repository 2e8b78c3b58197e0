"""What a probe reads of a mix and of a room."""

from __future__ import annotations

from collector.probe import Probe
from collector.report import plugin_data
from collector.view import View
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.model import Codec, Kind, RemoteInfo
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets

MIX, ROOM = "s/mix-a", "s/ingress-a"


def test_those_who_wait_suspended_are_counted_apart() -> None:
    """Only those who are mixed weigh as participants; links are neither."""
    janus = FakeJanus(Kind.AB, fresh_secrets())
    admin = AdminClient("http://n/admin", janus.secrets.admin_secret, transport=janus.transport())
    client = NodeClient(Kind.AB, admin, janus.secrets, "127.0.0.1")
    client.ensure_mix(MIX)
    told = {"muted": False, "talking": False}
    people = janus.plugin.contexts[MIX].people
    people |= {f"p{number}": {**told, "suspended": number > 0} for number in range(4)}
    people |= {"link~voice-ann": told}
    found = Probe(client).context(MIX)
    assert found is not None
    assert (found.participants, found.suspended, found.links) == (1, 3, ("link~voice-ann",))


def test_publishers_that_are_sent_to_other_rooms_are_told() -> None:
    """Those who come from another room are marked, and are not asked where they go: they go nowhere."""
    janus = FakeJanus(Kind.VR, fresh_secrets())
    admin = AdminClient("http://n/admin", janus.secrets.admin_secret, transport=janus.transport())
    client = NodeClient(Kind.VR, admin, janus.secrets, "127.0.0.1")
    client.ensure_room(ROOM, Codec.VP8, 8, 1_500_000)
    told = {"remote_id": "remote-ann-b", "host": "127.0.0.9", "port": 10000, "rtcp_port": 10001}
    janus.plugin.contexts[ROOM].people |= {
        "ann": {"publisher": True, "remotes": {"remote-ann-b": told}},
        "bob": {"publisher": True, "remote": True},
        "eve": {"publisher": False},
    }
    found = Probe(client).context(ROOM)
    assert found is not None
    assert [(each.id, each.remote) for each in found.publishers] == [("ann", False), ("bob", True)]
    assert found.remotes == (RemoteInfo("remote-ann-b", "ann", "127.0.0.9", 10000),)
    assert plugin_data([found], View(Kind.VR)).contexts[0].remotes == found.remotes

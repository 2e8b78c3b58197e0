"""What a probe reads of a mix."""

from __future__ import annotations

from collector.probe import Probe
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.model import Kind
from tests.support.fake_janus import FakeJanus
from tests.support.janus import fresh_secrets

MIX = "s/mix-a"


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

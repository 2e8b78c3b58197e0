"""A node that tells nonsense of where it is: it is away, and nothing else suffers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import httpx
import pytest

from broker.act import Nodes
from broker.core.virtual_map import VirtualMap
from rtcdn.errors import NodeAway
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.rest import RestClient
from rtcdn.model import Kind, Labels, NodeSecrets
from rtcdn.module_api import ModuleClient
from tests.unit.broker.rig import Rig

BAD = ("http://[::1", "http://h:abc", "http://h:99999999", "http://h\n:1", "nonsense", "")


@pytest.mark.parametrize("url", BAD)
def test_a_node_of_a_bad_address_is_away(rig: Rig, url: str) -> None:
    """Whichever of its addresses it is; the sessions of other nodes go on."""
    key = "ST:st1:LABELS"
    good = Labels.from_json(rig.store.read(key).values[key].text)
    assert good is not None
    nodes = Nodes({"st1": NodeSecrets(admin_secret="a", api_secret="b", admin_key="c", context_key="d")})
    for labels in (replace(good, admin=url), replace(good, rest=url or "http://[")):
        revision = rig.store.put(key, labels.to_json())
        assert rig.keeper.wait_for(partial(_seen, revision), 5)
        with pytest.raises(NodeAway):
            _ask(nodes.client(rig.keeper.current, "st1"), by_rest=labels.rest != good.rest)


def _seen(revision: int, vmap: VirtualMap) -> bool:
    return vmap.revision >= revision


def _ask(client: NodeClient, *, by_rest: bool) -> None:
    if by_rest and client.rest:
        client.rest.open(Kind.ST, "x")
    else:
        client.admin.ping()


@pytest.mark.parametrize("url", BAD)
def test_a_module_of_a_bad_address_is_away(url: str) -> None:
    """Not an error of the broker's."""
    with pytest.raises(NodeAway):
        ModuleClient(url, "secret").put("demo", "t", "mix", speaks=False)


def test_the_secret_in_a_url_is_never_told() -> None:
    """Not even when the URL cannot be asked."""
    client = RestClient("http://h:abc/janus", "hidden", transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    with pytest.raises(NodeAway) as told:
        client._poll(1)
    assert "hidden" not in str(told.value)

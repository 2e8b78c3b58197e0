"""Keys of links: 30 bytes each, derived alike by all who hold the node's key, told to nobody."""

from __future__ import annotations

import base64

from rtcdn.janus.operations import fresh_ssrc
from rtcdn.janus.plugins import Srtp, seal_of
from rtcdn.probe import ProbeAsk
from rtcdn.secrets import fresh_key, link_key


def test_a_stage_has_another_key_in_each_generation() -> None:
    """And on each node, and another than every other stage."""
    keys = [link_key(*args) for args in (("k", "s/a", 1), ("k", "s/a", 2), ("k", "s/b", 1), ("l", "s/a", 1))]
    assert len(set(keys)) == 4
    assert link_key("k", "s/a", 1) == keys[0]
    assert {len(base64.b64decode(key)) for key in (*keys, fresh_key())} == {30}
    assert fresh_key() != fresh_key()


def test_an_ssrc_tells_the_generation_of_its_key() -> None:
    """So do the two after it, of a slot's other ports; no ssrc is used twice but by chance."""
    for generation in (1, 2, 254, 255, 256, 70_000):
        srtp = Srtp(80, fresh_key(), generation)
        ssrcs = [fresh_ssrc(srtp) for _ in range(50)]
        assert {seal_of(ssrc + more) for ssrc in ssrcs for more in range(3)} == {srtp.seal}
        assert 1 <= srtp.seal <= 255
        assert len(set(ssrcs)) > 45
    assert Srtp(80, "", 1).seal != Srtp(80, "", 2).seal


def test_no_key_is_shown_where_a_record_is() -> None:
    """A record may end in a log."""
    assert "c2VjcmV0" not in f"{Srtp(80, 'c2VjcmV0')!r} {ProbeAsk(feed_key='c2VjcmV0')!r}"

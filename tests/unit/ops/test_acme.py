"""Certificates by ACME: which regions, by which names, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ops.acme import is_name, problems, served
from ops.inventory import problems as inventory_problems
from tests.unit.ops.test_inventory import GROUPS as ONE
from tests.unit.ops.test_inventory import SOUND

GROUPS = {"nginx": ["eu1", "eu2", "us1"]}
EU, US = "https://live.example.org", "https://us.example.org:8443"
GOOD: dict[str, Any] = {
    "rtcdn_hosts": {
        "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
        "eu2": {"private": "10.0.0.2", "public": "192.0.2.2", "region": "eu"},
        "us1": {"private": "10.1.0.1", "public": "198.51.100.1", "region": "us"},
        "ap1": {"private": "10.2.0.1", "public": "203.0.113.1", "region": "ap"},
    },
    "rtcdn_regions": {"us": {"url": US}, "ap": {"url": "https://ap.example.org"}},
    "rtcdn_ports": {"nginx": 443, "acme": 80},
    "rtcdn_public_url": EU,
    "rtcdn_pki": "/pki",
    "nginx_acme": {"directory": "https://acme.example/dir", "email": "ops@example.org", "ca": "/ca.pem"},
}


def test_each_region_has_the_names_that_lead_to_its_nginx() -> None:
    """The control region those of regions without one, too; a region with a certificate of its own is left out."""
    assert served(GOOD, GROUPS) == {"eu": ["live.example.org", "ap.example.org"], "us": ["us.example.org"]}
    own = {**GOOD, "rtcdn_regions": {**GOOD["rtcdn_regions"], "us": {"certificate": "/us.pem", "url": US}}}
    assert list(served(own, GROUPS)) == ["eu"]
    assert served({**GOOD, "nginx_acme": {}}, GROUPS) == {}


def test_good_settings_have_no_problem() -> None:
    """Those that the others break; none at all, too."""
    assert list(problems(GOOD, GROUPS)) == []
    assert list(problems({**GOOD, "nginx_acme": {}, "rtcdn_ports": {"nginx": 443}}, GROUPS)) == []
    own = {"us": {"certificate": "/us.pem", "certificate_key": "/us.key"}}
    assert list(problems({**GOOD, "rtcdn_regions": own}, GROUPS)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"nginx_acme": "https://acme.example"}, "nginx_acme is 'https://acme.example': write {directory"),
        ({"nginx_acme": {"url": "x"}}, "nginx_acme has 'url', which is no field of it"),
        ({"nginx_acme": {"mail": "x"}}, "nginx_acme has 'mail', which is no field of it: did you mean email?"),
        ({"nginx_acme": {"direktory": "x"}}, "did you mean directory?"),
        ({"nginx_acme": {"email": "a@b"}}, "directory is '': write the https URL"),
        ({"nginx_acme": {"directory": "http://a.example/dir"}}, "directory is 'http://a.example/dir': write the https"),
        ({"nginx_acme": {"directory": "https://a.example", "email": "me"}}, "email is 'me': write an address"),
        ({"nginx_certificate": "/given.pem"}, "nginx_acme and nginx_certificate are both set: keep one"),
        ({"rtcdn_ports": {"nginx": 443}}, "rtcdn_ports has no acme: add acme: 80"),
        ({"nginx_acme": {}}, "rtcdn_ports has acme, and nginx_acme is not set"),
        (
            {"rtcdn_public_url": "https://192.0.2.1:443"},
            "rtcdn_public_url is https://192.0.2.1:443, and ACME gives certificates for DNS names alone: write "
            "https://name, or give eu a certificate of its own",
        ),
        ({"rtcdn_regions": {}}, "rtcdn_regions.us.url is https://198.51.100.1:443"),
        ({"rtcdn_regions": {"us": {"url": US}, "ap": {"url": "https://[2001:db8::1]"}}}, "rtcdn_regions.ap.url is"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(changed: dict[str, Any], said: str) -> None:
    """One line each."""
    assert said in "\n".join(problems({**GOOD, **changed}, GROUPS))


def test_an_inventory_is_asked() -> None:
    """Also for its port, which nobody else on the hosts of nginx may have."""
    acme = {**SOUND, "nginx_acme": {"directory": "https://acme.example/dir"}, "rtcdn_public_url": EU}
    assert "rtcdn_ports has no acme" in "\n".join(inventory_problems(acme, ONE))
    ports = {**SOUND["rtcdn_ports"], "acme": 80}
    assert inventory_problems({**acme, "rtcdn_ports": ports}, ONE) == []
    taken = inventory_problems({**acme, "rtcdn_ports": {**ports, "acme": 8101}}, ONE)
    assert taken == ["tcp port 8101 of eu1 is claimed by rtcdn_ports.acme and by broker-1 api: change one of them"]


def test_a_name_is_one_that_others_know() -> None:
    """No address, and none of this machine or network alone."""
    assert is_name("live.example.org")
    for host in ("192.0.2.1", "2001:db8::1", "localhost", "live", "x.localhost", ""):
        assert not is_name(host)

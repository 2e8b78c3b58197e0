"""The entry of each region."""

from __future__ import annotations

from typing import Any

from ops.entries import entries, names, sources
from ops.pki import certificates

HOSTS: dict[str, dict[str, Any]] = {
    "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
    "eu2": {"private": "10.0.0.2", "public": "192.0.2.2", "region": "eu"},
    "us1": {"private": "10.1.0.1", "public": "198.51.100.1", "region": "us"},
    "ap1": {"private": "10.2.0.1", "public": "203.0.113.1", "region": "ap"},
}
PUBLIC = "https://event.example"


def test_each_region_has_one() -> None:
    """The control region the public URL, one with an nginx that, one without the control region's, one as told."""
    told = {"ap": {"url": "https://ap.event.example/"}, "us": {"place": [1, 2]}}
    assert entries(HOSTS, told, ["eu2", "eu1", "us1"], 8443, PUBLIC) == {
        "ap": "https://ap.event.example",
        "eu": PUBLIC,
        "us": "https://198.51.100.1:8443",
    }
    assert set(entries(HOSTS, {}, ["eu1"], 8443, PUBLIC).values()) == {PUBLIC}


def test_a_page_may_connect_to_every_entry_and_nothing_else() -> None:
    """By https and wss."""
    assert sources([PUBLIC, "https://us:1", PUBLIC]) == (
        "https://event.example wss://event.example https://us:1 wss://us:1"
    )


def test_certificates_bear_the_names_of_entries() -> None:
    """Those of nginx and TURN do; no other one is made anew when an entry is renamed."""
    assert names([PUBLIC, "https://198.51.100.1:8443"]) == ["198.51.100.1", "event.example"]
    made = {each["name"]: each["sans"] for each in certificates(["nginx", "broker"], HOSTS, [PUBLIC])}
    assert "DNS:event.example" in made["nginx"]
    assert "DNS:event.example" not in made["broker"]

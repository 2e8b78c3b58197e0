"""Where clients enter a deployment: a URL for each region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

Row = Mapping[str, Any]


def entries(
    hosts: Mapping[str, Row], regions: Mapping[str, Row], doors: Iterable[str], port: int, public_url: str
) -> dict[str, str]:
    """Region -> URL of its entry: the one given, else its first nginx host; the control region's where it has none.

    ``doors``: the hosts that have an nginx. The first one is in the control region, which ``public_url`` enters.
    """
    first: dict[str, str] = {}
    for door in doors:
        first.setdefault(str(hosts[door]["region"]), f"https://{_bracketed(str(hosts[door]['public']))}:{port}")
    for control in list(first)[:1]:
        first[control] = public_url
    found = {}
    for region in sorted({str(host["region"]) for host in hosts.values()}):
        given = (regions.get(region) or {}).get("url")
        found[region] = str(given or first.get(region) or public_url).rstrip("/")
    return found


def names(urls: Iterable[str]) -> list[str]:
    """Names and addresses in URLs: what certificates of the entries must bear."""
    return sorted({name for url in urls if (name := urlsplit(url).hostname)})


def sources(urls: Iterable[str]) -> str:
    """What a page of one entry may connect to, as a content security policy has it: every entry, by https and wss."""
    return " ".join(f"{url} {url.replace('https://', 'wss://', 1)}" for url in sorted(set(urls)))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address

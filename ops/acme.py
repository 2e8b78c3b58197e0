"""ACME at the entries: which regions it serves, by which names, and what is wrong with its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ops.inventory_network import host_of, is_address, urls_by_door
from ops.inventory_tables import unknown

Table = Mapping[str, Any]
Groups = Mapping[str, list[str]]
FIELDS = frozenset({"directory", "email", "ca"})
PORT = 80  # where authorities ask


def served(variables: Table, groups: Groups) -> dict[str, list[str]]:
    """Region -> names of its certificate, of every region with an nginx and no certificate of its own."""
    return {region: list(dict.fromkeys(map(host_of, urls))) for region, urls in _urls(variables, groups).items()}


def is_name(host: str) -> bool:
    """Can an authority tell who has it? A name in DNS, no address and no name of this machine alone."""
    return "." in host.strip(".") and not is_address(host) and not host.endswith((".localhost", ".local", ".internal"))


def problems(variables: Table, groups: Groups) -> Iterator[str]:
    """Each names the variable and the cure."""
    told, ports = variables.get("nginx_acme"), variables["rtcdn_ports"]
    if not told:
        if "acme" in ports:
            yield "rtcdn_ports has acme, and nginx_acme is not set: set it, or remove the port"
        return
    if not isinstance(told, Mapping):
        yield f"nginx_acme is {told!r}: write {{directory: https://..., email: ...}}"
        return
    for field in sorted(set(told) - FIELDS):
        yield f"nginx_acme has {field!r}, which is no field of it: {unknown(str(field), FIELDS)}"
    directory = str(told.get("directory") or "")
    if not (directory.startswith("https://") and urlsplit(directory).hostname):
        yield f"nginx_acme: directory is {directory!r}: write the https URL of the authority's directory"
    if told.get("email") and "@" not in str(told["email"]):
        yield f"nginx_acme: email is {told['email']!r}: write an address, or leave it out"
    given = str(variables.get("nginx_certificate") or "")
    if given and given != f"{variables.get('rtcdn_pki')}/nginx.crt":
        yield "nginx_acme and nginx_certificate are both set: keep one; a region may have its own in rtcdn_regions"
    if "acme" not in ports:
        yield f"nginx_acme is set, and rtcdn_ports has no acme: add acme: {PORT}, where authorities ask"
    yield from _names(variables, groups)


def _names(variables: Table, groups: Groups) -> Iterator[str]:
    regions = variables.get("rtcdn_regions") or {}
    by_url = {str(row.get("url") or "").rstrip("/"): f"rtcdn_regions.{name}.url" for name, row in regions.items()}
    for number, (region, urls) in enumerate(_urls(variables, groups).items()):
        key = f"rtcdn_regions.{region}.url" if number else "rtcdn_public_url"
        for url in urls:
            if "{{" not in url and not is_name(host_of(url)):
                yield (
                    f"{by_url.get(url, key)} is {url}, and ACME gives certificates for DNS names alone: write "
                    f"https://name, or give {region} a certificate of its own in rtcdn_regions"
                )


def _urls(variables: Table, groups: Groups) -> dict[str, list[str]]:
    regions = variables.get("rtcdn_regions") or {}
    doors = urls_by_door(variables, groups) if variables.get("nginx_acme") else {}
    return {region: urls for region, urls in doors.items() if not (regions.get(region) or {}).get("certificate")}

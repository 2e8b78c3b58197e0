"""Certificates that an operator gives for clients: they are there, fit their key and names, and are valid."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ops.inventory_network import host_of, is_address

SOON = datetime.timedelta(days=14)


def problems(variables: Mapping[str, Any], urls: Mapping[str, Iterable[str]], now_s: float) -> list[str]:
    """Each names the file and the cure; nothing where the deployment's own CA makes the certificate.

    ``urls``: what the certificate of each region with an nginx must bear. A region has its own, or that of all.
    """
    now, regions = datetime.datetime.fromtimestamp(now_s, datetime.UTC), variables.get("rtcdn_regions") or {}
    given: dict[tuple[str, str, str, str], list[str]] = {}
    for region, here in urls.items():
        own, told = regions.get(region) or {}, f"rtcdn_regions.{region}."
        words = ("certificate", "certificate_key")
        if not any(own.get(word) for word in words):
            own, told, words = variables, "", ("nginx_certificate", "nginx_certificate_key")
        crt, key = (str(own.get(word) or "") for word in words)
        given.setdefault((told + words[0], told + words[1], crt, key), []).extend(host_of(url) for url in here)
    found = list(_authority(variables.get("nginx_acme") or {}))
    for (name, key_name, path, key_path), names in given.items():
        if (path or key_path) and path != f"{variables.get('rtcdn_pki')}/nginx.crt":
            if path and key_path:
                found += _problems((name, Path(path)), (key_name, Path(key_path)), names, now)
            else:
                found.append(f"set both {name} and {key_name}, or none of them")
    return found


def _authority(acme: Mapping[str, Any]) -> Iterator[str]:
    """The CA by which an ACME directory is known, and what it signs."""
    from cryptography import x509  # noqa: PLC0415

    path = Path(str(acme.get("ca") or ""))
    try:
        _ = acme.get("ca") and x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        yield f"nginx_acme: ca is {path}, which cannot be read ({error}): give a PEM file on the controller"


def _problems(
    told: tuple[str, Path], told_key: tuple[str, Path], names: Iterable[str], now: datetime.datetime
) -> Iterator[str]:
    """``told`` and ``told_key``: the name of the variable, and the file."""
    (name, path), (key_name, key_path) = told, told_key
    # Ansible loads filters where only its own dependencies are installed.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        yield f"{name}: {path} cannot be read ({error}): give a PEM file on the controller, with its chain"
        return
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        yield f"{key_name}: {key_path} cannot be read ({error}): give a PEM file without a passphrase"
        return
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        yield f"{key_name}: {key_path} is not the key of {path}: give the one that it was made with"
    ends, begins = chain[0].not_valid_after_utc, chain[0].not_valid_before_utc
    if ends < now:
        yield f"{name}: {path} ended on {ends:%Y-%m-%d}: renew it"
    elif ends < now + SOON:
        yield f"{name}: {path} ends on {ends:%Y-%m-%d}, in less than {SOON.days} days: renew it"
    if begins > now:
        yield f"{name}: {path} is valid from {begins:%Y-%m-%d %H:%M} UTC on: is the clock here right?"
    for wanted in dict.fromkeys(names):
        if not _bears(chain[0], wanted):
            yield f"{name}: {path} is not for {wanted}, where clients are sent: get one that names it"


def _bears(certificate: Any, name: str) -> bool:
    from cryptography import x509  # noqa: PLC0415

    try:
        sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    if is_address(name):
        return name in {str(each) for each in sans.get_values_for_type(x509.IPAddress)}
    names = {each.lower() for each in sans.get_values_for_type(x509.DNSName)}
    return name in names or "*." + name.partition(".")[2] in names

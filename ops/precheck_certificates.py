"""Certificates that an operator gives for clients: they are there, fit their key and names, and are valid."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ops.inventory_network import host_of, is_address

SOON = datetime.timedelta(days=14)


def problems(variables: Mapping[str, Any], urls: Iterable[str], now_s: float) -> list[str]:
    """Each names the file and the cure; nothing where the deployment's own CA makes the certificate."""
    given = [str(variables.get(name) or "") for name in ("nginx_certificate", "nginx_certificate_key")]
    if not any(given) or given[0] == f"{variables.get('rtcdn_pki')}/nginx.crt":
        return []
    if not all(given):
        return ["set both nginx_certificate and nginx_certificate_key, or none of them"]
    now = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    return list(_problems(Path(given[0]), Path(given[1]), [host_of(url) for url in urls], now))


def _problems(path: Path, key_path: Path, names: Iterable[str], now: datetime.datetime) -> Iterator[str]:
    # Ansible loads filters where only its own dependencies are installed.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        yield f"nginx_certificate: {path} cannot be read ({error}): give a PEM file on the controller, with its chain"
        return
    try:
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        yield f"nginx_certificate_key: {key_path} cannot be read ({error}): give a PEM file without a passphrase"
        return
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        yield f"nginx_certificate_key: {key_path} is not the key of {path}: give the one that it was made with"
    ends, begins = chain[0].not_valid_after_utc, chain[0].not_valid_before_utc
    if ends < now:
        yield f"nginx_certificate: {path} ended on {ends:%Y-%m-%d}: renew it"
    elif ends < now + SOON:
        yield f"nginx_certificate: {path} ends on {ends:%Y-%m-%d}, in less than {SOON.days} days: renew it"
    if begins > now:
        yield f"nginx_certificate: {path} is valid from {begins:%Y-%m-%d %H:%M} UTC on: is the clock here right?"
    for name in names:
        if not _bears(chain[0], name):
            yield f"nginx_certificate: {path} is not for {name}, where clients are sent: get one that names it"


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

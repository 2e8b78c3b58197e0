"""Mutual TLS between the parts of one deployment: its own CA signs everybody, the CN says who it is."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM = "system"  # in place of a file: the authorities that the machine knows


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of one part: the deployment's CA, the part's certificate and its key."""

    ca: Path
    cert: Path
    key: Path


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """For listening: every client must show a certificate of the CA."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.ca))
    context.load_cert_chain(str(files.cert), str(files.key))
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """For calling: the server must be of the CA and bear the name or address called."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.ca))
    context.load_cert_chain(str(files.cert), str(files.key))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def trusting(authorities: Iterable[str | Path]) -> ssl.SSLContext:
    """For calling an entry: its certificate is of one of these, PEM files or ``system``; of none told, the system's."""
    told = [str(each) for each in authorities if str(each)]
    files = [each for each in told if each != SYSTEM]
    context = ssl.create_default_context(cafile=files[0] if files else None)
    for each in files[1:]:
        context.load_verify_locations(each)
    if files and SYSTEM in told:
        context.load_default_certs()
    return context


def common_name(certificate: Any) -> str:
    """CN of what ``SSLSocket.getpeercert`` answers; empty when there is none."""
    for names in (certificate or {}).get("subject", ()):
        for name, value in names:
            if name == "commonName":
                return str(value)
    return ""

"""A throw-away CA for tests, shaped like the deployment's own: the CN says who a part is."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rtcdn.tls import TlsFiles

LIFE = datetime.timedelta(days=2)


class Pki:
    """A CA in ``folder``; certificates are made once per name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test CA")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        builder = _builder(self._name, self._name, self._key).add_extension(constraints, critical=True)
        (folder / "ca.pem").write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, common_name: str, *dns: str) -> TlsFiles:
        """Certificate and key of one part, valid for loopback and the names of ``dns``."""
        files = TlsFiles(
            self._folder / "ca.pem", self._folder / f"{common_name}.pem", self._folder / f"{common_name}.key"
        )
        if files.cert.exists():
            return files
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name) for name in ("localhost", *dns)]
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        builder = _builder(_name(common_name), self._name, key)
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, address]), critical=False)
        builder = builder.add_extension(usage, critical=False)
        files.cert.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.key.write_bytes(pem)
        return files


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
    )

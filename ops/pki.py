"""Which certificates a deployment's own CA makes, and which of them are due; makes them for the role ``pki``."""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ops import entries

LOOPBACK = ("127.0.0.1", "localhost")
SEEN_BY_CLIENTS = ("nginx", "turn")


def certificates(
    names: Iterable[str],
    hosts: Mapping[str, Mapping[str, Any]],
    urls: Iterable[str] = (),
    where: Mapping[str, Iterable[str]] | None = None,
) -> list[dict[str, Any]]:
    """``{name, sans}`` for each name: it serves on the private and public addresses of its hosts, and on loopback.

    ``where``: name -> its hosts; a name that is not told has all. A host that comes or goes then changes no
    certificate but those of what runs there. Those that clients see serve on the names of the ``urls`` too.
    """
    entered = [_san(each) for each in entries.names(urls)]

    def own(name: str) -> list[str]:
        there = [hosts[host] for host in (hosts if where is None else where.get(name, hosts))]
        addresses = {str(host[side]) for host in there for side in ("private", "public") if host.get(side)}
        seen = entered if name in SEEN_BY_CLIENTS else []
        sans = [_san(each) for each in addresses | set(LOOPBACK)]
        return sorted({*sans, *seen, f"DNS:{name}", f"DNS:{name}.rtcdn.internal"})

    return [{"name": name, "sans": own(name)} for name in names]


def serving(
    groups: Mapping[str, Iterable[str]],
    brokers: Iterable[Mapping[str, Any]],
    gateways: Iterable[Mapping[str, Any]],
    nodes: Iterable[Mapping[str, Any]],
    turns: Iterable[Mapping[str, Any]] = (),
) -> dict[str, list[str]]:
    """Name of a certificate -> hosts on which what bears it is asked, out of the deployment's tables."""
    found = {name: list(groups.get(name, [])) for name in ("etcd", "nginx", "registry")}
    found |= {"root": [], "ops": []}  # they ask alone
    found |= {"broker": [str(each["host"]) for each in brokers], "turn": [str(each["host"]) for each in turns]}
    found |= {f"gateway-{each['id']}": [str(each["host"])] for each in gateways}
    return found | {f"collector-{each['id']}": [str(each["host"])] for each in nodes}


def due(
    wanted: Iterable[Mapping[str, Any]], folder: str, renew_days: int, now: datetime.datetime | None = None
) -> list[Mapping[str, Any]]:
    """Those of ``wanted`` that are missing in ``folder``, have other names or CA, or end within ``renew_days``."""
    moment = (now or datetime.datetime.now(datetime.UTC)) + datetime.timedelta(days=renew_days)
    return [each for each in wanted if not _good(each, Path(folder), moment)]


def new_ca(name: str, days: int = 3650) -> tuple[str, str]:
    """Key and certificate of a new CA, as PEM; like the one that the role ``pki`` makes at first."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    signing = x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def issue(wanted: Iterable[Mapping[str, Any]], folder: Path, days: int) -> list[str]:
    """Make a new key and a certificate of the CA in ``folder`` for each of ``wanted``; their names.

    The certificate's file comes last: it says that both are there.
    """
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    ca = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    ca_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made = []
    for each in wanted:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(each, key, ca, ca_key, days)
        _write(folder / f"{each['name']}.key", key.private_bytes(*form), 0o600)
        _write(folder / f"{each['name']}.crt", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        made.append(str(each["name"]))
    return made


def _signed(wanted: Mapping[str, Any], key: Any, ca: Any, ca_key: Any, days: int) -> Any:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign"), False
    )
    signing = x509.KeyUsage(**usage, digital_signature=True, crl_sign=False, encipher_only=False, decipher_only=False)
    both = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH, x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    names = [
        x509.IPAddress(ipaddress.ip_address(text)) if kind == "IP" else x509.DNSName(text)
        for kind, _, text in (san.partition(":") for san in wanted["sans"])
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, str(wanted["name"]))]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks of hosts differ
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.unlink(missing_ok=True)
    partial.touch(mode=mode)
    partial.write_bytes(content)
    partial.chmod(mode)
    partial.rename(path)


def _good(wanted: Mapping[str, Any], folder: Path, moment: datetime.datetime) -> bool:
    # Ansible loads the filters in places where only its own dependencies are installed: import where it is used.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    key = folder / f"{wanted['name']}.key"
    try:
        found = x509.load_pem_x509_certificate((folder / f"{wanted['name']}.crt").read_bytes())
        found.verify_directly_issued_by(x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes()))
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    sans = {f"DNS:{each}" for each in names.get_values_for_type(x509.DNSName)}
    sans |= {f"IP:{each}" for each in names.get_values_for_type(x509.IPAddress)}
    return key.is_file() and sans >= set(wanted["sans"]) and found.not_valid_after_utc > moment


def _san(address: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(address)}"
    except ValueError:
        return f"DNS:{address}"


def main(arguments: list[str] | None = None) -> int:
    """``python -m ops.pki issue FOLDER DAYS``: certificates that standard input lists as JSON, by the CA in FOLDER."""
    parser = argparse.ArgumentParser(prog="ops.pki", description=__doc__)
    issuer = parser.add_subparsers(dest="verb", required=True).add_parser("issue")
    issuer.add_argument("folder", type=Path)
    issuer.add_argument("days", type=int)
    args = parser.parse_args(arguments)
    print("\n".join(issue(json.load(sys.stdin), args.folder, args.days)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

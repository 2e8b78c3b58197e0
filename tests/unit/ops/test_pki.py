"""Certificates: which there are, and which are due."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ops import pki

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
SANS = ["DNS:broker", "IP:10.0.0.1"]
HOSTS = {
    "one": {"private": "10.0.0.1", "public": "192.0.2.1"},
    "two": {"private": "10.0.0.2", "public": "media.example"},
}


def test_every_certificate_serves_on_all_addresses() -> None:
    """Addresses are addresses, names are names, loopback is there."""
    (made,) = pki.certificates(["broker"], HOSTS)
    assert made["name"] == "broker"
    assert {"IP:10.0.0.1", "IP:10.0.0.2", "IP:192.0.2.1", "IP:127.0.0.1"} <= set(made["sans"])
    assert {"DNS:media.example", "DNS:localhost", "DNS:broker", "DNS:broker.rtcdn.internal"} <= set(made["sans"])


def test_a_host_that_comes_changes_no_certificate_of_another() -> None:
    """Each bears the addresses of its own hosts; what only asks bears none."""
    groups = {"etcd": ["one"], "nginx": ["one"], "registry": ["one"]}
    tables = ([{"host": "one"}], [{"id": "1", "host": "one"}], [{"id": "one-st1", "host": "one"}])
    names = ["root", "etcd", "broker", "nginx", "ops", "registry", "gateway-1", "collector-one-st1"]
    before = pki.certificates(names, {"one": HOSTS["one"]}, (), pki.serving(groups, *tables))
    assert pki.certificates(names, HOSTS, (), pki.serving(groups, *tables)) == before
    sans = {each["name"]: set(each["sans"]) for each in before}
    assert all("IP:10.0.0.1" in sans[name] for name in names if name not in ("root", "ops"))
    assert "IP:10.0.0.1" not in sans["root"] | sans["ops"]
    more = (*tables[:2], [{"id": "two-st1", "host": "two"}])
    (added,) = pki.certificates(["collector-two-st1"], HOSTS, (), pki.serving(groups, *more))
    assert {"IP:10.0.0.2", "DNS:media.example"} <= set(added["sans"])


class Authority:
    """A CA that signs into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign("ca", self.key, [], 3650)

    def sign(self, name: str, key: ec.EllipticCurvePrivateKey, sans: list[x509.GeneralName], days: int) -> bytes:
        """Certificate ``name`` that ends ``days`` after NOW, and its key, into the folder."""
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
        builder = x509.CertificateBuilder(
            issuer,
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            key.public_key(),
            x509.random_serial_number(),
            NOW - datetime.timedelta(days=400),
            NOW + datetime.timedelta(days=days),
        )
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        signed = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (self.folder / f"{name}.crt").write_bytes(signed)
        (self.folder / f"{name}.key").write_text("key")
        return signed

    def broker(self, days: int = 300, address: str = "10.0.0.1") -> None:
        """The certificate that is wanted."""
        names = [x509.DNSName("broker"), x509.IPAddress(ipaddress.ip_address(address))]
        self.sign("broker", ec.generate_private_key(ec.SECP256R1()), names, days)


def due(folder: Path) -> list[Any]:
    return [each["name"] for each in pki.due([{"name": "broker", "sans": SANS}], str(folder), 60, NOW)]


def test_a_good_certificate_is_left_alone(tmp_path: Path) -> None:
    """Nothing to do."""
    Authority(tmp_path).broker()
    assert due(tmp_path) == []


@pytest.mark.parametrize("change", ["missing", "ends", "address", "key", "authority", "broken"])
def test_what_is_not_good_is_due(tmp_path: Path, change: str) -> None:
    """Missing, near its end, for other addresses, without its key, of another CA, unreadable."""
    authority = Authority(tmp_path)
    if change != "missing":
        authority.broker(
            days=59 if change == "ends" else 300, address="10.0.0.9" if change == "address" else "10.0.0.1"
        )
    if change == "key":
        (tmp_path / "broker.key").unlink()
    if change == "authority":
        Authority(tmp_path)
    if change == "broken":
        (tmp_path / "broker.crt").write_text("no certificate")
    assert due(tmp_path) == ["broker"]


def authority(folder: Path) -> None:
    """The key and the certificate of a CA in the folder, as the role has them."""
    key, certificate = pki.new_ca("rtcdn test")
    (folder / "ca.key").write_text(key)
    (folder / "ca.crt").write_text(certificate)


def test_issued_certificates_are_good(tmp_path: Path) -> None:
    """Signed by the CA, for the names that were asked, with a key that only its owner reads."""
    authority(tmp_path)
    wanted = pki.certificates(["broker", "etcd"], HOSTS)
    assert pki.issue(wanted, tmp_path, 100) == ["broker", "etcd"]
    assert pki.due(wanted, str(tmp_path), 90) == []
    assert pki.due(wanted, str(tmp_path), 110) == wanted
    found = x509.load_pem_x509_certificate((tmp_path / "etcd.crt").read_bytes())
    key = serialization.load_pem_private_key((tmp_path / "etcd.key").read_bytes(), None)
    assert found.public_key() == key.public_key()
    assert found.subject.rfc4514_string() == "CN=etcd"
    assert (tmp_path / "etcd.key").stat().st_mode & 0o777 == 0o600
    uses = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {use.dotted_string for use in uses} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}


def test_a_renewed_certificate_has_a_new_key(tmp_path: Path) -> None:
    """And nothing else lies in the folder afterwards."""
    authority(tmp_path)
    wanted = pki.certificates(["broker"], HOSTS)
    pki.issue(wanted, tmp_path, 100)
    before = (tmp_path / "broker.key").read_bytes()
    pki.issue(wanted, tmp_path, 100)
    assert (tmp_path / "broker.key").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broker.crt", "broker.key", "ca.crt", "ca.key"]

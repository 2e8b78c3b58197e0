"""Certificates that an operator gives: what does not fit is told with the variable, the file and the cure."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.precheck_certificates import problems as certificate_problems

NOW_S = 1_800_000_000.0


def certificate(folder: Path, name: str, days: int = 90) -> tuple[Path, Path]:
    """A certificate for ``name`` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromtimestamp(NOW_S, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


def test_a_good_certificate_is_good(tmp_path: Path) -> None:
    """Its own name, and a wildcard's."""
    crt, key = certificate(tmp_path, "*.example.org")
    given = {"nginx_certificate": str(crt), "nginx_certificate_key": str(key)}
    assert certificate_problems(given, {"eu": ["https://eu.example.org:8443"]}, NOW_S) == []
    made = {"rtcdn_pki": "/x", "nginx_certificate": "/x/nginx.crt"}
    assert certificate_problems(made, {"eu": ["https://x"]}, NOW_S) == []
    assert certificate_problems({}, {"eu": ["https://x"]}, NOW_S) == []


def test_a_region_has_a_certificate_of_its_own(tmp_path: Path) -> None:
    """It alone must bear the region's name; that of all need not."""
    eu, us = certificate(tmp_path, "eu.example.org"), certificate(tmp_path, "us.example.org")
    given = {"nginx_certificate": str(eu[0]), "nginx_certificate_key": str(eu[1])}
    own = {"us": {"certificate": str(us[0]), "certificate_key": str(us[1])}}
    urls = {"eu": ["https://eu.example.org"], "us": ["https://us.example.org"]}
    assert certificate_problems({**given, "rtcdn_regions": own}, urls, NOW_S) == []
    swapped = {**given, "rtcdn_regions": {"us": {**own["us"], "certificate": str(eu[0])}}}
    said = certificate_problems(swapped, urls, NOW_S)
    assert [line.partition(":")[0] for line in said] == [
        "rtcdn_regions.us.certificate_key",
        "rtcdn_regions.us.certificate",
    ]
    half = {"rtcdn_regions": {"us": {"certificate": str(us[0])}}}
    assert certificate_problems(half, urls, NOW_S) == [
        "set both rtcdn_regions.us.certificate and rtcdn_regions.us.certificate_key, or none of them"
    ]


def test_a_bad_certificate_says_why(tmp_path: Path) -> None:
    """Names, dates, key and file."""
    crt, key = certificate(tmp_path, "eu.example.org")
    other = certificate(tmp_path, "us.example.org", days=-1)

    def said(crt: Path, key: Path, url: str = "https://eu.example.org") -> str:
        given = {"nginx_certificate": str(crt), "nginx_certificate_key": str(key)}
        return " | ".join(certificate_problems(given, {"eu": [url]}, NOW_S))

    assert "is not for us.example.org" in said(crt, key, "https://us.example.org")
    assert "is not for 192.0.2.1" in said(crt, key, "https://192.0.2.1:8443")
    assert "is not the key of" in said(crt, other[1])
    assert "renew it" in said(*other, "https://us.example.org")
    assert "cannot be read" in said(tmp_path / "none.crt", key)
    assert "cannot be read" in said(crt, crt)
    assert "set both" in " ".join(certificate_problems({"nginx_certificate": str(crt)}, {"eu": []}, NOW_S))


def test_the_ca_of_an_acme_directory_is_read(tmp_path: Path) -> None:
    """It names the key and the file; without one the system's are trusted."""
    crt, key = certificate(tmp_path, "root")
    urls = {"eu": ["https://eu.example.org"]}
    assert certificate_problems({"nginx_acme": {"directory": "https://a", "ca": str(crt)}}, urls, NOW_S) == []
    assert certificate_problems({"nginx_acme": {"directory": "https://a"}}, urls, NOW_S) == []
    for path in (key, tmp_path / "none.pem"):
        said = certificate_problems({"nginx_acme": {"directory": "https://a", "ca": str(path)}}, urls, NOW_S)
        assert [line.partition(" which")[0] for line in said] == [f"nginx_acme: ca is {path},"]

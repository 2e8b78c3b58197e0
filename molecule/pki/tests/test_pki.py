"""The deployment's own authority and certificates, on the controller."""

import stat
import subprocess
from pathlib import Path

import pytest

STATE = Path("/var/lib/rtcdn/molecule-pki")
NAMES = ("etcd", "broker", "nginx", "ops", "registry", "collector-local-vr1", "gateway-1")


def openssl(*words):
    return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_authority_signed_it(name):
    """Each part's certificate is valid for both directions of TLS."""
    ca = str(STATE / "pki" / "ca.crt")
    for purpose in ("sslserver", "sslclient"):
        assert "OK" in openssl("verify", "-CAfile", ca, "-purpose", purpose, str(STATE / "pki" / f"{name}.crt"))


@pytest.mark.parametrize("name", NAMES)
def test_its_name_is_the_user_in_the_store(name):
    """The CN is the etcd user."""
    assert f"CN = {name}" in openssl("x509", "-noout", "-subject", "-in", str(STATE / "pki" / f"{name}.crt"))


def test_keys_are_closed_to_others():
    """Folders 0700, keys 0600."""
    for folder in (STATE / "pki", STATE / "secrets"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    keys = [*STATE.rglob("*.key"), STATE / "secrets" / "token_key.pem"]
    assert len(keys) > len(NAMES)
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}

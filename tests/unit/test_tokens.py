"""Tokens: what is signed is read back; everything else is refused with its reason."""

from __future__ import annotations

import base64
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rtcdn.errors import BadToken, ConfigError
from rtcdn.model import Role
from rtcdn.tokens import Claims, SigningKey, Verifier, read_jwks
from tests.support.engine import wait_for

NOW_S = 1_000_000.0
CLAIMS = Claims("ann", "demo", "", Role.SPEAKER, ("publish", "view"), NOW_S + 60)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def jwks(key: SigningKey, tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(key.jwks()))
    return path


@pytest.fixture
def verifier(jwks: Path) -> Verifier:
    return Verifier((str(jwks),))


def test_what_was_signed_is_read_back(key: SigningKey, verifier: Verifier) -> None:
    """Every claim survives."""
    assert verifier.verify(key.sign(CLAIMS), "demo", NOW_S) == CLAIMS


def test_an_operator_token_names_no_session(key: SigningKey, verifier: Verifier) -> None:
    """Operators have a scope instead."""
    claims = verifier.verify(key.sign(Claims("ops", scope="operator", exp=NOW_S + 1)), now_s=NOW_S)
    assert (claims.operator, claims.sid) == (True, "")


def flipped(token: str) -> str:
    """The same token with another role inside."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["role"] = "moderator"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


def unsigned(key: SigningKey) -> str:
    return jwt.encode({"sub": "ann", "exp": NOW_S + 9}, "", algorithm="none", headers={"kid": key.kid})


def with_hmac(key: SigningKey) -> str:
    """The public key taken for a shared secret, an old trick."""
    secret = key.public_jwk["x"].encode() * 2
    return jwt.encode({"sub": "ann", "exp": NOW_S + 9}, secret, algorithm="HS256", headers={"kid": key.kid})


def odd(key: SigningKey, **claims: object) -> str:
    body = {"sub": "ann", "exp": NOW_S + 9, "sid": "demo", **claims}
    return jwt.encode(body, key._private, algorithm="EdDSA", headers={"kid": key.kid})


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda key: "rubbish", "not a token"),
        (lambda key: "", "not a token"),
        (lambda key: key.sign(Claims("ann", "demo", exp=NOW_S - 60)), "expired"),
        (lambda key: key.sign(Claims("ann", "other", exp=NOW_S + 60)), "not for session demo"),
        (lambda key: key.sign(Claims("ann", "demo", "elsewhere", exp=NOW_S + 60)), "another deployment"),
        (lambda key: SigningKey.generate().sign(CLAIMS), "key nobody here knows"),
        (lambda key: flipped(key.sign(CLAIMS)), "forged"),
        (unsigned, "EdDSA"),
        (with_hmac, "EdDSA"),
        (lambda key: odd(key, role="king"), "role must be"),
        (lambda key: odd(key, rights="all"), "wrong type"),
        (lambda key: odd(key, sub=None), "cannot be read"),
        (lambda key: odd(key, nbf=9e9), "not valid yet"),
        (lambda key: odd(key, exp="soon"), "exp"),
    ],
)
def test_a_bad_token_is_refused_with_its_reason(key: SigningKey, verifier: Verifier, make, reason: str) -> None:  # type: ignore[no-untyped-def]
    """Forged, expired, misdirected, or no token at all."""
    with pytest.raises(BadToken, match=reason):
        verifier.verify(make(key), "demo", NOW_S)


def test_a_changed_file_of_keys_is_read_without_a_restart(key: SigningKey, verifier: Verifier, jwks: Path) -> None:
    """A new key comes in, the old one goes out; a broken file changes nothing."""
    new = SigningKey.generate()
    replace(jwks, json.dumps(new.jwks()))
    assert verifier.verify(new.sign(CLAIMS), now_s=NOW_S) == CLAIMS
    with pytest.raises(BadToken, match="nobody here knows"):
        verifier.verify(key.sign(CLAIMS), now_s=NOW_S)
    replace(jwks, "{")
    assert verifier.verify(new.sign(CLAIMS), now_s=NOW_S) == CLAIMS
    replace(jwks, json.dumps(key.jwks()))
    assert verifier.verify(key.sign(CLAIMS), now_s=NOW_S) == CLAIMS


def replace(path: Path, text: str) -> None:
    """As operators do: write beside, then rename."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, path)


@pytest.fixture
def served(key: SigningKey) -> Iterator[str]:
    """The keys at a URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(key.jwks()).encode())

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    server.server_close()


def test_keys_come_from_urls_too(key: SigningKey, served: str) -> None:
    """Fetched in the background."""
    verifier = Verifier((served,))

    def good() -> bool:
        try:
            return verifier.verify(key.sign(CLAIMS), now_s=NOW_S) == CLAIMS
        except BadToken:
            return False

    wait_for(good, "the URL was read")
    verifier.close()


def test_the_kid_is_the_thumbprint_of_the_key(key: SigningKey) -> None:
    """RFC 7638: whoever holds the key finds the same name."""
    assert list(read_jwks(json.dumps(key.jwks()))) == [key.kid]
    nameless = {name: value for name, value in key.public_jwk.items() if name != "kid"}
    assert list(read_jwks(json.dumps({"keys": [nameless, {"kty": "RSA"}]}))) == [key.kid]


def test_a_key_file_that_is_no_ed25519_key_is_a_config_error(tmp_path: Path) -> None:
    """Told with the cure."""
    path = tmp_path / "key.pem"
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigError, match="openssl genpkey -algorithm ed25519"):
        SigningKey.from_pem(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        SigningKey.from_pem(tmp_path / "missing.pem")
    right = Ed25519PrivateKey.generate()
    path.write_bytes(right.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert SigningKey.from_pem(path).kid == SigningKey(right).kid

"""Tokens of clients and operators: JWT signed with Ed25519, keys found by ``kid`` in JWKS files or URLs."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from rtcdn import log
from rtcdn.errors import BadToken, ConfigError
from rtcdn.model import Role

ALGORITHM = "EdDSA"
ISSUER = "rtcdn"
OPERATOR = "operator"
JOIN_ANY = "join:*"  # right of a shared viewer link: everybody who comes with it is another participant
LEEWAY_S = 5.0
URL_PERIOD_S = 10.0
URL_TIMEOUT_S = 3.0
MAX_JWKS_BYTES = 1 << 20

_log = log.get("rtcdn.tokens")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Client tokens name session, role and rights; operator tokens have ``scope: operator``."""

    sub: str
    sid: str = ""
    ns: str = ""
    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    exp: float = 0.0
    iss: str = ISSUER
    scope: str = ""

    @property
    def operator(self) -> bool:
        """May it open sessions and admit participants?"""
        return OPERATOR in self.scope.split()

    @property
    def shared(self) -> bool:
        """Is it a link that many viewers share?"""
        return JOIN_ANY in self.rights


class SigningKey:
    """An Ed25519 private key and its ``kid`` (the RFC 7638 thumbprint of its public half)."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_jwk = _public_jwk(private.public_key())
        self.kid: str = self.public_jwk["kid"]

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, path: Path) -> SigningKey:
        """Read a PEM file; ``ConfigError`` when it holds no Ed25519 private key."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError([f"{path}: cannot be read as a private key: {error}"]) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError([f"{path}: is not an Ed25519 key; make one with: openssl genpkey -algorithm ed25519"])
        return cls(key)

    def to_pem(self) -> str:
        """The private key as ``from_pem`` reads it."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def sign(self, claims: Claims) -> str:
        """A token that carries ``claims``."""
        body: dict[str, Any] = {"iss": claims.iss, "sub": claims.sub, "exp": int(claims.exp)}
        if claims.scope:
            body["scope"] = claims.scope
        if claims.sid:
            body |= {"ns": claims.ns, "sid": claims.sid, "role": str(claims.role), "rights": list(claims.rights)}
        return jwt.encode(body, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public half as a JWKS document."""
        return {"keys": [self.public_jwk]}


def _public_jwk(public: Ed25519PublicKey) -> dict[str, str]:
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    needed = {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw)}
    digest = hashlib.sha256(json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()).digest()
    return {**needed, "kid": _b64(digest), "alg": ALGORITHM, "use": "sig"}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_jwks(text: str) -> dict[str, Ed25519PublicKey]:
    """Ed25519 keys of a JWKS document by ``kid``; keys of other kinds are passed over, other text raises ValueError."""
    document = json.loads(text)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("is not a JWKS document (an object with a list 'keys')")
    found = {}
    for entry in document["keys"]:
        if isinstance(entry, dict) and entry.get("crv") == "Ed25519" and isinstance(entry.get("x"), str):
            padded = entry["x"] + "=" * (-len(entry["x"]) % 4)
            public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(padded))
            found[str(entry.get("kid") or _public_jwk(public)["kid"])] = public
    return found


class Verifier:
    """Verifies tokens against issuers: JWKS files (read again when they change) and URLs (every ten seconds).

    A source that cannot be read keeps its last keys. URLs are fetched by a thread of their own, so ``verify`` never
    waits for a network.
    """

    def __init__(self, issuers: tuple[str, ...], namespace: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._files = [_FileSource(Path(each)) for each in issuers if "://" not in each]
        self._urls = [_UrlSource(each, tls) for each in issuers if "://" in each]
        self._namespace = namespace
        self._closed = threading.Event()
        for source in self._files:
            source.refresh()
        if self._urls:
            threading.Thread(target=self._fetch, name="jwks", daemon=True).start()

    def verify(self, token: str, session: str = "", now_s: float | None = None) -> Claims:
        """What a good token says. ``session``: it must be for that one. Raises ``BadToken`` with the reason."""
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
        except jwt.InvalidTokenError:
            raise BadToken("not a token: it must be a JWT of three parts") from None
        claims = _claims(self._verified(token, self._key(kid)))
        now = time.time() if now_s is None else now_s
        if claims.exp + LEEWAY_S < now:
            raise BadToken("the token has expired: ask for a new one")
        if claims.sid and claims.ns != self._namespace:
            raise BadToken("the token is for another deployment")
        if session and claims.sid != session:
            raise BadToken(f"the token is not for session {session}")
        return claims

    def close(self) -> None:
        """Stop fetching."""
        self._closed.set()

    def _verified(self, token: str, key: Ed25519PublicKey) -> dict[str, Any]:
        options: Any = {"verify_exp": False, "verify_aud": False, "require": ["exp", "sub"]}
        try:
            return jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
        except jwt.InvalidSignatureError:
            raise BadToken("the signature is wrong: the token was forged or changed") from None
        except jwt.InvalidAlgorithmError:
            raise BadToken(f"the token must be signed with {ALGORITHM}") from None
        except jwt.ImmatureSignatureError:
            raise BadToken("the token is not valid yet: check the clocks") from None
        except jwt.InvalidTokenError as error:
            raise BadToken(f"the token cannot be read: {error}") from None

    def _key(self, kid: Any) -> Ed25519PublicKey:
        for source in self._files:
            source.refresh()
        for keys in [source.keys for source in self._files] + [source.keys for source in self._urls]:
            if kid in keys:
                return keys[kid]
        raise BadToken("signed with a key nobody here knows: is its issuer in RTCDN_ISSUERS?")

    def _fetch(self) -> None:
        while True:
            for source in self._urls:
                source.refresh()
            if self._closed.wait(URL_PERIOD_S if all(source.keys for source in self._urls) else 1.0):
                return


def _claims(body: dict[str, Any]) -> Claims:
    rights = body.get("rights", [])
    texts = [body.get(name, "") for name in ("sub", "sid", "ns", "iss", "scope")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(rights, list):
        raise BadToken("a claim has the wrong type: sub, sid, ns, iss, scope are texts, rights is a list")
    try:
        role, exp = Role(body.get("role", Role.VIEWER)), float(body["exp"])
    except (TypeError, ValueError):
        raise BadToken("role must be speaker, viewer or moderator, and exp a number") from None
    sub, sid, ns, iss, scope = texts
    return Claims(sub, sid, ns, role, tuple(str(right) for right in rights), exp, iss, scope)


class _FileSource:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self.keys: dict[str, Ed25519PublicKey] = {}

    def refresh(self) -> None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return
            self.keys = read_jwks(self._path.read_text(encoding="utf-8"))
            self._seen = seen
            _log.info("issuer-read", source=self._path, keys=len(self.keys))
        except (OSError, ValueError) as error:
            if self._seen != (0, 0, 0):
                _log.warning("issuer-unreadable", source=self._path, reason=error)
            self._seen = (0, 0, 0)


class _UrlSource:
    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        self._url, self._tls = url, tls
        self._failing = False
        self.keys: dict[str, Ed25519PublicKey] = {}

    def refresh(self) -> None:
        try:
            context = self._tls if self._url.startswith("https:") else None
            with urllib.request.urlopen(self._url, timeout=URL_TIMEOUT_S, context=context) as answer:  # noqa: S310
                self.keys = read_jwks(answer.read(MAX_JWKS_BYTES).decode())
            self._failing = False
        except (OSError, ValueError) as error:
            if not self._failing:
                _log.warning("issuer-unreadable", source=self._url, reason=error)
            self._failing = True

"""The secrets of a deployment on the controller, and the steps by which they change while both old and new are good.

Every step changes files here, after which the playbooks hand them out; each can be repeated after it was cut off.
A node's file is ``{version, admin_secret, ..., others}``: what its Janus has or gets, and in ``others`` the set that
it gets next, or had before. Brokers and gateways hold all sets and pick by the version that the node presents.
"""

from __future__ import annotations

import json
import secrets
import shutil
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rtcdn.errors import ConfigError
from rtcdn.tokens import SigningKey

NODE_FIELDS = ("admin_secret", "api_secret", "admin_key", "token_secret", "context_key")
LENGTH = 40
TOKEN_LIFE_S = 7 * 86400  # the longest that broker/api/shapes.py allows
_LETTERS = string.ascii_letters + string.digits


def generated() -> str:
    """A new secret."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def write(path: Path, text: str) -> None:
    """Write a secret so that nobody else reads it and no reader finds half of it."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError([f"{path} is not there: run the whole of ansible/site.yml first"]) from None
    except (ValueError, TypeError) as error:
        raise ConfigError([f"{path} cannot be understood ({error}): restore it from a backup"]) from None


# ---- nodes


def prepare_node(path: Path, make: Callable[[], str] = generated) -> str:
    """Make the next secrets of a node and keep those it has; answers the version to come."""
    found = _read(path)
    old = {name: value for name, value in found.items() if name != "others"}
    version = str(int(old["version"]) + 1)
    new = {"version": version, **{name: make() for name in NODE_FIELDS}}
    write(path, json.dumps({**old, "others": [new]}, indent=4) + "\n")
    return version


def promote_node(path: Path) -> None:
    """From now on the node gets the next secrets; brokers and gateways keep both, so that theirs do not change."""
    found = _read(path)
    old = {name: value for name, value in found.items() if name != "others"}
    new = max(found.get("others", []), key=lambda each: int(each["version"]), default=old)
    if int(new["version"]) > int(old["version"]):
        write(path, json.dumps({**new, "others": [old]}, indent=4) + "\n")


def node_version(path: Path) -> tuple[str, str]:
    """The version that a node gets when it is deployed, and the newest that there is."""
    found = _read(path)
    newest = max([found, *found.get("others", [])], key=lambda each: int(each["version"]))
    return str(found["version"]), str(newest["version"])


# ---- the key that signs client tokens


def prepare_tokens(folder: Path) -> None:
    """Make the next key, unless that was done; its public half is published with the other's."""
    coming = folder / "token_key.next.pem"
    if not coming.is_file():
        write(coming, SigningKey.generate().to_pem())


def promote_tokens(folder: Path) -> None:
    """The next key signs; the old one's public half stays published."""
    key, coming, old = (folder / name for name in ("token_key.pem", "token_key.next.pem", "token_key.old.pem"))
    if coming.is_file():
        shutil.copy2(key, old)
        old.touch()  # its age is that of the rotation
        coming.replace(key)


def drop_tokens(folder: Path) -> bool:
    """The old key counts no more; whether there was one."""
    old = folder / "token_key.old.pem"
    there = old.is_file()
    old.unlink(missing_ok=True)
    return there


# ---- the secret of TURN credentials


def prepare_turn(path: Path, make: Callable[[], str] = generated) -> None:
    """A new secret before the old ones: servers take all of them, gateways sign with the first."""
    kept = list(_read(path)["secrets"])
    write(path, json.dumps({"secrets": [make(), *kept]}, indent=4) + "\n")


def drop_turn(path: Path) -> bool:
    """The old secrets count no more; whether there were any."""
    kept = list(_read(path)["secrets"])
    if len(kept) > 1:
        write(path, json.dumps({"secrets": kept[:1]}, indent=4) + "\n")
    return len(kept) > 1


def still_good(path: Path, life_s: float, now_s: float | None = None) -> float:
    """Seconds for which what an old secret made may be in use, by the age of its file; 0 when none is there."""
    if not path.is_file():
        return 0.0
    return max(0.0, path.stat().st_mtime + life_s - (time.time() if now_s is None else now_s))


# ---- the CA


def prepare_ca(pki: Path, make: Callable[[], tuple[str, str]]) -> None:
    """Trust a next CA beside the present one, which still signs. ``make`` answers its key and certificate."""
    coming = pki / "ca.next.key"
    if not coming.is_file():
        key, certificate = make()
        write(pki / "ca.next.crt", certificate)
        write(coming, key)
    trust = (pki / "ca.crt").read_text(encoding="utf-8")
    added = (pki / "ca.next.crt").read_text(encoding="utf-8")
    if added not in trust:
        _public(pki / "ca.crt", trust + added)


def promote_ca(pki: Path) -> None:
    """The next CA signs, so that every certificate is due; the old one is still trusted."""
    coming, certificate = pki / "ca.next.key", pki / "ca.next.crt"
    if coming.is_file():
        new, trust = certificate.read_text(encoding="utf-8"), (pki / "ca.crt").read_text(encoding="utf-8")
        write(pki / "ca.key", coming.read_text(encoding="utf-8"))
        _public(pki / "ca.crt", new + trust.replace(new, ""))  # the first of the file is the one that signs
        coming.unlink()  # last: cut off before, all of this is done again
        certificate.unlink()


def drop_ca(pki: Path) -> bool:
    """Trust the CA that signs and no other; whether there was one."""
    trust = (pki / "ca.crt").read_text(encoding="utf-8")
    end = "-----END CERTIFICATE-----\n"
    first, _, rest = trust.partition(end)
    if rest.strip():
        _public(pki / "ca.crt", first + end)
    return bool(rest.strip())


def _public(path: Path, text: str) -> None:
    write(path, text)
    path.chmod(0o644)

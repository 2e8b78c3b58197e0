"""TURN as the playbooks hand it out: what a server is given, and what gateways are told of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
DEFAULT_TLS = 5349


def secrets(path: str, missing_ok: bool = False) -> list[str]:
    """The secrets in ``path`` on the controller, the newest first; none when it is missing and may be (check mode)."""
    file = Path(path)
    if missing_ok and not file.is_file():
        return []
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["secrets"]
    except FileNotFoundError:
        raise ValueError(f"{path} is missing on the controller: run role turn, which makes it") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f'{path} is not {{"secrets": ["newest", "older"]}}: remove it and run role turn') from None
    if not isinstance(found, list) or not found or not all(isinstance(each, str) and each for each in found):
        raise ValueError(f"{path}: secrets is no list of texts: remove the file and run role turn for a new one")
    return found


def urls(row: Row, hosts: Mapping[str, Row]) -> list[str]:
    """URLs of one server, the quickest way first: UDP, TCP, TLS."""
    name = str(row.get("name") or hosts[row["host"]]["public"])
    name = f"[{name}]" if ":" in name else name
    port, tls = row.get("port", 3478), int(row.get("tls", DEFAULT_TLS))
    found = [f"turn:{name}:{port}?transport=udp", f"turn:{name}:{port}?transport=tcp"]
    return found + ([f"turns:{name}:{tls}?transport=tcp"] if tls else [])


def servers(rows: Iterable[Row], hosts: Mapping[str, Row], path: str, ttl_s: int, missing_ok: bool = False) -> str:
    """What gateways read (``RTCDN_TURN``), JSON: the newest secret, how long a credential lives, servers by region."""
    found = [{"region": hosts[row["host"]]["region"], "urls": urls(row, hosts)} for row in rows]
    newest = (secrets(path, missing_ok) or [""])[0]
    return json.dumps({"secret": newest, "ttl_s": int(ttl_s), "servers": found}, sort_keys=True)


def peers(nodes: Iterable[Row], hosts: Mapping[str, Row], facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Addresses at which the nodes' WebRTC is: the public one, and the one that it is mapped to, where that differs."""
    found: set[str] = set()
    for host in {row["host"] for row in nodes if row.get("webrtc")}:
        public, known = str(hosts[host]["public"]), facts.get(host, {})
        found.add(public)
        main = known.get("default_ipv4", {}).get("address")
        if main and public not in known.get("all_ipv4_addresses", []):
            found.add(str(main))
    return sorted(found)


def files(
    row: Row, path: str, allowed: Sequence[str], pair: Sequence[str], missing_ok: bool = False
) -> list[dict[str, str]]:
    """The files of one server's folder, ``{name, content}``: coturn takes their changes over while it runs.

    ``pair``: paths of the certificate and of its key on the controller.
    """
    found = {"secrets": "\n".join(secrets(path, missing_ok)), "peers": "\n".join(allowed)}
    if int(row.get("tls", DEFAULT_TLS)):
        found |= {"tls.key": _pem(pair[1], missing_ok), "tls.crt": _pem(pair[0], missing_ok)}  # the key first
    return [{"name": name, "content": content.rstrip("\n") + "\n"} for name, content in found.items()]


def _pem(path: str, missing_ok: bool) -> str:
    file = Path(path)
    if file.is_file():
        return file.read_text(encoding="utf-8")
    if missing_ok:
        return ""
    raise ValueError(f"{path} is missing on the controller: give the file, or run role pki, which makes the own CA's")

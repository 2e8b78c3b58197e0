"""The operator's own word on where addresses are: by network, by country, by continent.

A JSON file, each part optional; a target is a region or ``[latitude, longitude]``::

    {"networks": {"10.1.0.0/16": "eu", "192.0.2.0/24": [45.46, 9.19]},
     "countries": {"DE": "eu"}, "continents": {"AS": "ap"}}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any

from broker.continents import CONTINENTS
from broker.core.places import Place, is_place
from rtcdn.errors import ConfigError
from rtcdn.ids import ID

SETTING = "RTCDN_GEO_OVERRIDES"
PARTS = ("networks", "countries", "continents")
COUNTRY = re.compile(r"[A-Z]{2}")
Target = str | Place


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the operator says; ``networks``: (IP version, length of prefix) -> number of the network -> its target."""

    networks: dict[tuple[int, int], dict[int, tuple[str, Target]]] = field(default_factory=dict)
    places: dict[tuple[str, str], Target] = field(default_factory=dict)  # ("country" or "continent", code)

    def network(self, address: IPv4Address | IPv6Address) -> tuple[str, Target | None]:
        """The smallest network that holds an address, and its target; None when there is none."""
        bits = address.max_prefixlen
        for (version, length), known in self.networks.items():
            found = known.get(int(address) >> (bits - length)) if version == address.version else None
            if found is not None:
                return found
        return "", None

    def by(self, kind: str, code: str) -> Target | None:
        """The target of a country or continent."""
        return self.places.get((kind, code))

    @classmethod
    def read(cls, path: Path) -> Overrides:
        """Read the file; ``ConfigError`` names every entry that is wrong."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError([f"{SETTING}: {path} cannot be read: {error.strerror}"]) from None
        except (ValueError, RecursionError) as error:
            raise ConfigError([f"{SETTING}: {path} is not JSON: {error}"]) from None
        problems = _unknown(told)
        if problems:
            raise ConfigError([f"{SETTING}: {path}: {problem}" for problem in problems])
        networks = _networks(told.get("networks", {}), problems)
        places = _places("country", told.get("countries", {}), problems)
        places |= _places("continent", told.get("continents", {}), problems)
        if problems:
            raise ConfigError([f"{SETTING}: {path}: {problem}" for problem in problems])
        return cls(networks, places)


def _unknown(told: Any) -> list[str]:
    if not isinstance(told, dict):
        return [f"must be an object with {', '.join(PARTS)}"]
    problems = [f"{name!r} is not known; use {', '.join(PARTS)}" for name in told if name not in PARTS]
    return problems + [
        f"{name}: must be an object of targets" for name in PARTS if not isinstance(told.get(name, {}), dict)
    ]


def _networks(told: dict[str, Any], problems: list[str]) -> dict[tuple[int, int], dict[int, tuple[str, Target]]]:
    found: dict[tuple[int, int], dict[int, tuple[str, Target]]] = {}
    for text, target in told.items():
        try:
            network = ip_network(text)
        except ValueError as error:
            problems.append(f"networks: {error}; write it as 10.1.0.0/16")
            continue
        number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        known = found.setdefault((network.version, network.prefixlen), {})
        known[number] = (text, _target(f"networks: {text}", target, problems))
    return {key: found[key] for key in sorted(found, reverse=True)}


def _places(kind: str, told: dict[str, Any], problems: list[str]) -> dict[tuple[str, str], Target]:
    for code in told:
        if kind == "country" and not COUNTRY.fullmatch(code):
            problems.append(f"countries: {code!r} is not a code of two letters such as DE")
        if kind == "continent" and code not in CONTINENTS:
            problems.append(f"continents: {code!r} is none of {', '.join(CONTINENTS)}")
    return {(kind, code): _target(f"{kind} {code}", target, problems) for code, target in told.items()}


def _target(where: str, target: Any, problems: list[str]) -> Target:
    if isinstance(target, str) and ID.fullmatch(target):
        return target
    if isinstance(target, list) and all(type(each) in (int, float) for each in target) and is_place(tuple(target)):
        return (float(target[0]), float(target[1]))
    problems.append(f"{where}: {target!r} is neither a region nor [latitude, longitude]")
    return ""

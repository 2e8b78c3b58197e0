"""From a client's address to where he is: databases in MaxMind's format, and the operator's own word before them.

An address in one of the operator's networks is where he says, the longest prefix first; then his word on its country,
then on its continent; then the place that a database has for it. Files are looked at again every few seconds: replace
one by renaming a new one over it. One that cannot be read leaves in force what was there before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import maxminddb

from broker.continents import continent_of
from broker.core.places import Geography, Place, is_place
from broker.core.virtual_map import VirtualMap
from broker.geo_overrides import Overrides, Target
from rtcdn import log
from rtcdn.errors import ConfigError

_log = log.get("broker.geo")
LOOK_S = 5.0  # between looks at the files
KEEP_S = 5.0  # a map's geography is used this long
UNREADABLE = (OSError, ValueError, maxminddb.InvalidDatabaseError)
# Who asks to be named where results are shown: what stands in a database's own description -> name and words.
SOURCES = {"dbip": "DB-IP", "db-ip": "DB-IP", "geolite2": "GeoLite2"}
ATTRIBUTIONS = {
    "DB-IP": "IP geolocation by DB-IP, https://db-ip.com",
    "GeoLite2": "This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com",
}
Address = IPv4Address | IPv6Address


def attribution(place_from: str) -> str:
    """The words to show beside a place, empty when nobody asks for any."""
    return next((words for name, words in ATTRIBUTIONS.items() if name in place_from), "")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a client is. ``region``: named by the operator; ``place_from``: who says so."""

    place: Place = ()
    region: str = ""
    place_from: str = ""


NOWHERE = Whereabouts()


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says of an address."""

    place: Place
    country: str
    continent: str
    source: str


class Database:
    """One file in MaxMind's format, of any provider; raises one of ``UNREADABLE`` when it is not one."""

    def __init__(self, path: Path) -> None:
        self._reader = maxminddb.open_database(path)
        about = self._reader.metadata()
        words = f"{about.database_type} {' '.join(map(str, about.description.values()))} {path.name}".lower()
        self.source = next((name for sign, name in SOURCES.items() if sign in words), path.name)
        self._versions = (4, 6) if about.ip_version == 6 else (4,)

    def find(self, address: Address) -> Found | None:
        """What it says of an address, None when it says nothing of use."""
        if address.version not in self._versions:
            return None
        record = self._reader.get(address)
        if not isinstance(record, dict):
            return None
        found = read_record(record, self.source)
        return found if found.place or found.country or found.continent else None


def read_record(record: dict[str, Any], source: str) -> Found:
    """A record of either schema: ``latitude`` at the top and ``country_code``, or ``location.latitude`` and so on."""
    location = _inner(record, "location") or record
    country = record.get("country_code") or _inner(record, "country").get("iso_code") or ""
    continent = _inner(record, "continent").get("code") or record.get("continent_code") or continent_of(str(country))
    try:
        place = (round(float(location["latitude"]), 1), round(float(location["longitude"]), 1))
    except (KeyError, TypeError, ValueError):
        return Found((), str(country), str(continent), source)
    return Found(place if is_place(place) else (), str(country), str(continent), source)


def _inner(record: dict[str, Any], name: str) -> dict[str, Any]:
    inner = record.get(name)
    return inner if isinstance(inner, dict) else {}


def _files(paths: tuple[str, ...]) -> list[Path]:
    """The databases that these paths name: files as they are, of folders every ``.mmdb``."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(path.glob("*.mmdb")) if path.is_dir() else [path]
    return found


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        about = path.stat()
    except OSError:
        return (0, 0, 0)
    return (about.st_mtime_ns, about.st_size, about.st_ino)


class Locator:
    """Answers where an address is; safe in threads. ``ConfigError`` when a file is wrong at the start."""

    def __init__(
        self, databases: tuple[str, ...] = (), overrides: str = "", now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._paths, self._overrides_path, self._now_s = databases, overrides, now_s
        self._lock = threading.Lock()
        self._stamps: dict[Path, tuple[int, int, int]] = {}
        self._databases: dict[Path, Database] = {}
        self._overrides = Overrides()
        self._look_at_s = now_s() + LOOK_S
        self._geography: tuple[float, tuple[str, ...], Geography] = (0.0, (), Geography())
        self._find = self._remembering()
        if problems := self._read():
            raise ConfigError(problems)

    def find(self, address: str) -> Whereabouts:
        """Where an address is; one that is private or no address is nowhere, unless the operator says otherwise."""
        if not address or not (self._paths or self._overrides_path):
            return NOWHERE
        self._look()
        return self._find(address)

    def geography(self, vmap: VirtualMap) -> Geography:
        """The geography of a map, not older than a few seconds."""
        now_s, names = self._now_s(), vmap.regions()
        made_s, of, geography = self._geography
        if of != names or now_s - made_s > KEEP_S:
            geography = Geography.of(vmap)
            self._geography = (now_s, names, geography)
        return geography

    def _remembering(self) -> Callable[[str], Whereabouts]:
        """A lookup that remembers, for as long as the files are what they are."""
        return lru_cache(maxsize=10_000)(self._locate)

    def _look(self) -> None:
        if self._now_s() < self._look_at_s or not self._lock.acquire(blocking=False):
            return
        try:
            self._look_at_s = self._now_s() + LOOK_S
            for problem in self._read():
                _log.error("geolocation-unreadable", reason=problem)
        finally:
            self._lock.release()

    def _read(self) -> list[str]:
        """Read what is new or changed; a sentence for each file that is not good."""
        problems = []
        stamps = {path: _stamp(path) for path in _files(self._paths)}
        databases = {path: base for path, base in self._databases.items() if path in stamps}
        for path, stamp in stamps.items():
            if stamp != self._stamps.get(path):
                try:
                    databases[path] = Database(path)
                except UNREADABLE as error:
                    problems.append(f"RTCDN_GEO_DATABASES: {path} is no database in MaxMind's format: {error}")
        if self._overrides_path:
            path = Path(self._overrides_path)
            stamps[path] = _stamp(path)
            if stamps[path] != self._stamps.get(path):
                try:
                    self._overrides = Overrides.read(path)
                except ConfigError as error:
                    problems += error.problems
        if stamps != self._stamps:
            self._databases = {path: databases[path] for path in _files(self._paths) if path in databases}
            self._stamps, self._find = stamps, self._remembering()
        return problems

    def _locate(self, text: str) -> Whereabouts:
        try:
            address = ip_address(text.strip("[]"))
        except ValueError:
            return NOWHERE
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        network, target = self._overrides.network(address)
        if target is not None:
            return _said(target, f"network {network}")
        found = self._ask(address) if address.is_global else None
        if found is None:
            return NOWHERE
        for kind, code in (("country", found.country), ("continent", found.continent)):
            target = self._overrides.by(kind, code)
            if target is not None:
                return _said(target, f"{kind} {code}, {found.source}")
        return Whereabouts(found.place, "", found.source) if found.place else NOWHERE

    def _ask(self, address: Address) -> Found | None:
        """The first database that has a place; else the first that has a country."""
        poor = None
        for path, database in self._databases.items():
            try:
                found = database.find(address)
            except UNREADABLE as error:  # a damaged file; whoever asks is placed without it
                _log.error("geolocation-unreadable", reason=error, path=path)
                continue
            if found and found.place:
                return found
            poor = poor or found
        return poor


def _said(target: Target, by: str) -> Whereabouts:
    return Whereabouts(place_from=by, region=target) if isinstance(target, str) else Whereabouts(target, "", by)

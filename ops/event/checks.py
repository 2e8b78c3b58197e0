"""What no schema can say of the text: sums, orders, names used elsewhere in it, files that must be there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from broker.sim.policies import registry
from ops.event import audience, tables
from ops.event.duties import slots
from ops.event.model import Certificates, Pem, SessionKind, Spec, seconds, share
from ops.event.schema import SECRET
from ops.event.source import Key, Source
from rtcdn.errors import ConfigError

Found = Iterator[tuple[Key, str]]
MOST_CAMERAS = 200  # of a big island: Thresholds.cameras
MOST_ATOLLO = 16  # people of an atollo: Thresholds.atollo_most
TOLERANCE = 0.005
DAY_S = 86_400
JANUS = (10_000, 10_999)  # Janus takes these for remote publishers and cannot be told otherwise
KEY_TEXT = re.compile(r"-----BEGIN [A-Z ]*-----")
LOGIN = re.compile(r"://[^/@\s]+:[^/@\s]+@")


def before_hosts(spec: Spec, source: Source) -> list[str]:
    """Problems of the text alone, in its order."""
    rules = (_secrets(source.content), _control(spec), _sessions(spec), _audience(spec), _curve(spec),
             _policy(spec), _certificates(spec, source), _ports(spec))  # fmt: skip
    found = [(source.line(key), source.say(key, text)) for rule in rules for key, text in rule]
    return [text for _, text in sorted(dict.fromkeys(found))]


def nearest(name: str, known: Iterable[str]) -> str:
    """The cure for a name that is not known."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(names)}"


def _secrets(value: Any, key: Key = ()) -> Found:
    """Nothing that must be kept secret stands in the file."""
    if isinstance(value, dict):
        for name, each in value.items():
            own = (*key, name)
            named = key[:1] in (("engine",), ("variables",)) and any(word in name.lower() for word in SECRET)
            if named and isinstance(each, str) and not each.startswith(("/", "{{")):  # a path or a vault's variable may
                yield own, "is a secret in plain: give it to the host by other means, the event file is read by many"
            else:
                yield from _secrets(each, own)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _secrets(each, (*key, at))
    elif isinstance(value, str) and KEY_TEXT.search(value):
        yield key, "is a key or certificate itself: write the path of its file"
    elif isinstance(value, str) and LOGIN.search(value):
        yield key, "holds a password in plain: leave user and password out of the address"


def _control(spec: Spec) -> Found:
    region = spec.control.region
    if region and region not in spec.regions:
        yield ("control", "region"), f"{region} is no region of this event: {nearest(region, spec.regions)}"


def _sessions(spec: Spec) -> Found:
    lines: dict[str, int] = {}
    for at, kind in enumerate(spec.sessions):
        key: Key = ("sessions", at)
        if kind.name in lines:
            yield (*key, "name"), f"{kind.name} is sessions[{lines[kind.name]}] already: give each kind its own name"
        lines.setdefault(kind.name, at)
        if kind.at_once > kind.count:
            yield (*key, "at_once"), f"{kind.at_once} at once, and {kind.count} in all: raise count or lower at_once"
        if kind.bitrate_kbps and kind.quality != SessionKind(name="").quality:
            yield (*key, "bitrate_kbps"), "stands beside quality: keep one of them"
        if not seconds(kind.length):
            yield (*key, "length"), "is no time: write a duration such as 90m"
        yield from _speakers(spec, kind, key)


def _speakers(spec: Spec, kind: SessionKind, key: Key) -> Found:
    """As many as the scenario takes."""
    limits = spec.policy.policies.get(kind.policy or spec.policy.name, {}).get("limits")
    limits = limits if isinstance(limits, dict) else {}
    own = (*key, "speakers")
    if kind.scenario == "atollo":
        most, people = limits.get("atollo_most", MOST_ATOLLO), kind.speakers + (kind.viewers or 0)
        if isinstance(most, int) and people > most:
            yield own, f"{people} people are more than an atollo takes ({most}): use archipelago or big_island"
    elif kind.scenario == "big_island":
        most = limits.get("cameras", MOST_CAMERAS)
        if isinstance(most, int) and kind.speakers > most:
            yield own, f"{kind.speakers} are more than may publish on an island ({most}): count the others as viewers"
    elif kind.speakers > slots(kind):
        cure = "raise slots" if kind.speakers <= 16 else "use big_island"
        yield own, f"{kind.speakers} speakers and {slots(kind)} slots, each speaker of an archipelago holds one: {cure}"


def _audience(spec: Spec) -> Found:
    told = spec.audience.regions
    key: Key = ("audience", "regions")
    for name in told:
        if name not in spec.regions:
            yield (*key, name), f"is no region of this event: {nearest(name, spec.regions)}"
    parts = [name for name, value in told.items() if isinstance(value, str)]
    if parts and len(parts) < len(told):
        other = next(name for name in told if name not in parts)
        yield (*key, other), f"is a number, {parts[0]} is a share: write shares for all or people for all"
    elif parts and abs(sum(audience.weights(spec).values()) - 1) > TOLERANCE:
        total = sum(share(value) for value in told.values())
        yield key, f"come to {total * 100:g}%: let the shares sum to 100%"
    elif told and not parts:
        yield from _people(spec, key)


def _people(spec: Spec, key: Key) -> Found:
    """People told by region are those of the sessions."""
    total = sum(share(value) for value in spec.audience.regions.values())
    watching = audience.viewers(spec)
    held = sum(kind.together * (kind.speakers + watching[kind.name]) for kind in spec.sessions)
    rest = sum(kind.together for kind in spec.sessions if kind.viewers is None)  # what does not divide evenly
    if spec.sessions and abs(total - held) > max(total * TOLERANCE, rest):
        yield (
            key,
            f"come to {total:,.0f} people, the sessions at once hold {held:,}: change one of them, or write shares",
        )


def _curve(spec: Spec) -> Found:
    points = spec.audience.curve
    for at, (one, other) in enumerate(pairwise(points), 1):
        if seconds(other.at) <= seconds(one.at):
            yield ("audience", "curve", at, "at"), f"{other.at} does not come after {one.at}: write the points in order"
    for at, point in enumerate(points):
        if share(point.share) > 1:
            yield ("audience", "curve", at, "share"), f"{point.share} is more than the peak: write 0% to 100%"
    if points and spec.audience.days > 1 and seconds(points[-1].at) > DAY_S:
        yield ("audience", "days"), f"the curve ends at {points[-1].at}: a curve that comes again each day ends by 24h"


def _policy(spec: Spec) -> Found:
    try:
        known = registry(spec.policy.policies).names
    except ConfigError as error:
        for problem in error.problems:
            where, _, text = problem.partition(": ")
            yield ("policy", *where.split(".")), text
        return
    named: list[tuple[Key, str]] = [(("policy", "name"), spec.policy.name)]
    named += [(("sessions", at, "policy"), kind.policy) for at, kind in enumerate(spec.sessions)]
    for key, name in named:
        if name and name not in known:
            yield key, f"{name} is no policy: {nearest(name, known)}"


def _certificates(spec: Spec, source: Source) -> Found:
    told: list[tuple[Key, Pem]] = [(("certificates",), spec.certificates)]
    told += [
        (("regions", name, "certificate"), each.certificate) for name, each in spec.regions.items() if each.certificate
    ]
    for key, pem in told:
        files = {"certificate": pem.certificate, "key": pem.key}
        if isinstance(pem, Certificates) and (pem.acme or pem.kind == "acme"):
            yield from _acme(pem, source)
        elif pem.kind == "self-signed" and any(files.values()):
            yield (*key, "kind"), "is self-signed, and files are given: write given, or remove them"
        elif pem.kind == "given" or any(files.values()):
            for name, path in files.items():
                if not path:
                    yield key, f"lacks `{name}`: write the path of its PEM file"
                elif not (source.path.parent / Path(path).expanduser()).is_file():
                    yield (*key, name), f"{path} is not there: give the path of a PEM file, seen from the event file"


def _acme(told: Certificates, source: Source) -> Found:
    key: Key = ("certificates",)
    if told.acme is None:
        yield key, "lacks `acme`: write acme: {directory: https://...}"
    elif told.certificate or told.key or told.kind not in ("", "acme"):
        beside = "kind" if told.kind not in ("", "acme") else "certificate" if told.certificate else "key"
        yield (*key, "acme"), f"stands beside {beside}: keep one of them; a region may have a certificate of its own"
    elif told.acme.ca and not (source.path.parent / Path(told.acme.ca).expanduser()).is_file():
        cure = "give the path of a PEM file, seen from the event file"
        yield (*key, "acme", "ca"), f"{told.acme.ca} is not there: {cure}"


def _ports(spec: Spec) -> Found:
    ports = spec.ports
    ranges = {"udp": ports.udp} | ({"turn_relay": ports.turn_relay} if spec.features.turn else {})
    for name, text in ranges.items():
        first, last = tables.bounds(text)
        if not 0 < first <= last < 65_536:
            yield ("ports", name), f"{text} is no range of ports: write first-last, upwards, up to 65535"
        elif first <= JANUS[1] and last >= JANUS[0]:
            yield ("ports", name), f"{text} meets 10000-10999, which Janus takes: choose from 20000 on"
    if len(ranges) == 2:
        (first, last), (low, high) = tables.bounds(ports.udp), tables.bounds(ports.turn_relay)
        if first <= high and low <= last:
            yield (
                _told(spec, "udp", "turn_relay"),
                f"udp {ports.udp} and turn_relay {ports.turn_relay} overlap: move one",
            )
    single = {name: getattr(ports, name) for name in tables.single_ports(spec)}
    seen: dict[int, str] = {}
    for name, port in single.items():
        if port and port in seen:
            yield _told(spec, name, seen[port]), f"{name} and {seen[port]} are both {port}: change one of them"
        seen.setdefault(port, name)


def _told(spec: Spec, *names: str) -> Key:
    """The first of these keys that does not have its default."""
    plain = type(spec.ports)()
    return ("ports", next(name for name in names if getattr(spec.ports, name) != getattr(plain, name)))

"""How many people are where at the fullest moment, and how long they stay."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from ops.event.model import SessionKind, Spec, seconds, share

HOUR_S = 3600.0


def split(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """``total`` by weights, in whole people, by the largest remainder."""
    whole = sum(weights.values())
    exact = {name: total * weight / whole if whole else 0.0 for name, weight in weights.items()}
    found = {name: int(value) for name, value in exact.items()}
    left = (total if whole else 0) - sum(found.values())
    for name in sorted(exact, key=lambda each: (found[each] - exact[each], each))[:left]:
        found[name] += 1
    return found


def weights(spec: Spec) -> dict[str, float]:
    """Shares of the regions; equal ones where nothing is told."""
    told = {name: share(value) for name, value in spec.audience.regions.items()}
    return told if sum(told.values()) else dict.fromkeys(spec.regions, 1.0)


def counted(spec: Spec) -> bool:
    """Whether the audience is told in people, not in shares."""
    told = spec.audience.regions.values()
    return bool(told) and not any(isinstance(each, str) for each in told)


def viewers(spec: Spec) -> dict[str, int]:
    """Viewers of one session of each kind: as told, else what the audience leaves."""
    found = {kind.name: kind.viewers or 0 for kind in spec.sessions}
    silent = [kind for kind in spec.sessions if kind.viewers is None]
    if counted(spec) and silent:
        told = sum(kind.together * people(kind, found[kind.name]) for kind in spec.sessions)
        left = int(sum(weights(spec).values())) - told
        parts = split(max(0, left), {kind.name: float(kind.together) for kind in silent})
        found |= {kind.name: parts[kind.name] // kind.together for kind in silent}
    return found


def people(kind: SessionKind, watching: int) -> int:
    """Everybody in one session."""
    return kind.speakers + watching


def peak(spec: Spec) -> dict[str, int]:
    """People by region when all that may run at once does, and is full."""
    watching = viewers(spec)
    total = sum(kind.together * people(kind, watching[kind.name]) for kind in spec.sessions)
    return split(total, weights(spec))


def curve_hours(spec: Spec) -> float:
    """Hours at the full audience that the curve comes to, on all its days; 0 without a curve."""
    points = [(seconds(point.at), share(point.share)) for point in spec.audience.curve]
    area = sum((t2 - t1) * (s1 + s2) / 2 for (t1, s1), (t2, s2) in pairwise(points))
    return area / HOUR_S * spec.audience.days


def lasts_hours(spec: Spec) -> float:
    """How long the deployment stands."""
    if spec.lasts:
        return seconds(spec.lasts) / HOUR_S
    if spec.audience.curve:
        last = seconds(spec.audience.curve[-1].at) / HOUR_S
        return last + (spec.audience.days - 1) * 24
    return max((seconds(kind.length) / HOUR_S * -(-kind.count // kind.together) for kind in spec.sessions), default=1.0)

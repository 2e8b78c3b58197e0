"""The built-in filters and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.core.policy.base import Need, Thresholds
from broker.core.wrappers import NodeWrapper

FAR_MS = 300.0  # a region this much farther than the nearest scores 0
STEP = 20.0  # without measurement each further region loses this much


@dataclass(frozen=True, slots=True)
class NamedFilter:
    """A filter made of a function."""

    name: str
    function: Callable[[NodeWrapper, Need, Thresholds], str | None]

    def __call__(self, wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
        """The reason why not, or None."""
        return self.function(wrapper, need, limits)


@dataclass(frozen=True, slots=True)
class NamedScore:
    """A score made of a function."""

    name: str
    function: Callable[[NodeWrapper, Need, Thresholds], float]

    def __call__(self, wrapper: NodeWrapper, need: Need, limits: Thresholds) -> float:
        """0 to 100."""
        return self.function(wrapper, need, limits)


def _present(wrapper: NodeWrapper, _need: Need, _limits: Thresholds) -> str | None:
    return wrapper.out or None


def _of_kind(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> str | None:
    return None if wrapper.kind == need.kind else "kind"


def _allowed(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> str | None:
    return "avoided" if wrapper.id in need.avoid else None


def _within(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> str | None:
    return None if not need.within or wrapper.region in need.within else "region"


def _codec(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> str | None:
    return None if not need.codec or need.codec in wrapper.labels.codecs else "codec"


def _room(wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
    after = wrapper.weight + need.load.cost(wrapper.labels.capacity)
    return None if after <= limits.full_weight else "full"


def _burst(wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
    return None if wrapper.recent(need.session) < limits.burst_legs else "burst"


def _near(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> float:
    if wrapper.region in need.rtt_ms:
        return max(0.0, 100.0 * (1 - (need.rtt_ms[wrapper.region] - min(need.rtt_ms.values())) / FAR_MS))
    if not need.regions:
        return 50.0
    if wrapper.region not in need.regions:
        return 0.0
    return max(0.0, 100.0 - STEP * need.regions.index(wrapper.region))


def _light(wrapper: NodeWrapper, _need: Need, _limits: Thresholds) -> float:
    return max(0.0, 100.0 - wrapper.weight)


def _dense(wrapper: NodeWrapper, _need: Need, _limits: Thresholds) -> float:
    return min(100.0, wrapper.weight)


def _serving(wrapper: NodeWrapper, need: Need, _limits: Thresholds) -> float:
    return 100.0 if wrapper.id in need.serving else 0.0


present = NamedFilter("present", _present)
of_kind = NamedFilter("of_kind", _of_kind)
allowed = NamedFilter("allowed", _allowed)
within = NamedFilter("within", _within)
codec = NamedFilter("codec", _codec)
room = NamedFilter("room", _room)
burst = NamedFilter("burst", _burst)
near = NamedScore("near", _near)
light = NamedScore("light", _light)
dense = NamedScore("dense", _dense)
serving = NamedScore("serving", _serving)

MUST = (present, of_kind, within, allowed, codec, room)  # every built-in policy asks these

"""Links among the mixes of one session, and what is heard over them.

Few mixes hear each other directly (a mesh of one-way bridges), many over a tree of depth two (trunks): one mix in
the middle, one hub in each further region, the other mixes of a region under its hub. Never both at once: when the
shape changes, all links of the one are stopped before those of the other start (``plan.py``), which is a short
silence between mixes and never a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.core.plan import AMONG_MIXES
from rtcdn.model import LinkIntent


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix as its links see it. ``leaving``: its node takes no new work, so others do not hang on it."""

    node: str
    region: str = ""
    people: int = 0
    leaving: bool = False


def bridges(mixes: Mapping[str, Mix], known: Mapping[str, LinkIntent], mesh_most: int) -> dict[str, LinkIntent]:
    """The links among ``mixes`` (by context), with those that are ``known`` kept as they are where they may.

    A mesh up to ``mesh_most`` mixes; a tree that stands becomes a mesh again when there is one mix less than that.
    """
    stands = any(link.kind == "trunk" for link in known.values())
    if len(mixes) <= mesh_most - stands:
        return _mesh(mixes)
    return _tree(mixes, {link.target: link.source for link in known.values() if link.kind == "trunk"})


def _mesh(mixes: Mapping[str, Mix]) -> dict[str, LinkIntent]:
    """Everyone's people to everyone else, in one hop."""
    return {
        f"bridge-{mixes[source].node}-{mixes[target].node}": LinkIntent("bridge", source, target)
        for source in sorted(mixes)
        for target in sorted(mixes)
        if source != target
    }


def _tree(mixes: Mapping[str, Mix], parents: Mapping[str, str]) -> dict[str, LinkIntent]:
    """Root, hubs, leaves. ``parents``: of the tree that stands; its root and hubs stay while they are there."""
    regions: dict[str, list[str]] = {}
    for name in sorted(mixes):
        regions.setdefault(mixes[name].region, []).append(name)
    roots = [name for name in set(parents.values()) - set(parents) if name in mixes and not mixes[name].leaving]
    root = min(roots, default="") or _head(mixes, _busiest(mixes, regions))
    found: dict[str, LinkIntent] = {}
    for region in sorted(regions):
        hub = root
        if region != mixes[root].region:
            stood = [name for name in regions[region] if parents.get(name) == root and not mixes[name].leaving]
            hub = min(stood, default="") or _head(mixes, regions[region])
            found.update([_trunk(mixes, root, hub)])
        found.update(_trunk(mixes, hub, name) for name in regions[region] if name not in (hub, root))
    return found


def _busiest(mixes: Mapping[str, Mix], regions: Mapping[str, list[str]]) -> list[str]:
    """The mixes of the region with most people."""
    return regions[min(regions, key=lambda region: (-sum(mixes[name].people for name in regions[region]), region))]


def _head(mixes: Mapping[str, Mix], names: Iterable[str]) -> str:
    """The one that others hang on: most people, one that stays before one that is left."""
    return min(names, key=lambda name: (mixes[name].leaving, -mixes[name].people, name))


def _trunk(mixes: Mapping[str, Mix], source: str, target: str) -> tuple[str, LinkIntent]:
    return f"trunk-{mixes[source].node}-{mixes[target].node}", LinkIntent("trunk", source, target)


# ---- what is heard --------------------------------------------------------------------------------

_Sound = tuple[str, str, bool]  # in which mix, over which link it came (empty: spoken there), whether of group local


class _Ways:
    """How sound goes on from mix to mix: a bridge takes group ``local``, a trunk all but what came over it."""

    def __init__(self, links: Mapping[str, LinkIntent]) -> None:
        self.mixes: set[str] = set()
        self._out: dict[str, list[tuple[_Sound, bool]]] = {}  # mix -> what arrives where, whether only group local
        for name in sorted(links):
            link = links[name]
            if link.kind not in AMONG_MIXES:
                continue
            self.mixes |= {link.source, link.target}
            one_way = link.kind == "bridge"
            self._out.setdefault(link.source, []).append(((link.target, name, False), one_way))
            if not one_way:
                self._out.setdefault(link.target, []).append(((link.source, name, True), False))

    def on(self, sound: _Sound) -> list[_Sound]:
        """Where a sound arrives next."""
        mix, via, local = sound
        return [there for there, only_local in self._out.get(mix, ()) if there[1] != via and (local or not only_local)]


def heard(links: Mapping[str, LinkIntent], mixes: Iterable[str]) -> dict[str, dict[str, int]]:
    """How often the people of each mix are heard in each mix (once in their own), over the links among mixes."""
    ways = _Ways(links)
    found: dict[str, dict[str, int]] = {}
    for origin in mixes:
        times: Counter[str] = Counter()
        gone: set[_Sound] = set()
        coming: list[_Sound] = [(origin, "", True)]
        while coming:
            sound = coming.pop()
            times[sound[0]] += 1
            if sound not in gone:
                gone.add(sound)
                coming += ways.on(sound)
        found[origin] = dict(times)
    return found


def hops(links: Mapping[str, LinkIntent], mixes: Iterable[str]) -> int:
    """The most links that a sound passes on its way, on links without a circle."""
    ways = _Ways(links)
    most, sounds = 0, [(mix, "", True) for mix in mixes]
    while sounds := [there for sound in sounds for there in ways.on(sound)]:
        most += 1
    return most


def has_cycle(links: Mapping[str, LinkIntent]) -> bool:
    """Whether a sound comes back to where it was, over the links among mixes."""
    ways = _Ways(links)
    done: set[_Sound] = set()
    for mix in sorted(ways.mixes):
        path: list[tuple[_Sound, list[_Sound]]] = [((mix, "", True), ways.on((mix, "", True)))]
        passed = {path[0][0]}
        while path:
            sound, coming = path[-1]
            if not coming:
                path.pop()
                passed.discard(sound)
                done.add(sound)
                continue
            there = coming.pop()
            if there in passed:
                return True
            if there not in done:
                passed.add(there)
                path.append((there, ways.on(there)))
    return False

"""Who is in which slot of the stage, and the links that follow from it.

Slots are the same on every stage of a session and are kept nowhere but in the links: ``Lineup`` reads them,
``wanted_links`` writes them. So a change is: read, move a name, write; the difference is the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from broker.core.plan import path_of
from broker.core.scenarios.tap_links import tap_links
from rtcdn.model import ContextIntent, LinkIntent, Slot, StreamInfo

MAIN = "v1"
SCREEN = "s1"


def video_slots(count: int) -> tuple[str, ...]:
    """Mids of the video slots of a stage for ``count`` speakers: v1..vK and the screen."""
    return (*(f"v{number}" for number in range(1, count + 1)), SCREEN)


def camera_of(streams: tuple[StreamInfo, ...]) -> StreamInfo | None:
    """The stream that goes to a ``v`` slot: the one named so, else the first video of no name."""
    return next(_named(streams, "camera"), None) or next(_named(streams, ""), None)


def screen_of(streams: tuple[StreamInfo, ...]) -> StreamInfo | None:
    """The stream that goes to ``s1``: the one named so, else the next video of no name after the camera."""
    camera = camera_of(streams)
    unnamed = (stream for stream in _named(streams, "") if stream is not camera)
    return next(_named(streams, "screen"), None) or next(unnamed, None)


def _named(streams: tuple[StreamInfo, ...], source: str) -> Iterator[StreamInfo]:
    return (stream for stream in streams if stream.type == "video" and stream.source == source)


def _number(slot: str) -> int:
    return int(slot[1:])


class Lineup:
    """Who is shown in which slot, and whose audio is in the mix. A working copy: read, changed, written back."""

    def __init__(self, links: Mapping[str, LinkIntent]) -> None:
        self.seats: dict[str, Slot] = {}  # slot -> what it shows
        self.voices: dict[str, Slot] = {}  # participant -> his audio
        newest: dict[str, LinkIntent] = {}
        self._origins = {
            (link.participant, link.target): link.source for link in links.values() if link.kind == "remote"
        }
        for link in links.values():
            if link.kind == "voice":
                self.voices[link.participant] = Slot(link.participant, link.mid, False, link.source)
            elif link.kind == "slot" and (link.slot not in newest or _newer(link, newest[link.slot])):
                newest[link.slot] = link
        self._seat_newest(newest)

    def _seat_newest(self, newest: dict[str, LinkIntent]) -> None:
        """Stages that disagree (a plan was cut off) follow the newest link; nobody is shown twice."""
        shown: set[tuple[str, str]] = set()
        for slot in sorted(newest, key=lambda slot: (-newest[slot].generation, slot)):
            link = newest[slot]
            if (link.participant, link.mid) not in shown:
                shown.add((link.participant, link.mid))
                source = self._origins.get((link.participant, link.source), link.source)
                self.seats[slot] = Slot(link.participant, link.mid, link.simulcast, source)

    def slot_of(self, participant: str) -> str:
        """The slot of his first video, empty when he has none."""
        found = (slot for slot, seat in self.seats.items() if seat.participant == participant and slot != SCREEN)
        return next(found, "")

    def take(self, participant: str, source: str, streams: tuple[StreamInfo, ...], count: int) -> str:
        """Seat a publisher: his camera in his slot or the first free one, his screen in ``s1``, audio in the mix.

        What he showed before and does not send any more leaves its slot. ``source``: context of his VideoRoom. Gives
        why not, with nothing changed: ``stage-full`` when none of the ``count`` slots is free for a camera,
        ``screen-taken`` when somebody else shows his. An unnamed second video is shown when ``s1`` is free.
        """
        camera, screen = camera_of(streams), screen_of(streams)
        voice = next((stream for stream in streams if stream.type == "audio"), None)
        free = (slot for slot in video_slots(count) if slot not in self.seats and slot != SCREEN)
        own = self.slot_of(participant) or next(free, "")
        shared = self.seats.get(SCREEN)
        taken = shared is not None and shared.participant != participant
        if camera and not own:
            return "stage-full"
        if screen and screen.source and taken:
            return "screen-taken"
        self._clear(participant)
        if camera:
            self.seats[own] = Slot(participant, camera.mid, camera.simulcast, source)
        if screen and not taken:
            self.seats[SCREEN] = Slot(participant, screen.mid, screen.simulcast, source)
        if voice:
            self.voices[participant] = Slot(participant, voice.mid, False, source)
        self._keep_main()
        return ""

    def leave(self, participant: str) -> None:
        """Take a participant off the stage."""
        self._clear(participant)
        self._keep_main()

    def forget(self, gone: Callable[[Slot], bool]) -> None:
        """Take away every picture and voice that is ``gone``."""
        self.seats = {slot: seat for slot, seat in self.seats.items() if not gone(seat)}
        self.voices = {name: voice for name, voice in self.voices.items() if not gone(voice)}
        self._keep_main()

    def lead(self, participant: str) -> bool:
        """Put a speaker into v1 and whoever is there into his slot; False when nothing changes."""
        own = self.slot_of(participant)
        if own in ("", MAIN):
            return False
        self.seats[MAIN], self.seats[own] = self.seats[own], self.seats[MAIN]
        return True

    def _clear(self, participant: str) -> None:
        self.seats = {slot: seat for slot, seat in self.seats.items() if seat.participant != participant}
        self.voices.pop(participant, None)

    def _keep_main(self) -> None:
        """v1 is never empty while anyone is on stage: a player with one picture always sees somebody."""
        others = [slot for slot in self.seats if slot not in (MAIN, SCREEN)]
        if MAIN not in self.seats and others:
            self.seats[MAIN] = self.seats.pop(min(others, key=_number))


def _newer(link: LinkIntent, other: LinkIntent) -> bool:
    """Which of two links of one slot counts; equal ones by name, so that every replica reads the same."""
    return (link.generation, link.participant) > (other.generation, other.participant)


@dataclass(frozen=True, slots=True)
class Wiring:
    """How media get from ingresses to stages: what a scenario says, and ``wanted_links`` makes links of."""

    mixes: Mapping[str, str]  # stage -> the mix it gets
    voices: Mapping[str, str]  # ingress -> the mix that its publishers' audio enters
    routes: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (ingress, stage) -> the relay in between
    between: Mapping[str, LinkIntent] = field(default_factory=dict)  # links among VideoRooms and among mixes, by id


def wanted_links(
    lineup: Lineup,
    wiring: Wiring,
    contexts: Mapping[str, ContextIntent],
    known: Mapping[str, LinkIntent],
    *,
    now_s: float,
    anew: str = "",
) -> dict[str, LinkIntent]:
    """All links of a session. Those that stay as they are keep their record; ``anew``: whose are made again."""
    links = dict(wiring.between)
    for name, context in contexts.items():
        if context.duty != "stage":
            continue
        mix = wiring.mixes.get(name, "")
        if mix:
            links[f"mix-{context.node}"] = LinkIntent("mix", mix, name, slot="a")
        for slot, seat in lineup.seats.items():
            if slot in context.slots:
                source = wiring.routes.get((seat.source, name), seat.source)
                links[f"{slot}-{context.node}"] = LinkIntent(
                    "slot", source, name, seat.participant, seat.mid, seat.simulcast, slot
                )
    for participant, voice in lineup.voices.items():
        mix = wiring.voices.get(voice.source, "")
        if mix:
            links[f"voice-{participant}"] = LinkIntent("voice", voice.source, mix, participant, voice.mid)
    links |= tap_links(lineup, wiring, contexts, known)
    dated: dict[str, LinkIntent] = {}
    renewed: set[tuple[str, str]] = set()  # whose copy is another one, and where: what comes from it is made again too
    for name, link in links.items():
        again = anew == link.participant or (link.kind == "slot" and (link.participant, link.source) in renewed)
        dated[name] = _dated(link, known.get(name), now_s, link.participant if again else "")
        if link.kind == "remote" and dated[name] != known.get(name):
            renewed.add((link.participant, link.target))
    return dated


def _dated(link: LinkIntent, known: LinkIntent | None, now_s: float, anew: str) -> LinkIntent:
    """The link with its generation, which is fresh for every path that is made: no ssrc follows from an old one."""
    if known and path_of(known) == path_of(link) and not (anew and link.participant == anew):
        return known
    return replace(link, generation=max(int(now_s), known.generation + 1 if known else 1))

"""What a participant shows and says: a file, or a picture and a tone that are made here. Needs aiortc, av and numpy."""

from __future__ import annotations

from pathlib import Path

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaPlayer

from rtcdn.client.tracks import ClockTrack, ToneTrack

Video = str | Path | bool | MediaStreamTrack | None
Audio = str | Path | int | MediaStreamTrack | None
WIDTH, HEIGHT, FPS = 640, 360, 15


def video(wanted: Video, label: str) -> MediaStreamTrack | None:
    """A file's picture (again and again), a track, or with True a clock below ``label``."""
    if wanted is None or wanted is False:
        return None
    if wanted is True:
        from rtcdn.client.picture import Picture  # noqa: PLC0415  (the only one who needs pillow)

        return ClockTrack(Picture(label, width=WIDTH, height=HEIGHT), FPS)
    return wanted if isinstance(wanted, MediaStreamTrack) else _of_file(wanted, "video")


def audio(wanted: Audio) -> MediaStreamTrack | None:
    """A file's sound (again and again), a track, or a tone of so many Hz."""
    if wanted is None:
        return None
    if isinstance(wanted, int):
        return ToneTrack(wanted)
    return wanted if isinstance(wanted, MediaStreamTrack) else _of_file(wanted, "audio")


def _of_file(path: str | Path, kind: str) -> MediaStreamTrack:
    track = getattr(MediaPlayer(str(path), loop=True), kind)
    if track is None:
        raise ValueError(f"{path} has no {kind}: give another file")
    assert isinstance(track, MediaStreamTrack)
    return track

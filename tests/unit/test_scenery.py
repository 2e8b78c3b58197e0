"""The pictures in the documents show what the core does today."""

from __future__ import annotations

from tests.support.scenery import FOLDER, pictures


def test_the_pictures_are_those_of_the_maps_of_today() -> None:
    """Draw them again by ``python -m tests.support.scenery`` when the shape of a scenario changes."""
    for name, picture in pictures().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == picture, name

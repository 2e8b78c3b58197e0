"""The synthetic speaker: its picture, its tone, its patience."""

from __future__ import annotations

import datetime
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from ops.speaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, Backoff, arguments, read_token
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import AUDIO_RATE, ToneTrack
from rtcdn.errors import ConfigError

NOON = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.UTC)


def test_the_clock_and_the_ball_move() -> None:
    """Two moments differ, one moment is always drawn alike, other labels have other colours."""
    picture = Picture("Ada")
    frame = picture.draw(NOON, 0.0)
    assert frame.shape == (540, 640)
    assert np.array_equal(frame, picture.draw(NOON, 0.0))
    later = picture.draw(NOON + datetime.timedelta(milliseconds=10), 0.0)
    assert 0 < np.count_nonzero(frame != later) < 4000
    assert np.count_nonzero(frame != picture.draw(NOON, 1.0)) > 500
    assert not np.array_equal(frame[360:], Picture("Bob").draw(NOON, 0.0)[360:])


async def test_the_tone_is_the_sine_of_its_time() -> None:
    """Each frame is the part of the sine that its timestamp says, also where one was left out."""
    track = ToneTrack(441, level=0.5)
    frames = [await track.recv() for _ in range(8)]
    for frame in frames:
        at = frame.pts + np.arange(960)
        expected = 0.5 * 32767 * np.sin(2 * np.pi * 441 * at / AUDIO_RATE)
        assert np.abs(frame.to_ndarray().reshape(-1) - expected).max() < 2
    assert all(later.pts > earlier.pts for earlier, later in itertools.pairwise(frames))


def test_pauses_grow_to_a_limit_and_start_again() -> None:
    """With jitter of 30 %, and never shorter than the other side wants."""
    backoff = Backoff(random.Random(1))
    pauses = [backoff.next() for _ in range(8)]
    assert pauses[0] <= FIRST_PAUSE_S * 1.3
    assert LONGEST_PAUSE_S * 0.7 <= pauses[-1] <= LONGEST_PAUSE_S * 1.3
    backoff.reset()
    assert backoff.next() <= FIRST_PAUSE_S * 1.3
    assert backoff.next(at_least_s=30) == 30


def test_the_token_comes_by_file_or_environment_and_never_as_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is named."""
    monkeypatch.delenv("RTCDN_SPEAKER_TOKEN", raising=False)
    (tmp_path / "token").write_text("abc\n")
    assert read_token(tmp_path / "token") == "abc"
    with pytest.raises(ConfigError, match="RTCDN_SPEAKER_TOKEN"):
        read_token(None)
    with pytest.raises(ConfigError, match="nowhere"):
        read_token(tmp_path / "nowhere")
    monkeypatch.setenv("RTCDN_SPEAKER_TOKEN", " def ")
    assert read_token(None) == "def"
    with pytest.raises(SystemExit):
        arguments().parse_args(["--url", "https://x", "--token", "secret"])

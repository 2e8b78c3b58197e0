"""The speaker's picture: his label, the time to the hundredth, and something that moves.

Drawn once by Pillow; each frame then copies ready pieces into the planes of a YUV 4:2:0 picture, which costs
well under a millisecond.
"""

from __future__ import annotations

import colorsys
import datetime
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Plane = NDArray[np.uint8]
GLYPHS = "0123456789:."
ORBIT_S = 6.0  # the ball's way from left to right and back


def rgb_to_yuv(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Video-range BT.601 of a colour given in 0..1."""
    luma = 16 + 65.5 * red + 128.6 * green + 25.0 * blue
    return (
        round(luma),
        round(128 - 37.8 * red - 74.2 * green + 112 * blue),
        round(128 + 112 * red - 93.8 * green - 18.2 * blue),
    )


class Picture:
    """Draws frames of ``width`` x ``height`` (both divisible by 16). The label chooses the colours."""

    def __init__(self, label: str, subtitle: str = "", width: int = 640, height: int = 360) -> None:
        self._width, self._height = width, height
        hue = (zlib.crc32(label.encode()) % 360) / 360
        ground = rgb_to_yuv(*colorsys.hsv_to_rgb(hue, 0.55, 0.26))
        self._accent = rgb_to_yuv(*colorsys.hsv_to_rgb(hue, 0.5, 0.95))
        self._frame = np.empty((height * 3 // 2, width), np.uint8)
        self._frame[:height] = ground[0]
        chroma = self._frame[height:].reshape(2, height // 2, width // 2)
        chroma[0], chroma[1] = ground[1], ground[2]
        self._shade(ground[0])
        self._text(label, height // 9, (width // 20, height // 14))
        self._text(subtitle, height // 18, (width // 20, height // 14 + height // 7))
        self._glyphs = self._draw_glyphs(height // 4)
        self._ball_px = height // 9 // 2 * 2
        grid = np.hypot(*np.mgrid[: self._ball_px, : self._ball_px] - (self._ball_px - 1) / 2)
        self._ball = grid <= self._ball_px / 2

    def draw(self, now: datetime.datetime, at_s: float) -> Plane:
        """Planes Y, U, V, one below the other: the time ``now``, the ball where it is ``at_s`` after the start."""
        frame = self._frame.copy()
        self._clock(frame, now.strftime("%H:%M:%S.") + f"{now.microsecond // 10_000:02d}")
        self._moving(frame, at_s)
        return frame

    def _shade(self, luma: int) -> None:
        """A soft light from the upper left, so that the ground is not dead flat."""
        rows, columns = np.mgrid[: self._height, : self._width]
        light = 30 * np.exp(-((rows / self._height) ** 2 + (columns / self._width) ** 2) * 1.6)
        self._frame[: self._height] = np.clip(luma + light, 16, 235).astype(np.uint8)

    def _text(self, text: str, size_px: int, at: tuple[int, int]) -> None:
        image = Image.new("L", (self._width, self._height))
        ImageDraw.Draw(image).text(at, text, fill=255, font=ImageFont.load_default(size=size_px))
        _blend(self._frame[: self._height], np.asarray(image), 225)

    def _draw_glyphs(self, size_px: int) -> dict[str, Plane]:
        """Each glyph in a box of its own; digits are equally wide, so that the clock does not dance."""
        font: Any = ImageFont.load_default(size=size_px)
        widest = max(font.getlength(digit) for digit in "0123456789")
        found = {}
        for glyph in GLYPHS:
            width = widest if glyph.isdigit() else font.getlength(glyph) * 1.2
            image = Image.new("L", (math.ceil(width), round(size_px * 1.2)))
            ImageDraw.Draw(image).text(((width - font.getlength(glyph)) / 2, 0), glyph, fill=255, font=font)
            found[glyph] = np.asarray(image)
        return found

    def _clock(self, frame: Plane, text: str) -> None:
        pieces = [self._glyphs[glyph] for glyph in text]
        left = (self._width - sum(piece.shape[1] for piece in pieces)) // 2
        top = self._height * 2 // 5
        for piece in pieces:
            height, width = piece.shape
            _blend(frame[top : top + height, left : left + width], piece, 235)
            left += width

    def _moving(self, frame: Plane, at_s: float) -> None:
        turn = 2 * math.pi * at_s / ORBIT_S
        size = self._ball_px
        left = round((self._width - size) * (0.5 + 0.42 * math.sin(turn))) // 2 * 2
        top = round(self._height * (0.8 + 0.06 * math.cos(2 * turn))) // 2 * 2
        frame[top : top + size, left : left + size][self._ball] = self._accent[0]
        half, small = size // 2, self._ball[::2, ::2]
        chroma = frame[self._height :].reshape(2, self._height // 2, self._width // 2)
        for plane, value in zip(chroma, self._accent[1:], strict=True):
            plane[top // 2 : top // 2 + half, left // 2 : left // 2 + half][small] = value


def _blend(plane: Plane, mask: Plane, value: int) -> None:
    """Move ``plane`` towards ``value`` where ``mask`` (0..255) says so."""
    plane[:] = plane + (mask.astype(np.int32) * (value - plane.astype(np.int32)) // 255).astype(np.int16)

"""How times are read from an operator and told to him."""

from __future__ import annotations

import re

from rtcdn.errors import ConfigError

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"(\d{1,7})([smhd])")


def duration_s(option: str, text: str) -> float:
    """Seconds of ``90s``, ``10m``, ``2h``, ``1d``; ConfigError names ``option``."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        raise ConfigError([f"{option} is {text!r}: write a number and its unit, such as 90s, 10m, 2h or 1d"])
    return float(int(found[1]) * UNITS_S[found[2]])


def seconds(value: float) -> str:
    """``45 s`` or ``2 min 5 s``."""
    whole = round(value)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"

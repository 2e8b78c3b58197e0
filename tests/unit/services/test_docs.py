"""The module in docs/taps.md works as written."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from services.ai import module
from services.ai.rtp import Packet
from services.ai.taps import Tap

DOCS = Path(__file__).parents[3] / "docs" / "taps.md"


def test_the_example_is_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """It hands an ear to ``main``, which counts packets and tells of them."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    made: list[Any] = []
    monkeypatch.setattr(module, "main", lambda make: made.append(make) or 0)
    (tmp_path / "counter.py").write_text(code)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(tmp_path / "counter.py"))
    assert ended.value.code == 0
    ear = made[0](Tap("demo", "count", "mix", speaks=False))
    ear.heard(Packet(111, 1, 960, 7, b"opus"))
    ear.close()
    assert capsys.readouterr().out == "demo count 1\n"

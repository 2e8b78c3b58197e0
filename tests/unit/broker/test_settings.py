"""What stops a broker before it begins."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from broker import __main__ as program


def test_wrong_policies_stop_the_broker_at_its_start_and_all_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, a line for each problem; nothing is served."""
    file = tmp_path / "policies.json"
    file.write_text('{"policies": {"a": {"scores": {"lihgt": 1}}, "b": {"limits": {"idle_s": 1}}}}', encoding="utf-8")
    told = SimpleNamespace(base=SimpleNamespace(log_level="info"), policies=file, policy="")
    monkeypatch.setattr(program.settings, "read", lambda environ: told if environ is os.environ else None)
    monkeypatch.setattr(program, "Server", None)
    monkeypatch.setattr(program.log, "configure", lambda level: None)
    assert program.main() == 2
    lines = capsys.readouterr().err.splitlines()
    problems = [line for line in lines if line.startswith("RTCDN_POLICIES")]
    assert len(problems) == 2
    assert "did you mean 'light'?" in problems[0]
    assert "idle_s: 1 is below grant_life_s 30" in problems[1]

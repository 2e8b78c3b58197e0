"""What every suite shares: tests that need real parts say so when there is no engine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)  # machines are noisy: no test fails by the clock
settings.load_profile("here")


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Fail early, in words, where a chosen test needs a Docker engine and none answers (it is never skipped)."""
    if not any(item.get_closest_marker("real") for item in items):
        return
    engine = shutil.which("docker") and subprocess.run(["docker", "info"], check=False, capture_output=True)
    if not engine or engine.returncode:
        pytest.exit("these tests need a Docker engine; `bin/rtcdn test` installs and starts one", returncode=3)

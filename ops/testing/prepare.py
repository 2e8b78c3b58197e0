"""What tests and benchmarks need before they begin: tools, an engine, the product's own images."""

from __future__ import annotations

import importlib
import sys

from ops.testing import engine
from ops.testing.commands import ROOT, answer, run
from ops.testing.stages import BIN, LOGS
from rtcdn.errors import ConfigError


def tools() -> None:
    """Tools and libraries of the tests into the virtual environment that runs this."""
    LOGS.mkdir(parents=True, exist_ok=True)
    wanted = "import ansiblelint, molecule, playwright, aiortc, testinfra, hypothesis"
    if answer([sys.executable, "-c", wanted]) is not None:
        return
    constraints = ["--constraint", "constraints.txt"] if (ROOT / "constraints.txt").is_file() else []
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run([*pip, *constraints, "--editable", ".[ops,media,test]"]):
        raise ConfigError(["pip: the tools of the tests could not be installed; the reason is above"])
    importlib.invalidate_caches()


def images() -> None:
    """An engine, and the product's own images in it."""
    print(f"engine: Docker {engine.ensure()}", flush=True)
    if run([BIN / "ansible-playbook", "ansible/images.yml"]):
        raise ConfigError(["images: ansible/images.yml failed; the task and its reason are above"])

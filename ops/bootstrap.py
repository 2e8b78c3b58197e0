"""Make the virtual environment that ``bin/rtcdn`` runs in, and go on there. Standard library only.

It is made again when one of its inputs changes: their hash is kept beside it. ``RTCDN_VENV`` puts it elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "constraints.txt", "requirements.yml", "ops/bootstrap.py", "ops/collections.py")
PIP_CACHE = Path("/var/cache/rtcdn/pip")
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
STAMP = ".rtcdn-inputs"


def main(arguments: list[str]) -> int:
    """Make what is missing and replace this process by ``python -m ops``; 1 if that cannot be."""
    venv = Path(os.environ.get("RTCDN_VENV", TREE / ".venv"))
    wanted = fingerprint(TREE)
    python = venv / "bin/python"
    if not made(venv, wanted):
        try:
            with alone():
                if not made(venv, wanted):
                    make(venv, wanted)
        except Failed as error:
            say(str(error))
            return 1
    os.environ["PATH"] = f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return os.execv(python, [str(python), "-m", "ops", *arguments])  # noqa: S606


def made(venv: Path, wanted: str) -> bool:
    """Whether the environment is there, as wanted, and the collections too."""
    collections = TREE / "collections/ansible_collections"
    return read(venv / STAMP) == wanted and collections.is_dir() and runs(venv / "bin/python")


@contextmanager
def alone() -> Iterator[None]:
    """Two first commands at once: one makes it, the other waits."""
    path = TREE / ".cache/bootstrap.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Failed(Exception):
    """A step of making the environment failed; the text says which and why."""


def fingerprint(tree: Path) -> str:
    """Hash of the inputs of the environment in ``tree``, and of the Python that runs it."""
    digest = hashlib.sha256(sys.version.encode())
    for name in INPUTS:
        digest.update(name.encode() + b"\0" + (tree / name).read_bytes())
    return digest.hexdigest()


def read(path: Path) -> str:
    """Content of ``path``, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def runs(python: Path) -> bool:
    """Whether the environment's interpreter still starts (the system's may have been upgraded under it)."""
    return python.exists() and subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


def make(venv: Path, wanted: str) -> None:
    """Install the project with its ops tools into ``venv``, and the collections into the tree."""
    started_s = time.monotonic()
    say("preparing the tools (first use, or their versions changed)")
    have_packages()
    if not runs(venv / "bin/python"):
        shutil.rmtree(venv, ignore_errors=True)
        run("python -m venv", [sys.executable, "-m", "venv", str(venv)])
    stamp = venv / STAMP
    stamp.unlink(missing_ok=True)
    python = str(venv / "bin/python")
    environment = pip_environment()
    pip = [python, "-m", "pip", "install", "--quiet", "--use-pep517", "--constraint", "constraints.txt"]
    run("pip install", [*pip, "--editable", ".[ops]"], environment)
    run("collections", [python, "-m", "ops.collections"], environment)
    stamp.write_text(wanted, encoding="utf-8")
    say(f"tools ready in {time.monotonic() - started_s:.0f} s ({venv})")


def have_packages() -> None:
    """Debian's python3-venv where this Python cannot make environments, certificates for pip, apt for Ansible."""
    missing = [] if can_make_environments() else ["python3-venv"]
    missing += [] if SYSTEM_CERTIFICATES.is_file() else ["ca-certificates"]
    missing += ["python3-apt"] if os.geteuid() == 0 and lacks_apt_module() else []
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failed(f"{' and '.join(missing)} missing: install (apt-get install {' '.join(missing)}) or run as root")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing]
    if subprocess.run(install, cwd=TREE, env=environment, check=False, capture_output=True).returncode:
        run("apt-get update", ["apt-get", "-qq", "update"], environment)
        run(f"apt-get install {' '.join(missing)}", install, environment)


def can_make_environments() -> bool:
    """Whether ``python -m venv`` works: Debian packs ensurepip apart."""
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def lacks_apt_module() -> bool:
    """Whether the system's Python lacks the module by which Ansible asks apt."""
    probe = ["/usr/bin/python3", "-c", "import apt"]
    return Path(probe[0]).exists() and subprocess.run(probe, check=False, capture_output=True).returncode != 0


def pip_environment() -> dict[str, str]:
    """Settings of pip: the system's certificates unless the operator chose others, and a cache kept between runs."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.setdefault("PIP_CERT", str(SYSTEM_CERTIFICATES))
    if os.geteuid() == 0:
        PIP_CACHE.mkdir(parents=True, exist_ok=True)
        environment.setdefault("PIP_CACHE_DIR", str(PIP_CACHE))
    return environment


def run(what: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run ``command`` quietly in the tree; raises Failed with the end of its output."""
    done = subprocess.run(command, cwd=TREE, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        tail = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise Failed(f"{what} failed:\n  {tail}")


def say(text: str) -> None:
    """One line of progress."""
    print(f"rtcdn: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

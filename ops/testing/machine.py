"""This machine's own settings (package mirror, index, certificates), handed to the host containers of tests.

A host container stands for a machine beside this one: what the operator set here for apt and pip holds there too.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from ops.mirrors import mirrors
from ops.testing.commands import ROOT, answer

SCRATCH = ROOT / ".cache" / "testing"
CACHE = Path("/var/cache/rtcdn")
LOCAL_AUTHORITIES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_PASSED = re.compile(r"PIP_\w+|(https?|no|all)_proxy|(REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_FILE", re.IGNORECASE)
_ACQUIRE = re.compile(r"^Acquire::(https?::|Check-|Retries)")


def mirror() -> str:
    """Address of the Debian mirror in this machine's own apt configuration; raises ConfigError when there is none."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    return mirrors(answer(["apt-get", "indextargets", "--format", form, "Identifier: Packages"]) or "", codename)[
        "main"
    ]


def run_arguments() -> list[str]:
    """Arguments of ``docker run`` that give a host container this machine's apt and pip settings and the cache."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    mounts = [f"{CACHE}:/var/cache/rtcdn", *_apt_mounts(), *_pip_mounts()]
    if LOCAL_AUTHORITIES.is_dir():
        mounts.append(f"{LOCAL_AUTHORITIES}:{LOCAL_AUTHORITIES}:ro")
    arguments = [word for mount in mounts for word in ("--volume", mount)]
    for name in sorted(os.environ):
        if _PASSED.fullmatch(name):
            value = BUNDLE if os.environ[name].endswith(".crt") else os.environ[name]
            arguments += ["--env", f"{name}={value}"]
    return arguments


def _apt_mounts() -> list[str]:
    dump = answer(["apt-config", "dump", "Acquire"]) or ""
    kept = SCRATCH / "apt.conf"
    kept.write_text("".join(f"{line}\n" for line in dump.splitlines() if _ACQUIRE.match(line)), encoding="utf-8")
    return [f"{kept}:/etc/apt/apt.conf.d/90machine:ro"]


def _pip_mounts() -> list[str]:
    """pip.conf with every setting in force here, and the local folders and files that it names."""
    kept = SCRATCH / "pip.conf"
    lines, named = ["[global]"], set()
    for line in (answer([sys.executable, "-m", "pip", "config", "list"]) or "").splitlines():
        name, _, quoted = line.partition("=")
        value = quoted.strip("'\"").replace("\\n", " ").strip()
        if name.startswith("global."):
            lines.append(f"{name.removeprefix('global.')} = {value}")
        for word in value.split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.is_dir():
                named.add(path.parent if path.name == "simple" else path)  # an index links to files beside it
            elif path.is_absolute() and path.is_file() and value != BUNDLE:  # the host container has its own bundle
                named.add(path)
    kept.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"{kept}:/etc/pip.conf:ro", *(f"{path}:{path}:ro" for path in sorted(named))]

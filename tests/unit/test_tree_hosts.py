"""No host of a package registry or of a Debian mirror is named in the tree: the machine's own settings say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Written apart, so that this file does not name them either.
NAMES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npmjs" + ".com", "dock" + "er.io/",
         "gh" + "cr.io", "qu" + "ay.io", "deb." + "debian.org", "ftp." + "debian.org", "snapshot." + "debian.org",
         "security." + "debian.org", "galaxy." + "ansible.com",
         "registry-1." + "docker.io", "archive." + "ubuntu.com")  # fmt: skip
HOST = re.compile("|".join(re.escape(name) for name in NAMES))


def test_no_registry_host_is_named() -> None:
    """A deployment behind its own mirrors needs no change of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = []
    for name in listed:
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if match := HOST.search(line):
                    found.append(f"{name}:{number}: {match[0]}")
    assert found == []

"""The ssh client of this machine, by which Ansible and the lab reach hosts; a fresh Debian has none."""

from __future__ import annotations

import os
import shutil

from ops.testing.commands import run
from rtcdn.errors import ConfigError


def ensure() -> None:
    """Install Debian's ``openssh-client`` where there is no ssh; raises ConfigError where that cannot be."""
    if shutil.which("ssh") and shutil.which("ssh-keygen"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], env=env)
        run(["apt-get", "install", "-qy", "--no-install-recommends", "openssh-client"], env=env)
    if not (shutil.which("ssh") and shutil.which("ssh-keygen")):
        raise ConfigError(["ssh is not there, by which hosts are reached: install openssh-client"])

"""A Docker engine for the tests: the one that runs, or Debian's, started here."""

from __future__ import annotations

import time
from pathlib import Path

from ops.testing.commands import answer, run
from rtcdn.errors import ConfigError

START_LIMIT_S = 60
LOG = Path("/var/log/docker.log")


def ensure() -> str:
    """The version of the engine that answers; installs and starts Debian's ``docker.io`` where none does.

    An engine that answers is used as it is: neither its settings nor its data are touched.
    """
    if version := _version():
        return version
    if answer(["sh", "-c", "command -v dockerd"]) is None:
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], env=env)
        if run(["apt-get", "install", "-qy", "--no-install-recommends", "docker.io", "iptables"], env=env):
            message = "engine: apt-get could not install docker.io; see above, or start a Docker engine yourself"
            raise ConfigError([message])
    _start()
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s:
        if version := _version():
            return version
        time.sleep(0.5)
    raise ConfigError([f"engine: dockerd does not answer after {START_LIMIT_S} s; the reason is in {LOG}"])


def remove(run_id: str | None) -> list[str]:
    """Remove containers, networks and volumes of one run (of every run for None); the names of what was removed."""
    label = f"label=rtcdn.test={run_id}" if run_id else "label=rtcdn.test"
    removed: list[str] = []
    for listing, removal in (
        (["ps", "-aq"], ["rm", "-fv"]),
        (["network", "ls", "-q"], ["network", "rm"]),
        (["volume", "ls", "-q"], ["volume", "rm", "-f"]),
    ):
        found = (answer(["docker", *listing, "--filter", label]) or "").split()
        if found:
            run(["docker", *removal, *found], log=Path("/dev/null"))
            removed += found
    return removed


def _version() -> str | None:
    return answer(["docker", "info", "--format", "{{.ServerVersion}}"]) or None


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"])
        return
    # Where PID 1 is not systemd: the package's init script fails where it may not raise limits, so without it.
    quiet = ["--start", "--oknodo", "--background", "--output", str(LOG)]
    files = ["--make-pidfile", "--pidfile", "/run/docker-ssd.pid"]
    run(["start-stop-daemon", *quiet, *files, "--exec", "/usr/sbin/dockerd", "--", "--pidfile", "/run/docker.pid"])

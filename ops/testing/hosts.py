"""Host containers: machines of tests and of the lab, each with room for an engine of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.testing.machine import run_arguments

BARE = "rtcdn/test-bare:latest"
SYSTEMD = "rtcdn/test-host:latest"
BOOT_LIMIT_S = 60
# What a machine may do that a container may not; all that the tests' kernel can give (never --privileged).
RIGHTS = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined"),
    *("--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm", "--cgroupns", "host"),
    *("--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--volume", "/var/lib/docker", "--volume", "/var/lib/containerd"),
    *("--tmpfs", "/run:exec", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),  # noqa: S108
)


def label() -> str:
    """The label of everything that this run starts; the sweep of ``rtcdn test`` removes by it."""
    return f"rtcdn.test={os.environ.get('RTCDN_TEST_RUN', '1')}"


def docker(*arguments: str | Path, timeout_s: float = 120) -> str:
    """Standard output of a docker command; raises with its complaint."""
    words = ["docker", *(str(each) for each in arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:6])}…: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Host:
    """One host container, by its name."""

    name: str

    @property
    def address(self) -> str:
        """Its address on its first network."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        return docker("inspect", "--format", form, self.name).split()[0]

    @property
    def network(self) -> str:
        """Name of its first network."""
        form = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
        return docker("inspect", "--format", form, self.name).split()[0]

    def run(self, *command: str, timeout_s: float = 120, env: dict[str, str] | None = None) -> str:
        """Standard output of a command on the host; raises with its complaint."""
        variables = [word for name, value in (env or {}).items() for word in ("--env", f"{name}={value}")]
        return docker("exec", *variables, self.name, *command, timeout_s=timeout_s)

    def succeeds(self, *command: str, timeout_s: float = 120) -> bool:
        """Whether the command ends with 0."""
        words = ["docker", "exec", self.name, *command]
        return subprocess.run(words, capture_output=True, timeout=timeout_s, check=False).returncode == 0

    def put(self, source: Path, target: str) -> None:
        """Copy a file, or the content of a folder (``source/.``), to the host."""
        docker("cp", str(source), f"{self.name}:{target}", timeout_s=600)

    def remove(self) -> None:
        """End it at once, with its volumes."""
        subprocess.run(["docker", "rm", "-fv", self.name], capture_output=True, check=False)


def start(name: str, image: str, network: str, extra: Sequence[str] = (), mark: str = "") -> Host:
    """A running host container with this machine's apt and pip settings and the cache; it has booted on return.

    ``extra`` are more arguments of ``docker run``; ``mark`` is its label, that of the tests by default.
    """
    arguments = ("--name", name, "--hostname", name, "--label", mark or label(), "--network", network)
    docker("run", "--detach", *arguments, *RIGHTS, *run_arguments(), *extra, image)
    host = Host(name)
    if host.succeeds("test", "-x", "/sbin/init"):
        await_boot(host)
    if host.succeeds("test", "-x", "/usr/sbin/update-ca-certificates"):
        host.run("update-ca-certificates")
    return host


def await_boot(host: Host) -> None:
    """Wait until systemd says that the host has booted."""
    deadline_s = time.monotonic() + BOOT_LIMIT_S
    state = ""
    while time.monotonic() < deadline_s:
        words = ["docker", "exec", host.name, "systemctl", "is-system-running", "--wait"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=BOOT_LIMIT_S, check=False)
        state = done.stdout.strip() or done.stderr.strip()
        if state in ("running", "degraded"):
            return
        time.sleep(0.2)
    raise TimeoutError(f"{host.name} has not booted after {BOOT_LIMIT_S} s: {state}")


def create_network(name: str, subnet: str = "", mark: str = "") -> None:
    """Make the network unless it is there; ``mark`` is its label, that of the tests by default."""
    if name not in docker("network", "ls", "--format", "{{.Name}}").split():
        docker("network", "create", "--label", mark or label(), *(("--subnet", subnet) if subnet else ()), name)


def remove_network(name: str) -> None:
    """Remove the network, and the containers on it."""
    for container in docker("ps", "--all", "--quiet", "--filter", f"network={name}").split():
        subprocess.run(["docker", "rm", "-fv", container], capture_output=True, check=False)
    subprocess.run(["docker", "network", "rm", name], capture_output=True, check=False)

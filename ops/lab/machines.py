"""The hosts of a lab as containers: started, given ssh and the long way, removed."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ops import ssh as ssh_client
from ops.lab import plan
from ops.lab.plan import Lab
from ops.testing import engine, hosts, images
from ops.testing.hosts import Host, docker
from rtcdn.errors import ConfigError

STATES = Path("/var/lib/rtcdn-lab")
HERE = Path(__file__).resolve().parent
UNIT = "rtcdn-lab-wan.service"
IN_FORCE = "/run/rtcdn-lab/wan.json"
IN_FORCE_LIMIT_S = 10
# Receives the files of a host by standard input; the long way starts anew only when its program has changed.
SET_UP = f"""
set -eu
look() {{ cat /usr/local/lib/rtcdn-lab/wan.py /etc/systemd/system/{UNIT} 2>/dev/null | sha256sum; }}
before=$(look)
tar --extract --no-overwrite-dir --directory / --file -
key=/etc/ssh/ssh_host_ed25519_key
[ -e $key ] || ssh-keygen -q -t ed25519 -N '' -f $key
if [ "$before" = "$(look)" ]; then
    systemctl reload-or-restart {UNIT}
else
    systemctl daemon-reload
    systemctl enable --quiet {UNIT} ssh.service
    systemctl restart {UNIT}
fi
systemctl start ssh.service
cat $key.pub
"""


def state(name: str) -> Path:
    """Folder of a lab's key, known hosts and settings."""
    return STATES / name


def find(name: str) -> Lab:
    """The lab of that name; raises ConfigError when there is none."""
    try:
        return Lab.from_json(json.loads((state(name) / "lab.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        up = "bin/rtcdn lab up" + ("" if name == "lab" else f" --name {name} --network 198.18.43.0/24")
        raise ConfigError([f"there is no lab {name!r}: {up}"]) from None
    except (ValueError, KeyError, TypeError) as problem:
        raise ConfigError([f"{state(name)}/lab.json cannot be understood ({problem!r}): bin/rtcdn lab down"]) from None


def up(lab: Lab, image: str, say: Callable[[str], None]) -> None:
    """Start what does not run, and give every host its settings; done again, it changes nothing."""
    engine.ensure()
    ssh_client.ensure()
    if image == hosts.SYSTEMD:
        images.ensure("test-host")
    keep(lab)
    key = _key(lab)
    hosts.create_network(f"rtcdn-{lab.name}", lab.network, mark=_label(lab))
    running = set(docker("ps", "--filter", f"label={_label(lab)}", "--format", "{{.Names}}").split())
    there = set(docker("ps", "--all", "--filter", f"label={_label(lab)}", "--format", "{{.Names}}").split())

    def one(name: str) -> str:
        container, began_s = lab.container(name), time.monotonic()
        if container not in there:
            extra = ["--hostname", name, "--ip", lab.address(name), *_test_label()]
            hosts.start(container, image, f"rtcdn-{lab.name}", extra, mark=_label(lab))
        elif container not in running:
            docker("start", container)
            hosts.await_boot(Host(container))
        public = set_up(lab, name, key)
        if container not in running:
            say(f"  {name}  {lab.address(name)}  {time.monotonic() - began_s:.1f} s")
        return f"{lab.address(name)} {public}\n"

    with ThreadPoolExecutor(4) as pool:
        known = list(pool.map(one, lab.hosts))
    (state(lab.name) / "known_hosts").write_text("".join(known), encoding="utf-8")


def _label(lab: Lab) -> str:
    return f"rtcdn.lab={lab.name}"


def _test_label() -> list[str]:
    """In a test run, the sweep of that run finds the lab too."""
    return ["--label", hosts.label()] if "RTCDN_TEST_RUN" in os.environ else []


def keep(lab: Lab) -> None:
    """Write down what the lab is, for the next command and for Ansible."""
    folder = state(lab.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "lab.json").write_text(json.dumps(lab.to_json(), indent=1) + "\n", encoding="utf-8")
    (folder / "inventory.json").write_text(json.dumps(plan.inventory(lab), indent=1) + "\n", encoding="utf-8")


def _key(lab: Lab) -> str:
    """The public half of the key that every host lets in; made once."""
    path = state(lab.name) / "id_ed25519"
    if not path.is_file():
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"rtcdn lab {lab.name}", "-f", str(path)]
        subprocess.run(words, check=True, capture_output=True, text=True)
    return path.with_suffix(".pub").read_text(encoding="utf-8")


def set_up(lab: Lab, name: str, key: str) -> str:
    """Give one host ssh and its ways to the others, and wait until they hold; its public key."""
    ways = lab.ways_of(name)
    settings = {"device": "eth0", "own": lab.address(name), "ways": ways}
    files = {
        "usr/local/lib/rtcdn-lab/wan.py": (HERE / "wan.py").read_text(encoding="utf-8"),
        f"etc/systemd/system/{UNIT}": (HERE / UNIT).read_text(encoding="utf-8"),
        "etc/rtcdn-lab/wan.json": json.dumps(settings, indent=1) + "\n",
        "root/.ssh/authorized_keys": key,
    }
    words = ["docker", "exec", "--interactive", lab.container(name), "sh", "-c", SET_UP]
    done = subprocess.run(words, input=_tar(files), capture_output=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} could not be set up: {done.stderr.decode(errors='replace').strip()}")
    deadline_s = time.monotonic() + IN_FORCE_LIMIT_S
    while in_force(lab, name) != ways:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{name}: the ways do not hold: bin/rtcdn lab ssh {name} journalctl -u {UNIT}")
        time.sleep(0.05)
    return done.stdout.decode().rpartition(" ")[0].strip()


def _tar(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in ("root/.ssh",):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def in_force(lab: Lab, name: str) -> object:
    """The ways that a host keeps to now; None where it does not say."""
    try:
        return json.loads(Host(lab.container(name)).run("cat", IN_FORCE))
    except (RuntimeError, ValueError):
        return None


def apply_ways(lab: Lab) -> None:
    """Let every host keep to the lab's ways; they hold when this returns."""
    keep(lab)
    key = _key(lab)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: set_up(lab, name, key), lab.hosts))


def down(name: str) -> list[str]:
    """Remove the hosts with all that is in them, the network and the state; names of what was there."""
    mark = f"label=rtcdn.lab={name}"
    containers = docker("ps", "--all", "--quiet", "--filter", mark).split()
    if containers:
        docker("rm", "--force", "--volumes", *containers, timeout_s=300)
    networks = docker("network", "ls", "--quiet", "--filter", mark).split()
    if networks:
        docker("network", "rm", *networks)
    shutil.rmtree(state(name), ignore_errors=True)
    return containers + networks


def ssh(lab: Lab, host: str) -> list[str]:
    """The command that reaches a host, as Ansible does."""
    folder = state(lab.name)
    options = ["-i", str(folder / "id_ed25519"), "-o", "IdentitiesOnly=yes"]
    return ["ssh", *options, "-o", f"UserKnownHostsFile={folder}/known_hosts", f"root@{lab.address(host)}"]

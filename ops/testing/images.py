"""Images of tests: hosts of Debian 12, a browser, other people's WHIP and WHEP clients; cached by content."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from ops.testing.commands import ROOT, answer, run
from ops.testing.machine import CACHE, mirror
from rtcdn.errors import ConfigError

FOLDER = ROOT / "tests" / "images"
HOST_SUITE = "bookworm"  # what the README promises: a fresh Debian 12 machine
CLIENT_SUITE = "trixie"
TARGETS = {  # image -> folder, suite of its base, stage of its Dockerfile
    "test-bare": ("host", HOST_SUITE, "bare"),
    "test-host": ("host", HOST_SUITE, "host"),
    "test-browser": ("browser", CLIENT_SUITE, ""),
    "test-media-clients": ("media-clients", CLIENT_SUITE, ""),
}


def ensure(name: str) -> str:
    """``rtcdn/<name>:latest``, loaded from the cache or built when its content is not what the engine has."""
    folder, suite, stage = TARGETS[name]
    reference, wanted = f"rtcdn/{name}:latest", _hash(folder, suite, stage)
    if _label(reference) == wanted:
        return reference
    archive = CACHE / "images" / f"{name}-{wanted}.tar"
    if (
        archive.is_file()
        and run(["docker", "load", "--quiet", "--input", archive]) == 0
        and _label(reference) == wanted
    ):
        return reference
    target = ["--target", stage] if stage else []
    arguments = ["--build-arg", f"BASE={_base(suite)}", "--label", f"rtcdn.content={wanted}", "--network", "host"]
    if run(["docker", "build", "--quiet", *target, *arguments, "--tag", reference, FOLDER / folder]):
        raise ConfigError([f"image {name}: the build failed; its Dockerfile is tests/images/{folder}/Dockerfile"])
    _save(reference, archive)
    return reference


def _hash(folder: str, suite: str, stage: str) -> str:
    found = hashlib.sha256(f"{suite} {stage} {mirror()}".encode())
    for path in sorted((FOLDER / folder).rglob("*")):
        if path.is_file():
            found.update(str(path.relative_to(FOLDER)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


def _label(reference: str) -> str | None:
    return answer(["docker", "image", "inspect", "--format", '{{index .Config.Labels "rtcdn.content"}}', reference])


def _base(suite: str) -> str:
    """A plain Debian of ``suite``, made by debootstrap from this machine's own mirror."""
    reference = f"rtcdn/test-base:{suite}"
    if answer(["docker", "image", "inspect", "--format", "{{.Id}}", reference]):
        return reference
    if shutil.which("debootstrap") is None:
        run(["apt-get", "install", "-qy", "--no-install-recommends", "debootstrap"])
    with tempfile.TemporaryDirectory(prefix="rtcdn-debootstrap-") as scratch:
        root, log = Path(scratch) / "root", Path(scratch) / "log"
        if run(["debootstrap", "--variant=minbase", suite, root, mirror()], log=log):
            raise ConfigError([f"debootstrap of {suite} from {mirror()} failed: {_tail(log)}"])
        imported = f"tar --numeric-owner -C {root} -c . | docker import --change 'CMD [\"bash\"]' - {reference}"
        if run(["bash", "-c", f"set -o pipefail; {imported}"], log=log):
            raise ConfigError([f"docker import of {suite} failed: {_tail(log)}"])
    return reference


def _save(reference: str, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    for old in archive.parent.glob(re.sub(r"-[0-9a-f]{12}\.tar$", "-*.tar", archive.name)):
        old.unlink(missing_ok=True)
    partial = archive.with_suffix(".part")
    if run(["docker", "save", "--output", partial, reference]) == 0:
        partial.rename(archive)


def _tail(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])

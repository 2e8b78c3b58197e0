"""Images of tests: hosts of Debian 12 and 13, a browser, the SDK's tools, other people's clients; cached by content."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

from ops import images
from ops.testing.commands import ROOT, answer, run
from ops.testing.machine import CACHE, mirror
from rtcdn.errors import ConfigError

FOLDER = ROOT / "tests" / "images"
DEBOOTSTRAP = ROOT / "roles" / "images" / "files" / "debootstrap.sh"
HOST_SUITE = "bookworm"  # what the README promises: a fresh Debian 12 machine
HOSTS = {HOST_SUITE: "test-host", "trixie": "test-host-trixie"}  # suites that roles converge on
TARGETS = {  # image -> folder, suite of its base (empty: the base of our own images), stage
    "test-bare": ("host", HOST_SUITE, "bare"),
    **{name: ("host", suite, "host") for suite, name in HOSTS.items()},
    "test-browser": ("browser", "", ""),
    "test-sdk": ("sdk", "", ""),
    "test-media-clients": ("media-clients", "", ""),
    "test-janode": ("janode", "", ""),
}


def ensure(name: str) -> str:
    """``rtcdn/<name>:latest``, loaded from the cache or built when its content is not what the engine has."""
    folder, suite, stage = TARGETS[name]
    reference, wanted = f"rtcdn/{name}:latest", _hash(folder, suite, stage)
    if _label(reference) == wanted:
        return reference
    archive = CACHE / "images" / f"{name}-{wanted}.tar"
    if archive.is_file() and run(["docker", "load", "--quiet", "--input", archive]) == 0:
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
    """The product's own base image, or a plain Debian of ``suite`` from this machine's own mirror."""
    reference = f"rtcdn/rootfs:{suite}" if suite else images.tag("base")
    if answer(["docker", "image", "inspect", "--format", "{{.Id}}", reference]):
        return reference
    if not suite:
        only = json.dumps({"images_names": ["base"]})
        if run([Path(sys.executable).parent / "ansible-playbook", "ansible/images.yml", "--extra-vars", only]):
            raise ConfigError([f"image {reference}: ansible/images.yml failed; the reason is above"])
        return reference
    if shutil.which("debootstrap") is None:
        run(["apt-get", "install", "-qy", "--no-install-recommends", "debootstrap", "debian-archive-keyring"])
    if run(["sh", DEBOOTSTRAP, mirror(), CACHE, suite]):
        raise ConfigError([f"debootstrap of {suite} from {mirror()} failed; the reason is above"])
    return reference


def _save(reference: str, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[0-9a-f]{12}\.tar$", "", archive.name)
    for old in archive.parent.glob(f"{name}{'[0-9a-f]' * 12}.tar"):
        old.unlink(missing_ok=True)
    partial = archive.with_suffix(".part")
    if run(["docker", "save", "--output", partial, reference]) == 0:
        partial.rename(archive)


def root_archive(suite: str, target: Path) -> None:
    """A plain Debian of ``suite`` as a tar of its root file system; raises ConfigError where none can be made."""
    label = f"rtcdn.test={os.environ.get('RTCDN_TEST_RUN', '1')}"
    container = answer(["docker", "create", "--label", label, _base(suite), "true"])
    try:
        if container is None or run(["docker", "export", "--output", target, container]):
            raise ConfigError([f"archive of {suite}: the engine could not export it to {target}"])
    finally:
        answer(["docker", "rm", "--force", container or ""])


def main(arguments: list[str] | None = None) -> int:
    """``python -m ops.testing.images ensure NAME | rootfs SUITE FILE``: what scenarios call."""
    parser = argparse.ArgumentParser(prog="ops.testing.images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("ensure", help="make an image of tests be there").add_argument("name", choices=[*TARGETS])
    archiver = verbs.add_parser("rootfs", help="write a plain Debian as a tar")
    archiver.add_argument("suite")
    archiver.add_argument("file", type=Path)
    args = parser.parse_args(arguments)
    try:
        if args.verb == "ensure":
            print(ensure(args.name))
        else:
            root_archive(args.suite, args.file)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

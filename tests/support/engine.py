"""Containers and networks of tests on the Docker engine; all carry the label ``rtcdn.test`` and end with their maker.

``Engine()`` is a context manager: what it started is removed when it closes, whatever happened in between.
"""

from __future__ import annotations

import io
import itertools
import os
import socket
import tarfile
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import IPAMConfig, IPAMPool

LABELS = {"rtcdn.test": os.environ.get("RTCDN_TEST_RUN", "1")}  # the sweep of `rtcdn test` goes by it
T = TypeVar("T")
_count = itertools.count(1)


def wait_for(condition: Callable[[], T], what: str, timeout_s: float = 20.0, every_s: float = 0.05) -> T:
    """Call ``condition`` until it is true and return its value; ``AssertionError`` names ``what`` was awaited."""
    until = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(every_s)


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def listening(address: str, port: int) -> bool:
    """Does anybody accept TCP connections there?"""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, port)) == 0


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o444
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Network:
    """A bridge network of a test, with addresses given out one by one."""

    def __init__(self, handle: Any, prefix: str) -> None:
        self.name: str = handle.name
        self.gateway = f"{prefix}.1"
        self._handle = handle
        self._addresses = (f"{prefix}.{n}" for n in range(11, 250))

    def address(self) -> str:
        """A fresh address."""
        return next(self._addresses)

    def remove(self) -> None:
        """Remove the network; a container still in it is an error of the test."""
        self._handle.remove()


class Engine:
    """The Docker engine as tests use it."""

    def __init__(self) -> None:
        self.client = docker.from_env()
        self._containers: list[Any] = []
        self._networks: list[Network] = []

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove every container and network made here."""
        for container in reversed(self._containers):
            try:
                container.remove(force=True, v=True)
            except NotFound:
                continue
        for network in self._networks:
            network.remove()
        self._containers, self._networks = [], []
        self.client.close()

    def has_image(self, name: str) -> bool:
        """Is the image here?"""
        try:
            self.client.images.get(name)
        except ImageNotFound:
            return False
        return True

    def newest_image(self, repository: str) -> str | None:
        """The newest tag of ``repository`` that is here, or None."""
        images = self.client.images.list(name=repository)
        tagged = [(image.attrs["Created"], tag) for image in images for tag in image.tags]
        return max(tagged)[1] if tagged else None

    def network(self) -> Network:
        """Make a bridge network: ``RTCDN_TEST_SUBNET``, else the first free /24 of 198.18.64.0 to 198.18.127.0."""
        wanted = os.environ.get("RTCDN_TEST_SUBNET")
        prefixes = [".".join(wanted.split(".")[:3])] if wanted else [f"198.18.{n}" for n in range(64, 128)]
        for prefix in prefixes:
            pool = IPAMConfig(pool_configs=[IPAMPool(subnet=f"{prefix}.0/24", gateway=f"{prefix}.1")])
            try:
                made = self.client.networks.create(self._name("net"), driver="bridge", ipam=pool, labels=LABELS)
            except APIError as error:
                if "overlaps" in str(error):
                    continue
                raise
            network = Network(made, prefix)
            self._networks.append(network)
            return network
        raise AssertionError(f"no free subnet for a test network among {prefixes[0]}.0/24 and following")

    def run(
        self,
        image: str,
        command: list[str] | None = None,
        *,
        name: str = "run",
        network: Network | None = None,
        address: str | None = None,
        files: Mapping[str, str] | None = None,
        folder: str = "/",
        **options: Any,
    ) -> Any:
        """Start a container (host networking without ``network``) with ``files`` put into ``folder``; returns it."""
        options.setdefault("labels", {}).update(LABELS)
        if network is None:
            options["network_mode"] = "host"
        else:
            options["network"] = network.name
            config = self.client.api.create_endpoint_config(ipv4_address=address)
            options["networking_config"] = {network.name: config}
        container = self.client.containers.create(image, command, name=self._name(name), init=True, **options)
        self._containers.append(container)
        if files:
            container.put_archive(folder, _archive(files))
        container.start()
        return container

    @staticmethod
    def _name(what: str) -> str:
        return f"rtcdn-test-{what}-{os.getpid()}-{next(_count)}"

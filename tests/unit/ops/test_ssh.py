"""The ssh client is there, or is installed, or its lack is told with the cure."""

from __future__ import annotations

from typing import Any

import pytest

from ops import ssh
from rtcdn.errors import ConfigError


@pytest.mark.parametrize(("there", "calls"), [({"ssh", "ssh-keygen"}, 0), ({"apt-get"}, 2)])
def test_it_is_installed_only_where_it_is_not(monkeypatch: pytest.MonkeyPatch, there: set[str], calls: int) -> None:
    """As root, by apt: then it is there."""
    made: list[Any] = []

    def install(command: list[str], **_: Any) -> int:
        made.append(command)
        there.update({"ssh", "ssh-keygen"} if "install" in command else set())
        return 0

    monkeypatch.setattr("shutil.which", lambda name: name if name in there else None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(ssh, "run", install)
    ssh.ensure()
    assert len(made) == calls


def test_who_may_not_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package to install."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ConfigError, match="openssh-client"):
        ssh.ensure()

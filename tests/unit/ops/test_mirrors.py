"""Mirrors: image builds use the one that the machine itself uses."""

from __future__ import annotations

import pytest

from ops.mirrors import mirrors
from rtcdn.errors import ConfigError

TARGETS = """
https://vendor.example/repo vendor main
http://mirror.example/debian/ bookworm main
http://mirror.example/debian/ bookworm contrib
http://other.example/debian/ bookworm main
http://mirror.example/debian/ bookworm-updates main
http://mirror.example/debian-security/ bookworm-security main
"""


def test_the_first_mirror_of_the_own_release_is_taken() -> None:
    """Neither a vendor's repository nor updates alone are the mirror."""
    assert mirrors(TARGETS, "bookworm") == {
        "main": "http://mirror.example/debian",
        "security": "http://mirror.example/debian-security",
    }


def test_security_may_be_missing() -> None:
    """Some sites have none."""
    assert mirrors("http://m.example/debian trixie main\n", "trixie")["security"] == ""


@pytest.mark.parametrize("targets", ["", "cdrom:[x]/ bookworm main", "file:/srv/debian bookworm main", "nonsense"])
def test_without_a_mirror_the_setting_is_named(targets: str) -> None:
    """A disc or a local folder cannot be reached from an image build."""
    with pytest.raises(ConfigError, match="images_mirror"):
        mirrors(targets, "bookworm")

"""The Debian mirror that a machine itself uses, read from what apt says of its configuration."""

from __future__ import annotations

from rtcdn.errors import ConfigError


def mirrors(targets: str, codename: str) -> dict[str, str]:
    """``{main, security}`` from lines ``<uri> <release> <component>`` of ``apt-get indextargets``.

    ``codename`` is the machine's own release. ``security`` is empty where the machine has none. Raises ConfigError
    when no mirror can be named, as on a machine that is not Debian.
    """
    found = {"main": "", "security": ""}
    for line in targets.splitlines():
        uri, release, component = [*line.split(), "", "", ""][:3]
        if component != "main" or not uri.startswith(("http://", "https://")):
            continue
        for kind, wanted in (("main", (codename,)), ("security", (f"{codename}-security", f"{codename}/updates"))):
            if release in wanted and not found[kind]:
                found[kind] = uri.rstrip("/")
    if not found["main"]:
        raise ConfigError(
            [f"no http mirror of Debian {codename} in this machine's apt configuration; set images_mirror to one"]
        )
    return found

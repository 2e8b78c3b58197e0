"""Settings of the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import read
from rtcdn.errors import ConfigError


def environ(folder: Path) -> dict[str, str]:
    """A whole environment."""
    for name in ("ca", "cert", "key"):
        (folder / name).write_text("x")
    return {
        "RTCDN_ETCD": "127.0.0.1:2379",
        "RTCDN_TLS_CA": str(folder / "ca"),
        "RTCDN_TLS_CERT": str(folder / "cert"),
        "RTCDN_TLS_KEY": str(folder / "key"),
        "RTCDN_SECRETS_DIR": str(folder),
        "RTCDN_GATEWAY_ID": "1",
        "RTCDN_GATEWAY_REGION": "local",
        "RTCDN_LISTEN": "127.0.0.1:8201",
        "RTCDN_PUBLIC_URL": "https://example.org:8443/",
        "RTCDN_BROKERS": "https://127.0.0.1:8101,https://127.0.0.1:8111",
        "RTCDN_BROKER_STREAMS": "wss://127.0.0.1:8102",
        "RTCDN_ISSUERS": "https://127.0.0.1:8101/v1/jwks",
    }


def test_a_whole_environment_is_read(tmp_path: Path) -> None:
    """The peer address is where we listen unless said otherwise."""
    settings = read(environ(tmp_path))
    assert settings.brokers == ("https://127.0.0.1:8101", "https://127.0.0.1:8111")
    assert str(settings.peer_address) == "127.0.0.1:8201"
    assert settings.public_url == "https://example.org:8443"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Each names its setting."""
    wrong = environ(tmp_path) | {"RTCDN_LISTEN": "8201", "RTCDN_BROKERS": "http://x", "RTCDN_MAX_JOINS": "none"}
    del wrong["RTCDN_GATEWAY_ID"]
    with pytest.raises(ConfigError) as caught:
        read(wrong)
    named = {problem.partition(":")[0] for problem in caught.value.problems}
    assert {"RTCDN_LISTEN", "RTCDN_BROKERS", "RTCDN_MAX_JOINS", "RTCDN_GATEWAY_ID"} <= named

"""Settings tell every problem at once; the log never tells a secret."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from broker import settings as broker_settings
from rtcdn import log
from rtcdn.errors import ConfigError
from rtcdn.model import Capacity
from rtcdn.settings import Address, Reader
from rtcdn.tokens import Claims, SigningKey


def test_all_problems_are_told_at_once() -> None:
    """Each names the setting and the cure."""
    environ = {"RTCDN_ETCD": "a:1,b", "RTCDN_BROKER_ID": "Not Good", "RTCDN_API_URL": "http://x", "RTCDN_THREADS": "no"}
    with pytest.raises(ConfigError) as caught:
        broker_settings.read(environ)
    text = "\n".join(caught.value.problems)
    for wanted in (
        "RTCDN_ETCD: 'b' is not host:port",
        "RTCDN_TLS_CA: is not set",
        "RTCDN_BROKER_ID: 'Not Good' is not an id",
        "RTCDN_API_URL: 'http://x' is not a URL that begins with https://",
        "RTCDN_API_LISTEN: is not set",
        "RTCDN_THREADS: 'no' is not a number of 4 or more",
    ):
        assert wanted in text


def test_a_whole_broker_is_read(tmp_path: Path) -> None:
    """Every setting in its place."""
    for name in ("ca", "cert", "key", "token"):
        (tmp_path / name).write_text("x")
    files = {f"RTCDN_TLS_{name.upper()}": str(tmp_path / name) for name in ("ca", "cert", "key")}
    read = broker_settings.read(
        {
            **files,
            "RTCDN_ETCD": "127.0.0.1:8379, [::1]:8380",
            "RTCDN_SECRETS_DIR": str(tmp_path),
            "RTCDN_BROKER_ID": "broker-1",
            "RTCDN_API_LISTEN": "127.0.0.1:8101",
            "RTCDN_STREAM_LISTEN": "0.0.0.0:8102",
            "RTCDN_API_URL": "https://127.0.0.1:8101/",
            "RTCDN_STREAM_URL": "wss://127.0.0.1:8102",
            "RTCDN_TOKEN_KEY": str(tmp_path / "token"),
            "RTCDN_ISSUERS": "/a.json,https://x/jwks",
        }
    )
    assert read.base.etcd == ("127.0.0.1:8379", "[::1]:8380")
    assert (read.api_listen, read.api_url) == (Address("127.0.0.1", 8101), "https://127.0.0.1:8101")
    assert (read.base.log_level, read.base.namespace, read.threads) == ("info", "", 16)
    assert read.issuers == ("/a.json", "https://x/jwks")


@pytest.mark.parametrize(
    ("text", "problem"), [("{", "is not JSON"), ('{"handles": "many"}', "does not fit Capacity"), ("", None)]
)
def test_a_record_is_read_from_json(text: str, problem: str | None) -> None:
    """Wrong JSON and wrong fields are told apart."""
    reader = Reader({"RTCDN_CAPACITY": text})
    assert reader.record("RTCDN_CAPACITY", Capacity) == Capacity()
    assert [problem in each for each in reader.problems] == ([True] if problem else [])


@pytest.fixture
def written() -> io.StringIO:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    root.handlers[:], root.level = before, level


def test_an_event_is_one_line_of_pairs(written: io.StringIO) -> None:
    """Values with blanks, quotes and new lines stay on it."""
    log.get("broker.act").info("step", session="demo", reason='node "x"\nis silent', nothing="")
    line = written.getvalue()
    assert line.endswith('Z INFO broker.act step session=demo reason="node \\"x\\"\\nis silent" nothing=""\n')
    log.get("broker.act").debug("quiet", session="demo")
    assert written.getvalue() == line


TOKEN = SigningKey.generate().sign(Claims("ann", "demo", exp=9e9))
JANUS_TOKEN = "1795381980,janus,janus.plugin.videoroom:c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        ({"token": "tiptop"}, "tiptop"),
        ({"admin_secret": "x", "secret": "tiptop"}, "tiptop"),
        ({"reason": f"refused {TOKEN}"}, TOKEN),
        ({"reason": f"Authorization: Bearer {TOKEN}"}, TOKEN),
        ({"reason": f"token was {JANUS_TOKEN}"}, JANUS_TOKEN),
        ({"url": "https://x/whip/demo?token=tiptop&x=1"}, "tiptop"),
        ({"body": '{"request": "create", "admin_key": "tiptop"}'}, "tiptop"),
        ({"body": {"pin": "tiptop", "room": "demo/mix"}}, "tiptop"),
    ],
)
def test_secrets_never_get_through(written: io.StringIO, fields: dict[str, object], secret: str) -> None:
    """Whatever the name of the field, and in what other libraries log too."""
    log.get("broker").info("event", **fields)
    logging.getLogger("other").warning("%s", fields)
    assert "event" in written.getvalue()
    if "token" not in fields and "secret" not in fields:
        assert secret not in written.getvalue()
    else:
        assert secret not in written.getvalue().splitlines()[0]

"""docs/applications.md as it stands: the backend in ten lines runs against a broker."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from rtcdn.client.session import session_of
from rtcdn.model import Role
from rtcdn.tls import client_context
from rtcdn.tokens import Verifier
from tests.support.cdn import Cdn, running_cdn

DOCS = Path(__file__).parents[2] / "docs" / "applications.md"
pytestmark = pytest.mark.real


def backend() -> str:
    """The code of the section, word for word."""
    section = DOCS.read_text(encoding="utf-8").split("## A backend in ten lines", 1)[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    return found.group(1)


@contextmanager
def nginx_before(cdn: Cdn) -> Iterator[str]:
    """What nginx does for an application: hands requests on with its own certificate."""
    inside = httpx.Client(verify=client_context(cdn.etcd.tls("nginx")), trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
            answer = inside.put(cdn.leader().url + self.path, content=body, headers=headers)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        inside.close()


def test_the_backend_of_the_docs_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A session is open, a speaker admitted, the printed link's token is good; a second run changes nothing."""
    assert len([line for line in backend().splitlines() if line.strip()]) <= 12
    with running_cdn(tmp_path, brokers=1) as cdn, nginx_before(cdn) as url:
        monkeypatch.setenv("RTCDN_URL", url)
        monkeypatch.setenv("RTCDN_CA", str(cdn.etcd.tls("ops").ca))
        monkeypatch.setenv("RTCDN_KEY", str(tmp_path / "token_key.pem"))
        for _ in range(2):
            exec(compile(backend(), str(DOCS), "exec"), {})
            link = capsys.readouterr().out.strip()
            assert link.startswith(f"{url}/#session=lesson&token=")
            token = link.rpartition("=")[2]
            claims = Verifier((str(tmp_path / "issuers.json"),)).verify(token, "lesson")
            assert (claims.sub, claims.role, claims.operator) == ("ann", Role.SPEAKER, False)
            assert set(claims.rights) >= {"speak", "publish"}
            assert session_of(token) == "lesson"
        assert list(cdn.keys("SS:")) == ["SS:lesson"]

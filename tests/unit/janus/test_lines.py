"""Kept connections: used again, given up when the server closed them, and never asked twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rtcdn.errors import NodeAway
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.lines import Lines, closed_there
from tests.support.engine import wait_for


class Server(ThreadingHTTPServer):
    """Answers posts; counts connections and posts; ``hang_up`` closes after each answer, ``mute`` before it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = self.posts = 0
        self.hang_up = self.mute = False
        self.status, self.body = 200, b'{"janus": "pong"}'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/admin"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        self.close_connection = self.server.hang_up or self.server.mute
        if self.server.mute:
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Not to standard error."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


def test_one_connection_serves_one_call_after_another(server: Server) -> None:
    """And as many as are under way at once serve many."""
    admin = AdminClient(server.url, "secret")
    for _ in range(5):
        admin.ping()
    assert (server.connections, server.posts) == (1, 5)
    admin.close()


def test_a_connection_that_the_server_closed_is_not_used_again(server: Server) -> None:
    """No call fails for it, none is made twice."""
    server.hang_up = True
    lines = Lines(server.url)
    for _ in range(3):
        assert lines.post(server.url, json={}, timeout=3).json() == {"janus": "pong"}
        kept = [line.sock for line, _ in lines._free]
        wait_for(lambda: all(sock is None or closed_there(sock) for sock in kept), "the server has hung up")  # noqa: B023
    assert server.posts == 3


def test_what_goes_wrong_is_a_node_away_and_is_not_asked_again(server: Server) -> None:
    """No answer, an error status, no JSON, nobody there."""
    admin = AdminClient(server.url, "secret")
    server.mute = True
    with pytest.raises(NodeAway, match="RemoteDisconnected"):
        admin.ping()
    assert server.posts == 1
    server.mute, server.status = False, 500
    with pytest.raises(NodeAway, match="HTTP status 500"):
        admin.ping()
    server.status, server.body = 200, b"no JSON"
    with pytest.raises(NodeAway):
        admin.ping()
    with pytest.raises(NodeAway, match="ConnectionRefusedError"):
        AdminClient("http://127.0.0.1:1/admin", "secret").ping()

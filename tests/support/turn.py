"""A client of TURN servers for tests: allocates, speaks to a peer through the relay, and says what was refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

from aioice import stun

UDP = 0x11000000
CHANNEL = 0x4000
HEADER = 20
LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and its password."""

    username: str
    password: str

    @classmethod
    def of(cls, secret: str, participant: str = "ada", ttl_s: float = 600) -> Credential:
        """As a gateway makes them: the name begins with the moment at which it ends."""
        username = f"{int(time.time() + ttl_s)}:{participant}"
        digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
        return cls(username, base64.b64encode(digest).decode())


@dataclass(frozen=True, slots=True)
class Server:
    """A TURN server by one way. ``ca``: whose certificates TLS trusts."""

    address: str
    port: int = 3478
    transport: str = "udp"  # udp, tcp, tls
    ca: str = ""

    def asked(self, credential: Credential, peer: tuple[str, int]) -> str:
        """``heard`` when a peer that echoes was reached through a relay; else which step was refused, and the code."""
        with Relay(self, credential) as relay:
            return relay.allocate() or relay.speak(peer)

    def certificate(self) -> str:
        """PEM of the certificate that it shows, whoever signed it."""
        return ssl.get_server_certificate((self.address, self.port))

    def connect(self) -> socket.socket:
        """A socket to it."""
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        plain = socket.socket(socket.AF_INET, kind)
        plain.settimeout(LIMIT_S)
        plain.connect((self.address, self.port))
        if self.transport != "tls":
            return plain
        return ssl.create_default_context(cafile=self.ca).wrap_socket(plain, server_hostname=self.address)


@dataclass
class Relay:
    """One allocation, or the attempt at one."""

    server: Server
    credential: Credential
    address: tuple[str, int] = ("", 0)
    _socket: socket.socket = field(init=False)
    _known: dict[str, bytes | str] = field(default_factory=dict)  # realm and nonce
    _key: bytes = b""

    def __enter__(self) -> Relay:
        self._socket = self.server.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def allocate(self) -> str:
        """Ask for a relay; empty, or why there is none."""
        refused, answer = self._ask(stun.Method.ALLOCATE, {"REQUESTED-TRANSPORT": UDP})
        self.address = ("", 0) if refused else answer.attributes["XOR-RELAYED-ADDRESS"]
        return refused

    def refresh(self) -> str:
        """Keep it; empty, or why not."""
        return self._ask(stun.Method.REFRESH, {"LIFETIME": 600})[0]

    def speak(self, peer: tuple[str, int]) -> str:
        """Say hello to a peer that echoes, by a channel."""
        refused, _ = self._ask(stun.Method.CHANNEL_BIND, {"CHANNEL-NUMBER": CHANNEL, "XOR-PEER-ADDRESS": peer})
        if refused:
            return refused
        self._socket.send(struct.pack("!HH", CHANNEL, 8) + b"hello___")
        try:
            data = self._message()
        except TimeoutError:
            return "silence"
        return "heard" if data[4:12] == b"hello___" else f"heard {data!r}"

    def _ask(self, method: stun.Method, attributes: dict[str, object]) -> tuple[str, stun.Message]:
        """A request, asked again with realm and nonce where these are wanted."""
        answer = self._send(method, attributes)
        code = answer.attributes.get("ERROR-CODE", (0, ""))[0]
        if code == 438 or (code == 401 and not self._key):
            self._known = {name: answer.attributes[name] for name in ("REALM", "NONCE") if name in answer.attributes}
            secret = f"{self.credential.username}:{self._known['REALM']!s}:{self.credential.password}"
            self._key = hashlib.md5(secret.encode(), usedforsecurity=False).digest()
            answer = self._send(method, attributes)
            code = answer.attributes.get("ERROR-CODE", (0, ""))[0]
        return (f"{method.name.lower().replace('_', '-')} {code}" if code else ""), answer

    def _send(self, method: stun.Method, attributes: dict[str, object]) -> stun.Message:
        request = stun.Message(message_method=method, message_class=stun.Class.REQUEST)
        request.attributes.update(attributes)
        if self._key:
            request.attributes.update({"USERNAME": self.credential.username, **self._known})
            request.add_message_integrity(self._key)
        self._socket.send(bytes(request))
        while True:
            data = self._message()
            if data[0] >> 6 == 0 and (answer := stun.parse_message(data)).transaction_id == request.transaction_id:
                return answer

    def _message(self) -> bytes:
        if self.server.transport == "udp":
            return self._socket.recv(2048)
        head = self._exactly(4)
        length = struct.unpack("!H", head[2:])[0]
        rest = length + -length % 4 if head[0] >> 6 else length + HEADER - 4
        return head + self._exactly(rest)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            part = self._socket.recv(count - len(found))
            if not part:
                raise ConnectionError("the TURN server closed the connection")
            found += part
        return found


@contextmanager
def echo(address: str) -> Iterator[int]:
    """A peer that sends back what it hears; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((address, 0))
        peer.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, sender = peer.recvfrom(2048)
                except TimeoutError:
                    continue
                peer.sendto(data, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield peer.getsockname()[1]
        finally:
            over.set()
            thread.join()

"""A module on loopback: its HTTP API as the broker asks it, RTP in and out, what it reports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtcdn.errors import ConfigError, NodeAway, NodeRefused
from rtcdn.model import Capacity, Labels, NodeSecrets, PluginData
from rtcdn.module_api import ModuleClient
from rtcdn.settings import Address, BaseSettings
from rtcdn.store.memory import MemoryStore
from rtcdn.tls import TlsFiles
from services.ai.echo import echo
from services.ai.module import Module
from services.ai.register import Registration
from services.ai.rtp import Packet, Stream, read
from services.ai.settings import ModuleSettings, load
from services.ai.taps import Full, Tap, Taps
from tests.support.engine import free_port
from tests.support.gateway import until

SECRET = "s" * 32
HERE = "127.0.0.1"


class Heard:
    """An ear that remembers."""

    def __init__(self, tap: Tap) -> None:
        self.tap, self.packets, self.closed = tap, list[Packet](), False

    def heard(self, packet: Packet) -> None:
        self.packets.append(packet)

    def close(self) -> None:
        self.closed = True


@dataclass
class Place:
    """A module that runs, the store it writes to, and the broker's client of it."""

    module: Module
    store: MemoryStore
    client: ModuleClient
    settings: ModuleSettings

    async def ask(self, method: str, *args: Any, **named: Any) -> Any:
        """The client waits: let it do so in a thread."""
        return await asyncio.to_thread(getattr(self.client, method), *args, **named)

    def written(self) -> dict[str, str]:
        """What it wrote."""
        return {key: value.text for key, value in self.store.read().values.items()}

    def data(self) -> PluginData:
        """Its plugin data."""
        return PluginData.from_json(self.written().get("AI:ai1:PLUGIN", "")) or PluginData()


def settings(handles: int = 3) -> ModuleSettings:
    """Of a module on loopback."""
    listen = Address(HERE, free_port())
    base = BaseSettings(("x:1",), TlsFiles(Path(), Path(), Path()), "", Path(), "info")
    return ModuleSettings(
        base, "ai1", "here", "h", "z", listen, f"http://{listen}", HERE, range(0), Capacity(handles=handles), 5, 0.1
    )


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """A module whose ears remember."""
    chosen, store = settings(), MemoryStore()
    module = Module(chosen, NodeSecrets(api_secret=SECRET), Registration(store, 5), Heard)
    running = asyncio.create_task(module.run())
    made = Place(module, store, ModuleClient(chosen.url, SECRET), chosen)
    await until(lambda: "JN:ai1" in made.written(), "it is registered")
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def mouth() -> Iterator[socket.socket]:
    """A socket that sends and takes RTP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HERE, 0))
        made.setblocking(False)
        yield made


def packet(number: int, payload: bytes = b"opus", payload_type: int = 111) -> bytes:
    """One of a stream."""
    return Packet(payload_type, number, number * 960, 7, payload).to_bytes()


async def test_a_module_presents_itself_as_a_node(place: Place) -> None:
    """Kind, address of its API, capacity, weight; no secret."""
    labels = Labels.from_json(place.written()["AI:ai1:LABELS"])
    assert labels is not None
    assert (labels.rest, labels.media_ip, labels.capacity.handles) == (place.settings.url, HERE, 3)
    assert place.written()["JN:ai1"] == "AI"
    assert place.written()["AI:ai1:REGION"] == "here"
    assert not [text for text in place.written().values() if SECRET in text]


async def test_taps_are_put_seen_and_ended_and_each_call_may_be_repeated(place: Place) -> None:
    """The port stays; what is reported follows."""
    port = await place.ask("put", "demo", "t", "mix", speaks=False)
    assert await place.ask("put", "demo", "t", "ann", speaks=True) == port == await place.ask("port", "demo", "t")
    await place.ask("send", "demo", "t", HERE, 4444)
    await until(lambda: [info.id for info in place.data().contexts] == ["demo/tap-t"], "it reports the tap")
    await until(lambda: place.data().contexts[0].forwarders, "and where it sends")
    (info,) = place.data().contexts
    assert (info.media[0].port, info.forwarders[0].host, info.forwarders[0].port) == (port, HERE, 4444)
    for _ in range(2):
        await place.ask("hush", "demo", "t")
    await until(lambda: not place.data().contexts[0].forwarders, "it sends nothing")
    ear = place.module.taps.all["demo", "t"].ear
    for _ in range(2):
        await place.ask("drop", "demo", "t")
    await place.ask("hush", "demo", "t")
    assert await place.ask("port", "demo", "t") == 0
    assert isinstance(ear, Heard)
    assert ear.closed
    await until(lambda: not place.data().contexts, "it reports none")


async def test_what_is_heard_and_said_is_rtp(place: Place, mouth: socket.socket) -> None:
    """In: Opus of the payload type only. Out: from the port where it hears, in one stream without gaps."""
    port = await place.ask("put", "demo", "t", "mix", speaks=True)
    tap = place.module.taps.all["demo", "t"]
    ear = tap.ear
    assert isinstance(ear, Heard)
    tap.say(b"nobody", 0)
    for data in (packet(1), b"", b"\x80", packet(2, payload_type=96), b"\x80\xc8" + bytes(20), packet(3)):
        mouth.sendto(data, (HERE, port))
    await until(lambda: len(ear.packets) == 2, "both packets are heard")
    assert [each.sequence for each in ear.packets] == [1, 3]
    await place.ask("send", "demo", "t", HERE, mouth.getsockname()[1])
    for number in (5, 6, 9):
        tap.say(b"voice", number * 960, talk=1)
    loop = asyncio.get_running_loop()
    said = [await asyncio.wait_for(loop.sock_recvfrom(mouth, 2000), 5) for _ in range(3)]
    assert {address for _, address in said} == {(HERE, port)}
    packets = [found for data, _ in said if (found := read(data))]
    assert [each.sequence - packets[0].sequence for each in packets] == [0, 1, 2]
    assert [(each.timestamp - packets[0].timestamp) % 2**32 for each in packets] == [0, 960, 3840]
    assert (packets[0].marker, packets[1].marker, packets[0].payload) == (True, False, b"voice")
    await place.ask("put", "demo", "t", "mix", speaks=False)
    tap.say(b"hush", 0)
    assert tap.packets_said == 3


async def test_strangers_and_wrong_words_are_refused_with_the_cure(place: Place) -> None:
    """401, 400, 404, 503; a module that is away."""
    stranger = ModuleClient(place.settings.url, "wrong")
    with pytest.raises(NodeRefused, match=r"401.*api_secret"):
        await asyncio.to_thread(stranger.put, "demo", "t", "mix", speaks=True)
    for args in (("De mo", "t", "mix"), ("demo", "T", "mix"), ("demo", "t", "No Body")):
        with pytest.raises(NodeRefused, match=r"400"):
            await place.ask("put", *args, speaks=False)
    with pytest.raises(NodeRefused, match="404"):
        await place.ask("send", "demo", "t", HERE, 4444)
    await place.ask("put", "demo", "t", "mix", speaks=False)
    with pytest.raises(NodeRefused, match=r"400.*speaks"):
        await place.ask("send", "demo", "t", HERE, 4444)
    await place.ask("put", "demo", "t2", "mix", speaks=True)
    with pytest.raises(NodeRefused, match=r"400.*port"):
        await place.ask("send", "demo", "t2", HERE, 70_000)
    await place.ask("put", "demo", "t3", "mix", speaks=False)
    with pytest.raises(NodeRefused, match=r"503.*another module"):
        await place.ask("put", "demo", "t4", "mix", speaks=False)
    gone = ModuleClient(f"http://{HERE}:{free_port()}", SECRET)
    with pytest.raises(NodeAway):
        await asyncio.to_thread(gone.drop, "demo", "t")


async def test_hostile_words_are_refused_as_field_and_reason(place: Place) -> None:
    """A header that is no text, a body too deep or of an unknown charset, no port, no address, no tap."""
    await place.ask("put", "demo", "t", "mix", speaks=True)
    send, good = "/taps/demo/t/send", f"Bearer {SECRET}".encode()
    asks = [
        (401, "authorization", send, b"Bearer \xff", b"{}", "application/json"),
        (400, "body", send, good, b"[" * 100_000, "application/json"),
        (400, "body", send, good, b"{}", "application/json; charset=none"),
        (400, "port", send, good, b'{"ip": "127.0.0.1", "port": true}', "application/json"),
        (400, "ip", send, good, b'{"ip": "no address", "port": 5}', "application/json"),
        (404, "tap", "/taps/demo/none/send", good, b'{"ip": "127.0.0.1", "port": 5}', "application/json"),
    ]
    async with httpx.AsyncClient(base_url=place.settings.url, trust_env=False) as http:
        for status, field, path, given, body, kind in asks:
            headers = [(b"Authorization", given), (b"Content-Type", kind.encode())]
            answer = await http.put(path, content=body, headers=headers)
            assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert place.module.taps.all["demo", "t"].to is None


async def test_the_echo_says_each_packet_again_after_its_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, not before; nothing after the tap has ended."""
    monkeypatch.setattr(echo, "DELAY_S", 0.05)

    class Said:
        def __init__(self) -> None:
            self.all: list[tuple[float, bytes]] = []

        def say(self, payload: bytes, timestamp: int, talk: int = 0) -> None:
            self.all.append((asyncio.get_running_loop().time(), payload))

    said, loop = Said(), asyncio.get_running_loop()
    made = echo.Echo(said)  # type: ignore[arg-type]
    began_s = loop.time()
    for number in range(3):
        made.heard(Packet(111, number, number, 1, bytes([number])))
    await until(lambda: len(said.all) == 3, "all are said")
    assert [payload for _, payload in said.all] == [b"\x00", b"\x01", b"\x02"]
    assert said.all[0][0] - began_s >= 0.05
    made.heard(Packet(111, 3, 3, 1, b"late"))
    made.close()
    later = loop.create_future()
    loop.call_later(0.2, later.set_result, None)
    await later
    assert len(said.all) == 3


def test_packets_with_extension_sources_and_padding_are_read() -> None:
    """Whatever a sender puts beside the payload is left out; what is cut off is no packet."""
    body = (111).to_bytes() + bytes(10)
    plain = bytes([0x80]) + body
    assert read(plain + b"x") == Packet(111, 0, 0, 0, b"x")
    rich = bytes([0x80 | 0x20 | 0x10 | 2]) + body + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"x" + b"\x00\x00\x03"
    found = read(rich)
    assert found is not None
    assert found.payload == b"x"
    for cut in (plain[:11], bytes([0x90]) + body, bytes([0x8F]) + body, bytes([0xA0]) + body + b"\xff", b"\x00" * 20):
        assert read(cut) is None


def test_another_talk_is_another_stream() -> None:
    """A source that begins anew gets an ssrc of its own, and a marker."""
    stream = Stream(111)
    one, two, other = stream.packet(b"a", 0, 1), stream.packet(b"b", 960, 1), stream.packet(b"c", 5, 2)
    assert one.ssrc == two.ssrc != other.ssrc
    assert [each.marker for each in (one, two, other)] == [True, False, True]


async def test_taps_take_free_ports_of_their_range_and_say_when_none_is_left() -> None:
    """As many as the range has."""
    first = free_port()
    taps = Taps(HERE, range(first, first + 1), 9, Heard)
    made = await taps.put("demo", "t", "mix", speaks=False)
    assert made.port == first
    with pytest.raises(Full, match="RTCDN_RTP_PORTS"):
        await taps.put("demo", "u", "mix", speaks=False)
    taps.close()
    assert taps.all == {}


def test_wrong_settings_are_told_all_at_once() -> None:
    """Each by its name."""
    with pytest.raises(ConfigError) as caught:
        load({"RTCDN_RTP_PORTS": "9-1", "RTCDN_MODULE_LISTEN": "nowhere", "RTCDN_NODE_ID": "A B"})
    told = "\n".join(caught.value.problems)
    for name in ("RTCDN_RTP_PORTS", "RTCDN_MODULE_LISTEN", "RTCDN_NODE_ID", "RTCDN_MEDIA_IP", "RTCDN_ETCD"):
        assert name in told


def test_a_range_of_ports_in_other_digits_is_named_not_raised() -> None:
    """What str.isdigit takes and int does not."""
    with pytest.raises(ConfigError) as caught:
        load({"RTCDN_RTP_PORTS": "3000\N{SUPERSCRIPT TWO}-30005"})
    assert any("RTCDN_RTP_PORTS" in problem for problem in caught.value.problems)

"""What precheck runs next on every host: tries ports of other hosts, measures round trips, clocks and the path's MTU.

``main(text)`` takes a JSON object, ``targets`` with their ports, and prints one. As ``precheck_host.py``: by the host's
own Python (standard library, 3.9 and newer), from standard input.
"""

import asyncio
import contextlib
import json
import socket
import struct
import sys
import time

PROBE_AGAIN_S = (0.0, 0.25, 0.7, 1.4)
ECHOES = 8
PACKETS = (1500, 1480, 1450, 1420, 1400, 1380, 1340, 1280, 1200)  # sizes with all headers
DONT_FRAGMENT = {socket.AF_INET: (socket.IPPROTO_IP, 10, 3), socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 3)}
HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}


def main(text):
    """Do what ``text`` asks."""
    print(json.dumps(probe(json.loads(text))))


def probe(ask):
    """Results by host: a word for each port, the round trip, the clock's offset and the path's MTU."""
    return asyncio.run(_probe_all(ask))


async def _probe_all(ask):
    found = await asyncio.gather(*(_probe_host(ask, target) for target in ask["targets"]))
    return {target["host"]: result for target, result in zip(ask["targets"], found)}


async def _probe_host(ask, target):
    mark = target["mark"].encode()
    tcp = asyncio.gather(*(_connect(target, each, mark, ask["wait_s"]) for each in target["tcp"]))
    udp, result = {}, {"rtt_ms": None, "offset_s": None, "mtu": None}
    if target["udp"]:
        udp, measured = await _echoes(target, mark, ask["wait_s"])
        result.update(measured)
    states = await tcp
    took = [ms for _, ms in states if ms is not None]
    if result["rtt_ms"] is None and took:
        result["rtt_ms"] = round(min(took), 2)
    words = {str(each["port"]): word for each, (word, _) in zip(target["tcp"], states)}
    return {"tcp": words, "udp": udp, **result}


async def _connect(target, port, mark, wait_s):
    """A word for the port, and how long it took to connect."""
    began_s = time.monotonic()
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(target["address"], port["port"]), wait_s)
    except asyncio.TimeoutError:
        return "silent", None
    except OSError as error:
        return "refused" if error.errno == 111 else str(error.strerror or error), None
    took_ms = 1000 * (time.monotonic() - began_s)
    try:
        if port["listening"]:
            said = await asyncio.wait_for(reader.read(len(mark)), wait_s)
            if said != mark:
                return "wrong host", None
    except (OSError, asyncio.TimeoutError):
        return "cut", None
    finally:
        writer.close()
    return "ok", took_ms


class Echo(asyncio.DatagramProtocol):
    """Sends numbered datagrams and keeps what comes back: number -> (seconds there and back, length, their clock)."""

    def __init__(self, mark):
        self.mark, self.sent, self.back = mark, {}, {}
        self.news = asyncio.Event()

    def connection_made(self, transport):
        """Forbid fragments."""
        self.transport = transport
        one = transport.get_extra_info("socket")
        one.setsockopt(*DONT_FRAGMENT[one.family])

    def send(self, number, address, size=0):
        """One datagram, at least ``size`` long."""
        text = self.mark + struct.pack("!Q", number)
        self.sent[number] = time.time()
        self.transport.sendto(text.ljust(size, b"."), address)

    def datagram_received(self, data, address):
        """One came back."""
        if not data.startswith(self.mark) or len(data) != len(self.mark) + 18:
            return
        now_s, (number, length, clock_s) = time.time(), struct.unpack("!QHd", data[len(self.mark) :])
        if number in self.sent and number not in self.back:
            self.back[number] = (now_s - self.sent[number], length, clock_s - (now_s + self.sent[number]) / 2)
            self.news.set()

    def error_received(self, error):
        """Refused, or too large for this host: what does not come back says so."""

    async def wait(self, numbers, within_s):
        """Until all of them are back or the time is over."""
        until_s = time.monotonic() + within_s
        while not numbers <= self.back.keys() and time.monotonic() < until_s:
            self.news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.news.wait(), max(0.01, until_s - time.monotonic()))


async def _echoes(target, mark, wait_s):
    """A word for each UDP port; round trip, offset and MTU by the first port that answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target["address"], target["udp"][0], type=socket.SOCK_DGRAM)
    family, where = found[0][0], found[0][4][0]
    local = ("0.0.0.0", 0) if family == socket.AF_INET else ("::", 0)
    transport, echo = await loop.create_datagram_endpoint(lambda: Echo(mark), local_addr=local)
    try:
        ports = dict(enumerate(target["udp"]))
        for at, after_s in enumerate(PROBE_AGAIN_S):
            for number, port in ports.items():
                echo.send(1000 * at + number, (where, port))
            pause_s = (PROBE_AGAIN_S[at + 1] if at + 1 < len(PROBE_AGAIN_S) else wait_s) - after_s
            await _wait_for_ports(echo, set(ports), max(0.2, pause_s))
            if _answered(echo) >= ports.keys():
                break
        good = _answered(echo)
        words = {str(port): "ok" if number in good else "silent" for number, port in ports.items()}
        measured = await _measure(echo, (where, ports[min(good)]), HEADERS[family]) if good else {}
    finally:
        transport.close()
    return words, measured


def _answered(echo):
    return {number % 1000 for number in echo.back}


async def _wait_for_ports(echo, ports, within_s):
    until_s = time.monotonic() + within_s
    while not _answered(echo) >= ports and time.monotonic() < until_s:
        echo.news.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(echo.news.wait(), max(0.01, until_s - time.monotonic()))


async def _measure(echo, address, headers):
    """The least of some round trips, the clock at that one, and the largest packet that passes whole."""
    first = 100_000
    for number in range(first, first + ECHOES):
        echo.send(number, address)
        await echo.wait({number}, 0.6)
    trips = [echo.back[number] for number in range(first, first + ECHOES) if number in echo.back]
    for again in range(2):
        for at, size in enumerate(PACKETS):
            with contextlib.suppress(OSError):
                echo.send(200_000 + 1000 * again + at, address, size - headers)
    slowest_s = max((trip[0] for trip in trips), default=0.3)
    await echo.wait({200_000}, 2 * slowest_s + 0.3)
    lengths = [back[1] for number, back in echo.back.items() if number >= 200_000]
    best = min(trips, default=(0.0, 0, 0.0))
    return {
        "rtt_ms": round(1000 * best[0], 2) if trips else None,
        "offset_s": round(best[2], 4) if trips else None,
        "mtu": max(lengths) + headers if lengths else None,
    }


if __name__ == "__main__" and len(sys.argv) == 2:
    main(sys.argv[1])

"""What precheck runs on every host, by its own Python and from standard input: nothing is installed, nothing is left.

``main(text)`` takes a JSON object and prints one. ``do`` says what:
  listen  look at the host, and listen in the background on those of its ports where nobody listens yet
  stop    end the listener
Standard library alone, Python 3.9 and newer: this runs before anything was installed.
"""

import contextlib
import glob
import json
import os
import re
import resource
import selectors
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

LISTENING, UNCONNECTED = "0A", "07"  # states in /proc/net
NAME = "rtcdn-precheck"  # of the listener, in lists of processes


def main(text):
    """Do what ``text`` asks."""
    ask = json.loads(text)
    print(json.dumps({"listen": listen, "stop": stop}[ask["do"]](ask)))


# ---- look and listen


def listen(ask):
    """Facts of the host, the state of each port asked for, and the listener's process."""
    _end_former()
    holders = {kind: _holders(kind) for kind in ("tcp", "udp")}
    found = {"tcp": {}, "udp": {}}
    sockets = []
    for kind in ("tcp", "udp"):
        for each in ask[kind]:
            for port in _sample(str(each), holders[kind]):
                found[kind][str(port)] = _open(kind, ask["private"], port, holders[kind], ask["deployment"], sockets)
    facts = _facts(ask)
    facts["ports"] = found
    facts["listener"] = _background(ask, sockets) if sockets and ask["seconds"] else None
    return facts


def _sample(text, holders):
    """The port; of a range some that nobody has: from its beginning, its middle and its end."""
    first, _, last = text.partition("-")
    if not last:
        return [int(first)]
    ports = range(int(first), int(last) + 1)
    parts = [ports[: len(ports) // 2], ports[len(ports) // 2 : -1], ports[-1:]]
    free = [next((port for port in part if port not in holders), None) for part in parts]
    return sorted({port for port in free if port is not None})


def _open(kind, address, port, holders, deployment, sockets):
    """Listen on one port; what became of it: ``listening``, ``ours``, or by whom it is taken."""
    if port in holders:
        return _state(holders[port], deployment)
    try:
        family = socket.getaddrinfo(address, port, flags=socket.AI_NUMERICHOST)[0][0]
        one = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        if kind == "tcp":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        if kind == "tcp":
            one.listen(64)
    except OSError as error:
        return "held" if error.errno == 98 else "cannot: " + str(error.strerror)  # 98: by the kernel, as a tunnel's is
    one.setblocking(False)
    sockets.append(one)
    return "listening"


def _holders(kind):
    """Port -> inode of the socket that has it."""
    found = {}
    for path in ("/proc/net/" + kind, "/proc/net/" + kind + "6"):
        with contextlib.suppress(OSError), open(path, encoding="ascii") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                if fields[3] == (LISTENING if kind == "tcp" else UNCONNECTED):
                    found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return found


def _state(inode, deployment):
    for folder in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError):
            links = [os.readlink(each) for each in glob.glob(folder + "/fd/*")]
            if "socket:[" + inode + "]" not in links:
                continue
            with open(folder + "/comm", encoding="utf-8", errors="replace") as file:
                command = file.read().strip()
            with open(folder + "/cgroup", encoding="ascii") as file:
                containers = re.findall(r"[0-9a-f]{64}", file.read())
            whose = _label(containers[-1]) if containers else ""
            if whose == deployment or command == "dockerd":
                return "ours"
            return command + " (process " + folder[6:] + ")" + (" of deployment " + whose if whose else "")
    return "held"


def _label(container):
    command = ["docker", "inspect", "--format", '{{index .Config.Labels "rtcdn.deployment"}}', container]
    return _output(command)


def _output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


# ---- facts


def _facts(ask):
    system = {}
    with contextlib.suppress(OSError), open("/etc/os-release", encoding="utf-8") as lines:
        system = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    with open("/proc/meminfo", encoding="ascii") as lines:
        memory_kb = int(next(line for line in lines if line.startswith("MemTotal")).split()[1])
    engine, files = _open_files()
    with ThreadPoolExecutor(8) as pool:
        names = dict(zip(ask["names"], pool.map(_resolve, ask["names"])))
    return {
        "system": [system.get("ID", "").strip('"'), system.get("VERSION_ID", "").strip('"')],
        "systemd": os.path.isdir("/run/systemd/system"),
        "root": os.geteuid() == 0,
        "cores": os.cpu_count(),
        "memory_mb": memory_kb // 1024,
        "disk_mb": _free_mb("/var/lib/docker"),
        "engine": engine,
        "open_files": files,
        "own": {each: _is_own(each) for each in ask["addresses"]},
        "names": names,
        "firewall": re.findall(r"saddr (\S+) accept", _output(["nft", "list", "table", "inet", "rtcdn"])),
        "firewalled": bool(_output(["nft", "list", "table", "inet", "rtcdn"])),
        "clock_s": time.time(),
        "asked_s": ask["asked_s"],
    }


def _open_files():
    """Whether an engine runs, and how many files it, or the one that systemd would start, may open."""
    for folder in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError):
            with open(folder + "/comm", encoding="utf-8") as file:
                if file.read().strip() != "dockerd":
                    continue
            with open(folder + "/limits", encoding="ascii") as lines:
                limit = next(line for line in lines if line.startswith("Max open files")).split()[4]
            return True, 1 << 30 if limit == "unlimited" else int(limit)
    told = _output(["systemctl", "show", "--property", "DefaultLimitNOFILE", "--value"])
    return False, int(told) if told.isdigit() else resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def _free_mb(path):
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize >> 20


def _is_own(address):
    try:
        family = socket.getaddrinfo(address, 0, flags=socket.AI_NUMERICHOST)[0][0]
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.bind((address, 0))
        return True
    except OSError:
        return False


def _resolve(name):
    try:
        return sorted({each[4][0] for each in socket.getaddrinfo(name, None)})
    except OSError as error:
        return str(error)


# ---- the listener


def _background(ask, sockets):
    """Serve the sockets in a process of its own; its number and its start, by which ``stop`` knows it."""
    child = os.fork()
    if not child:
        os.setsid()
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(NAME)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        with contextlib.suppress(BaseException):
            _serve(ask["mark"].encode(), sockets, time.monotonic() + ask["seconds"])
        os._exit(0)
    return [child, _started(child)]


def _end_former():
    """End the listener of a run that was interrupted; those in containers of this host are none of ours."""
    for folder in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError), open(folder + "/comm", encoding="utf-8", errors="replace") as file:
            if file.read().strip() == NAME and os.readlink(folder + "/ns/pid") == os.readlink("/proc/self/ns/pid"):
                os.kill(int(folder[6:]), 9)
                while os.path.isdir(folder) and _started(int(folder[6:])):
                    time.sleep(0.01)


def _serve(mark, sockets, until_s):
    selector = selectors.DefaultSelector()
    for one in sockets:
        selector.register(one, selectors.EVENT_READ)
    while time.monotonic() < until_s:
        for key, _ in selector.select(timeout=1.0):
            with contextlib.suppress(OSError):
                if key.fileobj.type == socket.SOCK_STREAM:
                    caller, _ = key.fileobj.accept()
                    caller.setblocking(False)
                    caller.send(mark)
                    caller.close()
                else:
                    text, sender = key.fileobj.recvfrom(2000)
                    if text.startswith(mark):  # strangers get no answer
                        head = text[: len(mark) + 8]
                        key.fileobj.sendto(head + struct.pack("!Hd", len(text), time.time()), sender)


def _started(process):
    with contextlib.suppress(OSError), open("/proc/%d/stat" % process, encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[19]
    return ""


def stop(ask):
    """End the listener, if it still is the one that was started."""
    process, started = ask["listener"]
    if started and _started(process) == started:
        os.kill(process, 15)
    return {"stopped": process}


if __name__ == "__main__" and len(sys.argv) == 2:
    main(sys.argv[1])

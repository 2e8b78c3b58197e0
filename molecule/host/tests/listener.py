"""Answers on TCP and UDP ports, or asks one: what the test of the firewall runs on both machines."""

import selectors
import socket
import sys

WAIT_S = 1.5


def listen(ports):
    """For ever."""
    selector = selectors.DefaultSelector()
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            each = socket.socket(socket.AF_INET, kind)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("0.0.0.0", port))
            if kind == socket.SOCK_STREAM:
                each.listen()
            selector.register(each, selectors.EVENT_READ, kind)
    while True:
        for found, _ in selector.select():
            if found.data == socket.SOCK_STREAM:
                found.fileobj.accept()[0].close()
            else:
                _, sender = found.fileobj.recvfrom(100)
                found.fileobj.sendto(b"here", sender)


def ask(protocol, address, port):
    """Whether there is an answer."""
    try:
        if protocol == "tcp":
            socket.create_connection((address, port), WAIT_S).close()
            return True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(WAIT_S)
            one.sendto(b"there?", (address, port))
            return one.recv(100) == b"here"
    except OSError:
        return False


if sys.argv[1] == "listen":
    listen([int(each) for each in sys.argv[2:]])
else:
    sys.exit(0 if ask(sys.argv[2], sys.argv[3], int(sys.argv[4])) else 1)

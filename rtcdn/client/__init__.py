"""The Python client: a participant that is a program (bots, tests, benchmarks). Extra ``rtcdn[client]``.

    async with rtcdn.client.connect("https://host:8443", token, name="Bot", ca="ca.crt") as session:
        await session.publish(video="clip.webm", audio=440)

Lives here: the client's side of docs/client-api.md and the media that it makes, counts and records. Never here: Janus,
the broker, the store. Nothing of the product imports it; aiortc, av and numpy are imported when media are wanted.
"""

from rtcdn.client.session import Session, connect
from rtcdn.client.state import Hands, Person, RaisedHand, Roster, Seat
from rtcdn.client.wire import Broken, Refused

__all__ = ["Broken", "Hands", "Person", "RaisedHand", "Refused", "Roster", "Seat", "Session", "connect"]

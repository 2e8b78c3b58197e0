"""A home and what members say to it, for tests without gateways."""

from __future__ import annotations

from typing import Any

from gateway.client.between import DataLog, Member, Message, Said
from gateway.client.events import Person
from gateway.client.home import Home, Out


def home_of(*alive: str, calm: bool = True, log: DataLog | None = None) -> Home:
    """The home of demo at gateway h, when these others are there."""
    home = Home("demo", "h", 0.0, calm=calm, log=log or DataLog())
    home.alive({"h", *alive}, 0.0)
    return home


def put(*participants: str, **more: Any) -> list[Message]:
    return [Member(Person(participant=each, name=each.title(), **more)).to_message() for each in participants]


def of(out: list[Out], kind: str, gateway: str = "") -> list[Message]:
    """The messages of a kind, for a gateway."""
    return [message for to, message in out if message["type"] == kind and gateway in ("", to)]


def say(text: str, key: str = "") -> Said:
    return Said(n=0, sender="p", data=text, k=key)


def numbers(out: list[Out], gateway: str) -> list[tuple[int, str]]:
    """Numbers and texts of what a gateway is told, in order."""
    found = []
    for message in [*of(out, "log", gateway), *of(out, "data", gateway)]:
        found += [(each["n"], each["data"]) for each in (message["data"] if message["type"] == "log" else [message])]
    return found

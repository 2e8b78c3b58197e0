"""What brokers are told of probers, as the template of the role says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment

from tests.unit.roles.rendered import filters

TEMPLATE = Path(__file__).resolve().parents[3] / "roles" / "broker" / "templates" / "services.yml.j2"
HOSTS = {"h1": {"private": "10.0.0.1", "region": "eu"}, "h2": {"private": "10.0.0.2", "region": "us"}}


def told(*gateways: dict[str, Any]) -> str:
    """The value of RTCDN_PROBERS."""
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if "set probers" in line or "RTCDN_PROBERS" in line)
    environment = Environment(autoescape=False)
    environment.filters |= filters()
    made = environment.from_string(text)
    return (
        made.render(rtcdn_gateways=gateways, rtcdn_hosts=HOSTS, replica={"host": "h1"})
        .strip()
        .removeprefix("RTCDN_PROBERS: ")
    )


def test_only_gateways_with_a_prober_are_named() -> None:
    """A port of 0 is none, as for the role gateway: no service is made, so none may be asked."""
    rows = ({"host": "h1", "prober": 1}, {"host": "h1"}, {"host": "h2", "prober": 0}, {"host": "h2", "prober": 3})
    assert told(*rows) == '"eu=https://10.0.0.1:1,us=https://10.0.0.2:3"'
    assert told({"host": "h1", "prober": 0}) == '""'

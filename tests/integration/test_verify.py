"""What verifies a deployment, on a real one: in each region a speaker, a viewer, and calls to the services."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops import verifier, verify
from tests.support.cdn import FAR, REGION, Cdn, running_cdn
from tests.support.engine import wait_for

pytestmark = pytest.mark.real
TONES = {REGION: 400, FAR: 500}
SPEAKERS = [{"region": name, "participant": f"speaker-{name}", "tone": hz} for name, hz in TONES.items()]


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """Two regions: a gateway and an egress in each."""
    with running_cdn(tmp_path_factory.mktemp("cdn"), brokers=1, gateways=2, far=("st2", "2"), probers=1) as running:
        yield running


@pytest.fixture
def session(cdn: Cdn, request: pytest.FixtureRequest) -> Iterator[dict[str, dict[str, str]]]:
    """A session of the test's own: region -> role -> token."""
    url = f"{cdn.leader().url}/v1/sessions/{request.node.name.replace('_', '-')[:60]}"
    with cdn.api() as http:
        body = {"slots": len(TONES), "audience": dict.fromkeys(TONES, 1)}
        wait_for(lambda: http.put(url, json=body).status_code in (200, 201), "the session opens")

        def admit(region: str, role: str) -> str:
            answer = http.put(f"{url}/participants/{role}-{region}", json={"role": role, "name": role})
            return str(answer.raise_for_status().json()["token"])

        yield {region: {role: admit(region, role) for role in ("speaker", "viewer")} for region in TONES}
        http.delete(url)


def question(cdn: Cdn, region: str, tokens: dict[str, str], services: list[dict[str, Any]]) -> dict[str, Any]:
    """What would come by standard input."""
    files = {name: cdn.etcd.tls(certificate) for name, certificate in (("ops", "broker"), ("root", "broker"))}
    pem = {
        name: {part: Path(path).read_text() for part, path in (("ca", each.ca), ("crt", each.cert), ("key", each.key))}
        for name, each in files.items()
    }
    gateway = cdn.gateways[list(TONES).index(region)]
    return {
        "region": region, "regions": list(TONES), "url": gateway.url, "tone": TONES[region], "speakers": SPEAKERS,
        "within_s": 40.0, "ca": pem["ops"]["ca"], "pem": pem, "services": services, **tokens,
    }  # fmt: skip


async def test_every_region_sees_and_hears_every_region(cdn: Cdn, session: dict[str, dict[str, str]]) -> None:
    """Frames are decoded, tones measured, the egress is that of the viewer's region, services answer real calls."""
    with cdn.api() as http:
        token = http.headers["Authorization"].removeprefix("Bearer ")
    services = [
        {"kind": "etcd", "name": "etcd", "address": cdn.etcd.address},
        {"kind": "broker", "name": "broker-1", "url": cdn.brokers[0].url, "token": token},
        {"kind": "gateway", "name": "gateway 1", "url": cdn.gateways[0].url, "region": REGION},
        {"kind": "prober", "name": "prober", "url": cdn.probers[0].url},
    ]
    asks = [question(cdn, region, session[region], services) for region in TONES]
    answers = await asyncio.gather(*(verifier.answer(ask) for ask in asks))
    by_region = {each["region"]: each for each in answers}
    problems, lines = verify.judge(by_region, TONES)
    assert problems == [], answers
    assert {answer["egress"] for answer in answers} == set(TONES)
    assert all(pair["frame_ms"] is not None for answer in answers for pair in answer["pairs"].values())
    assert "8 services answered a real call" in lines


async def test_what_does_not_work_is_named(cdn: Cdn, session: dict[str, dict[str, str]]) -> None:
    """Nobody speaks in the other region; a gateway that is away; a broker that does not believe the token."""
    services = [
        {"kind": "gateway", "name": "gateway 9", "url": "http://127.0.0.1:1", "region": REGION},
        {"kind": "broker", "name": "broker-1", "url": cdn.brokers[0].url, "token": "none"},
        {"kind": "etcd", "name": "etcd", "address": "127.0.0.1:1"},
    ]
    ask = question(cdn, REGION, session[REGION], services) | {"within_s": 6.0}
    answer = await verifier.answer(ask)
    problems, lines = verify.judge({REGION: answer}, TONES)
    assert any(f"the speaker of {FAR} is not on stage" in each for each in problems), problems
    assert any("gateway 9: " in each for each in problems)
    assert any("broker-1: 401" in each for each in problems), problems
    assert any("etcd: " in each for each in problems)
    assert f"region {FAR}: could not be asked: nothing was asked there" in problems
    assert any("!" in line for line in lines)
    assert not any(f"the speaker of {REGION}" in each for each in problems), "one's own is seen and heard"

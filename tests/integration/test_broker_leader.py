"""A leader that is killed or frozen at any point: the other goes on from the intent, nothing is made twice."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import httpx
import pytest

from rtcdn.ids import janus_context
from tests.support.cdn import Cdn
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for
from tests.support.processes import BrokerProcess
from tests.support.truth import differences, links_wanted

pytestmark = pytest.mark.real
RETRY_S = 20.0
SETTLE_S = 20.0


@contextlib.contextmanager
def at_progress(cdn: Cdn, session: str, number: int, act: Callable[[], None]) -> Iterator[threading.Event]:
    """Call ``act`` the moment the plan of ``session`` is recorded, after ``number`` waves of it, or at its end."""
    watch = cdn.store.watch(f"PL:{session}")
    reached = threading.Event()
    begun = threading.Event()
    seen: list[str] = []

    def follow() -> None:
        for update in watch:
            begun.set()
            for change in update.changes:
                seen.append(change.key)
                if not reached.is_set() and (change.value is None or len(seen) > number):
                    act()
                    reached.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert begun.wait(10)
    try:
        yield reached
    finally:
        watch.close()
        thread.join(10)


def put_until_done(http: httpx.Client, url: str, body: dict[str, object]) -> httpx.Response:
    """As any client does: ask again while the answer is 503."""
    answers: list[httpx.Response] = []

    def done() -> bool:
        answers.append(http.put(url, json=body))
        return answers[-1].status_code != 503

    wait_for(done, "an answer that is not 503", RETRY_S, every_s=0.3)
    return answers[-1]


def settled(cdn: Cdn, session: str) -> None:
    """Intent and nodes agree, and no plan is left."""
    wait_for(lambda: not cdn.store.read(f"PL:{session}").values, "no plan is left", SETTLE_S)
    last: list[list[str]] = [[]]

    def agree() -> bool:
        last[0] = differences(cdn, session)
        return not last[0]

    try:
        wait_for(agree, "nodes are as they should be", SETTLE_S, every_s=0.3)
    except AssertionError as error:
        raise AssertionError(f"{error}: {last[0]}") from None


def revive(cdn: Cdn, broker: BrokerProcess) -> None:
    """Start a killed replica again, so that the next test finds two."""
    broker.start()
    broker.wait_ready()
    cdn.leader()


@pytest.mark.parametrize("number", range(3))
def test_a_leader_killed_while_it_opens_a_session(cdn: Cdn, http: httpx.Client, number: int) -> None:
    """SIGKILL after each wave of the plan: the other finishes it, and asking again changes nothing."""
    session = f"open-{number}"
    leader, follower = cdn.leader(), cdn.follower()
    with at_progress(cdn, session, number, leader.kill) as killed:
        answer = put_until_done(http, f"{follower.url}/v1/sessions/{session}", {"audience": {"here": 10}})
        assert killed.wait(10)
    assert answer.status_code in (200, 201), answer.text
    settled(cdn, session)
    contexts = set(cdn.store.read(f"CX:{session}:").values)
    assert len(contexts) == 3
    revive(cdn, leader)
    assert http.put(f"{leader.url}/v1/sessions/{session}", json={"audience": {"here": 10}}).status_code == 200
    assert set(cdn.store.read(f"CX:{session}:").values) == contexts
    assert http.delete(f"{leader.url}/v1/sessions/{session}").status_code == 204
    settled(cdn, session)


@contextlib.asynccontextmanager
async def client_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def token(cdn: Cdn, http: httpx.Client, session: str, participant: str, role: str) -> str:
    """A participant's client token."""
    url = f"{cdn.leader().url}/v1/sessions/{session}/participants/{participant}"
    answer = http.put(url, json={"role": role})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


@pytest.mark.parametrize("number", range(3))
def test_a_leader_killed_while_it_links_a_speaker(cdn: Cdn, http: httpx.Client, number: int) -> None:
    """SIGKILL between the slot link and the voice link: viewers see and hear him, no link is made twice."""
    session = f"link-{number}"
    leader = cdn.leader()
    assert http.put(f"{leader.url}/v1/sessions/{session}", json={"audience": {"here": 10}}).status_code == 201
    ann, vic = token(cdn, http, session, "ann", "speaker"), token(cdn, http, session, "vic", "viewer")
    gateway = cdn.gateways[0].url

    async def run() -> None:
        async with client_session() as client:
            viewer = await Viewer.join(client, f"{gateway}/whep/{session}", vic)
            with at_progress(cdn, session, number, leader.kill) as killed:
                published = await speaker(client, f"{gateway}/whip/{session}", ann)
                assert await asyncio.to_thread(killed.wait, 15)
            await viewer.sees(timeout_s=SETTLE_S)
            await viewer.hears(440, timeout_s=SETTLE_S)
            await asyncio.to_thread(settled, cdn, session)
            assert len(links_wanted(cdn, session)) == 3
            await viewer.leave()
            await published.delete()

    asyncio.run(run())
    revive(cdn, leader)
    assert http.delete(f"{cdn.leader().url}/v1/sessions/{session}").status_code == 204
    settled(cdn, session)


def test_a_leader_frozen_in_the_middle_of_a_plan_commits_nothing_when_it_thaws(cdn: Cdn, http: httpx.Client) -> None:
    """SIGSTOP while a node keeps it waiting; another is elected and finishes; the thawed one gives up."""
    leader, follower = cdn.leader(), cdn.follower()
    node = cdn.nodes["ab1"]
    node.pause()
    asked = threading.Thread(
        target=lambda: http.put(f"{leader.url}/v1/sessions/frozen", json={"audience": {"here": 10}}), daemon=True
    )
    asked.start()
    ingress = janus_context("frozen", "ingress-vr1")
    wait_for(lambda: ingress in cdn.client("vr1").contexts(), "another step of the wave is done", 3, every_s=0.05)
    leader.freeze()
    node.unpause()
    (plan,) = cdn.store.read("PL:frozen").values.values()
    assert '"step":0' in plan.text
    wait_for(follower.leads, "the other was elected", 10)
    settled(cdn, "frozen")
    before = intents(cdn)
    leader.thaw()
    wait_for(lambda: "deposed" in leader.log(), "the thawed one sees that it leads no more", 10)
    asked.join(30)
    assert not leader.leads()
    assert follower.leads()
    assert intents(cdn) == before
    assert differences(cdn, "frozen") == []
    assert http.delete(f"{follower.url}/v1/sessions/frozen").status_code == 204
    settled(cdn, "frozen")


def intents(cdn: Cdn) -> dict[str, int]:
    """Revisions of everything that only a leader writes."""
    prefixes = ("SS:", "CX:", "LK:", "PL:", "ND:", "LD:")
    return {key: value.mod_revision for key, value in cdn.store.read().values.items() if key.startswith(prefixes)}

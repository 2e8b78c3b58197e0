"""What an operator does to a running event, by the commands: people in three regions watch on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.client import Operator
from rtcdn.client import Session
from tests.support.lab_event import LIMIT_S, Event
from tests.support.regions import Stillness, all_see, regions_of_nodes, served

SPARE = "eu3"
NEW = "eu3-st1"
STILL_MS = 8000  # nobody's picture may stand still for longer, however busy the machine is; wanted: a second
pytestmark = pytest.mark.timeout(3 * LIMIT_S)
NEXT = "next"  # tag of a Janus image that differs from the present one by a label


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory, lab: str) -> Event:
    """Of the shape that the playbook deployed."""
    return Event(tmp_path_factory.mktemp("event") / "event.yml", lab)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print what was measured."""

    def said(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    return said


async def while_they_watch(people: dict[str, Session], event: Event, verb: str, *words: str) -> tuple[Stillness, float]:
    """Run a command; how long pictures stood still, and how long it took (s). Nobody is lost or stuck."""
    await all_see(people)
    connections = {who: person.known.key for who, person in people.items()}
    began_s = time.monotonic()
    async with Stillness(people) as still:
        await asyncio.to_thread(event.run, verb, *words)
        took_s = time.monotonic() - began_s
        await all_see(people)
    assert {who: person.known.key for who, person in people.items()} == connections, "somebody had to join again"
    assert {who: person.state for who, person in people.items()} == dict.fromkeys(people, "live")
    assert max(still.longest_ms.values()) < STILL_MS, f"{verb}: {still}"
    return still, took_s


def test_an_event_of_the_same_shape_changes_nothing(event: Event, say: Callable[[str], None]) -> None:
    """What the playbook made by hand is what the event says."""
    began_s = time.monotonic()
    said = event.run("apply", str(event.path), "--yes")
    say(f"apply again over six hosts: {time.monotonic() - began_s:.0f} s")
    assert "nothing changed" in said


async def test_a_host_is_added_and_used(
    event: Event, lab: str, operator: Operator, people: dict[str, Session], say: Callable[[str], None]
) -> None:
    """A line in the file; when the region's other egress is drained its viewer goes there, and misses nothing."""
    await asyncio.to_thread(event.run, "lab", "--name", lab, "up", "--spare", SPARE)
    event.change(
        "  us:\n",
        f"      {SPARE}: {{private: {event.lab.address(SPARE)}, zone: '3', nodes: {{ST: 1}}, duties: []}}\n  us:\n",
    )
    still, took_s = await while_they_watch(people, event, "apply", str(event.path), "--yes")
    say(f"a host added in {took_s:.0f} s; {still}")
    assert regions_of_nodes(operator)[NEW] == "eu"
    still, took_s = await while_they_watch(people, event, "drain", "eu2", "--wait", "--deployment", lab)
    say(f"eu2 drained in {took_s:.0f} s; {still}")
    assert served(operator)[NEW] == 2  # the viewer of eu, and the speaker, who looks on
    await asyncio.to_thread(event.run, "undrain", "eu2", "--deployment", lab)


async def test_janus_is_upgraded_region_by_region(
    event: Event, lab: str, people: dict[str, Session], say: Callable[[str], None]
) -> None:
    """Another image on every node, one after the other; nobody is lost."""
    registry = "registry.rtcdn.internal:8090/rtcdn/janus"
    present = event.on("eu1", f"docker image ls --format '{{{{.Tag}}}}' {registry}").split()[0]
    build = f"printf 'FROM {registry}:{present}\\nLABEL next=1\\n' | docker build --quiet --tag {registry}:{NEXT} -"
    event.on("eu1", f"{build} && docker push --quiet {registry}:{NEXT}")
    event.change("control:", f"versions: {{janus: {NEXT}}}\ncontrol:")
    still, took_s = await while_they_watch(people, event, "apply", str(event.path), "--yes")
    say(f"Janus upgraded on every node in {took_s:.0f} s; {still}")
    running = event.on("eu1", "docker service ls --format '{{.Name}} {{.Image}}'")
    images = {line.split()[1] for line in running.splitlines() if line.split()[0].endswith("_janus")}
    assert images == {f"{registry}:{NEXT}"}


async def test_secrets_are_rotated(
    event: Event, lab: str, people: dict[str, Session], say: Callable[[str], None]
) -> None:
    """A node's own, and the keys of tokens."""
    still, took_s = await while_they_watch(people, event, "rotate", lab, "node", "us2-st1")
    say(f"secrets of us2-st1 rotated in {took_s:.0f} s; {still}")
    still, took_s = await while_they_watch(people, event, "rotate", lab, "tokens")
    say(f"keys of tokens rotated in {took_s:.0f} s; {still}")


async def test_the_store_is_restored(
    event: Event, operator: Operator, people: dict[str, Session], tmp_path: Path, say: Callable[[str], None]
) -> None:
    """From a snapshot: what was opened since is gone, media never stopped."""
    kept, lab = str(tmp_path / "backup"), event.lab.name
    await asyncio.to_thread(event.run, "backup", lab, kept)
    operator.call("PUT", "/v1/sessions/later", {})
    still, took_s = await while_they_watch(people, event, "restore", lab, kept, "--only", "store", "--yes")
    say(f"store restored in {took_s:.0f} s; {still}")
    assert "later" not in operator.call("GET", "/v1/map")[1]["sessions"]


async def test_a_host_is_taken_away(
    event: Event, operator: Operator, people: dict[str, Session], say: Callable[[str], None]
) -> None:
    """Its line leaves the file: it is drained, then it leaves the swarm with nothing of ours left on it."""
    event.write(
        "".join(line for line in event.text.splitlines(keepends=True) if not line.strip().startswith(f"{SPARE}:"))
    )
    still, took_s = await while_they_watch(people, event, "apply", str(event.path), "--yes")
    say(f"a host taken away in {took_s:.0f} s; {still}")
    assert NEW not in regions_of_nodes(operator)
    assert SPARE not in event.on("eu1", "docker node ls --format '{{.Hostname}}'").split()
    assert event.on(SPARE, "docker ps --all --quiet") == ""

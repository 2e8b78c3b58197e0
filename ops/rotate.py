"""``bin/rtcdn rotate``: new secrets, keys and certificates while media flow; old and new are good in between."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ops import deployed, journal, secret_files, target
from ops.client import Operator
from ops.client import find as find_deployment
from ops.deployed import Deployed
from ops.journal import Journal
from ops.pki import new_ca
from ops.words import seconds
from rtcdn.errors import ConfigError, RtcdnError

CONTROL = ("gateway", "broker")
WHAT = ("tokens", "turn", "certificates", "ca", "node", "all")
DROPPED = ("tokens", "turn", "ca", "all")  # those that leave an old one good

Step = tuple[Callable[[], object], Callable[[], None]]  # of the files here, and what hands them out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="name of the event, or its file")
    parser.add_argument(
        "what", choices=WHAT, help="node: the secrets of NODE..., or of every node; all: all but the CA"
    )
    parser.add_argument("nodes", metavar="NODE", nargs="*", help="with node: which ones")
    parser.add_argument("--drop-old", action="store_true", help="what the last rotation left good counts no more")
    parser.add_argument("--inventory", default="", help="another inventory than the one the event was applied with")


def run(args: argparse.Namespace) -> int:
    """Rotate; 1 when a playbook failed (run again, it goes on)."""
    if args.drop_old and args.what not in DROPPED:
        raise ConfigError(
            [f"--drop-old: {args.what} leaves nothing old that is good; it goes with {', '.join(DROPPED)}"]
        )
    deployment = deployed.find(args.event, args.inventory)
    nodes = chosen_nodes(args.what, args.nodes, find_deployment(deployment.name).nodes)
    with Journal(deployment.name).during(f"rotate {args.what}", args.event) as journal:
        rotation = Rotation(deployment, journal)
        try:
            if args.drop_old:
                rotation.drop(args.what)
            else:
                for what in ("tokens", "turn", "certificates", "node") if args.what == "all" else (args.what,):
                    rotation.rotate(what, nodes)
        except PlayFailed as failed:
            journal.failed()
            print(f"\nStopped: {failed}. Old and new are still good; run it again to go on.")
            return 1
    return 0


class PlayFailed(RtcdnError):
    """A playbook did not do what it should; it has said why."""


def chosen_nodes(what: str, asked: Sequence[str], known: Sequence[str]) -> list[str]:
    """The nodes that are meant; ConfigError names those that are none."""
    if asked and what != "node":
        raise ConfigError(
            [f"{' '.join(asked)}: nodes are named after 'node' only: rotate EVENT node {' '.join(asked)}"]
        )
    wrong = [each for each in asked if each not in known]
    if wrong:
        raise ConfigError([f"{each} is no node of the event: {', '.join(sorted(known))}" for each in wrong])
    return list(asked or known)


class Rotation:
    """The steps of each kind: prepare (both good), hand out, promote (new in use), hand out; later drop the old.

    ``rotation.json`` keeps how many steps of a kind are done, so that one that was cut off goes on where it was.
    """

    def __init__(self, deployment: Deployed, journal: Journal | None = None) -> None:
        self.deployment, self.journal = deployment, journal
        self.secrets, self.pki = deployment.state / "secrets", deployment.state / "pki"
        self.progress = deployment.state / "rotation.json"

    def rotate(self, what: str, nodes: Sequence[str]) -> None:
        """Bring in new ones."""
        if what == "tokens":
            self._tokens()
        elif what == "turn":
            self._turn()
        elif what == "certificates":
            self._play("certificates renewed", "ansible/rotate.yml", {"pki_renew_days": 100_000})
        elif what == "ca":
            self._ca()
        else:
            self._nodes(nodes)

    def drop(self, what: str) -> None:
        """What is old counts no more. It is handed out also where nothing is left here: a run may have been cut off."""
        kinds = ("tokens", "turn") if what == "all" else (what,)
        for kind in kinds:
            if self._done(kind) is not None:
                cure = f"finish it first: bin/rtcdn rotate {self.deployment.name} {kind}"
                raise ConfigError([f"a rotation of {kind} was cut off, and the old is still in use: {cure}"])
        if "tokens" in kinds:
            secret_files.drop_tokens(self.secrets)
            self._play("the old token key counts no more", parts=CONTROL)
        if "turn" in kinds and self._has_turn():
            secret_files.drop_turn(self.secrets / "turn.json")
            self._play("the old TURN secret counts no more", parts=("turn",))
        if "ca" in kinds:
            secret_files.drop_ca(self.pki)
            self._play("the old CA is trusted no more", "ansible/rotate.yml")

    def _tokens(self) -> None:
        left_s = secret_files.still_good(self.secrets / "token_key.old.pem", secret_files.TOKEN_LIFE_S)
        if left_s and self._done("tokens") is None:
            cure = (
                f"wait {seconds(left_s)}, or end them with: bin/rtcdn rotate {self.deployment.name} tokens --drop-old"
            )
            raise ConfigError([f"tokens of the key before the last rotation may still be in use: {cure}"])
        self._steps(
            "tokens",
            (self._next_tokens, lambda: self._play("both token keys are known", parts=CONTROL)),
            (
                lambda: secret_files.promote_tokens(self.secrets),
                lambda: self._play("the new token key signs", parts=CONTROL),
            ),
        )

    def _next_tokens(self) -> None:
        secret_files.drop_tokens(self.secrets)
        secret_files.prepare_tokens(self.secrets)

    def _has_turn(self) -> bool:
        there = (self.secrets / "turn.json").is_file()
        if not there:
            print("turn: the event has no TURN server, there is no secret to rotate")
        return there

    def _turn(self) -> None:
        if not self._has_turn():
            return
        secrets = self.secrets / "turn.json"
        self._steps(
            "turn",
            (
                lambda: secret_files.prepare_turn(secrets),
                lambda: self._play("TURN servers take both secrets", parts=("turn",)),
            ),
            (
                lambda: None,
                lambda: self._play("gateways hand out credentials of the new one", parts=("gateway",)),
            ),
        )

    def _ca(self) -> None:
        name = f"rtcdn {self.deployment.name} {time.strftime('%Y-%m-%d %H:%M')}"  # unlike the old one's
        self._steps(
            "ca",
            (
                lambda: secret_files.prepare_ca(self.pki, lambda: new_ca(name)),
                lambda: self._play("both CAs are trusted", "ansible/rotate.yml"),
            ),
            (
                lambda: secret_files.promote_ca(self.pki),
                lambda: self._play("certificates are of the new CA", "ansible/rotate.yml"),
            ),
        )
        print(f"The old CA is still trusted. End that with: bin/rtcdn rotate {self.deployment.name} ca --drop-old")

    def _steps(self, kind: str, *steps: Step) -> None:
        """Change files, hand them out, step by step; what was cut off goes on with the step that was not done."""
        done = self._done(kind)
        if done is not None:
            print(f"{kind}: going on with the rotation that was cut off\n")
        for number, (change, hand_out) in enumerate(steps):
            if number >= (done or 0):
                self._note(kind, number)
                change()
                hand_out()
        self._note(kind, None)

    def _done(self, kind: str) -> int | None:
        """How many steps of a rotation that was cut off are done; None when none is under way."""
        return target.read_json(self.progress).get(kind)

    def _note(self, kind: str, done: int | None) -> None:
        others = {each: steps for each, steps in target.read_json(self.progress).items() if each != kind}
        journal.write(self.progress, others if done is None else {**others, kind: done})

    def _nodes(self, nodes: Sequence[str]) -> None:
        files = {node: self.secrets / f"node_{node}.json" for node in nodes}
        presented = self._presented()
        done = {node for node, path in files.items() if self._under_way(path, presented.get(node, ""))}
        for node in files.keys() - done:  # what was cut off goes on with the secrets that were made for it
            secret_files.prepare_node(files[node])
        self._play("brokers and gateways know both secrets", parts=CONTROL)
        for node, path in files.items():
            secret_files.promote_node(path)
            self._play(f"{node} has new secrets", parts=(node,))

    @staticmethod
    def _under_way(path: Path, presented: str) -> bool:
        gets, newest = secret_files.node_version(path)
        return newest != gets or presented not in ("", gets)

    def _presented(self) -> dict[str, str]:
        """Version of its secrets that each node presents."""
        with Operator(find_deployment(self.deployment.name)) as operator:
            nodes = operator.call("GET", "/v1/nodes")[1]["nodes"]
        return {node["id"]: node["secret_version"] for node in nodes}

    def _play(
        self,
        done: str,
        playbook: str = "ansible/upgrade.yml",
        extra: dict[str, Any] | None = None,
        parts: Sequence[str] = (),
    ) -> None:
        chosen = {"upgrade_parts": list(parts), "rtcdn_verify": False} if parts else {}
        outcome = deployed.play(self.deployment, playbook, {**chosen, **(extra or {})}, journal=self.journal)
        if outcome.code:
            raise PlayFailed(f"not yet: {done}")
        print(f"{done} ({seconds(outcome.took_s)})\n")

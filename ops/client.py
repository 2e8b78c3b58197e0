"""The operator's side of the broker's API: finds a deployment of this machine, signs a token, calls through nginx."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from rtcdn import tls
from rtcdn.errors import ConfigError, RtcdnError
from rtcdn.tokens import OPERATOR, Claims, SigningKey

STATES = Path("/var/lib/rtcdn")
TOKEN_LIFE_S = 300
TIMEOUT_S = 20.0


class CallRefused(RtcdnError):
    """The broker (or nginx) said no; the text names field and cure where they were given."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Deployment:
    """What ``up`` noted of a deployment in its state folder (``deployment.json``)."""

    name: str
    state: Path
    url: str  # by which this machine reaches nginx
    public_url: str  # by which clients do
    ca: str  # PEM file to trust; empty: the system's authorities
    nodes: tuple[str, ...] = ()  # that it should have
    gateways: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # trusted beside ``ca``: PEM files, or ``system``


def find(name: str, states: Path = STATES) -> Deployment:
    """The deployment ``name`` of this machine; raises ConfigError when it is not there or not readable."""
    state = states / name
    path = state / "deployment.json"
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        parts = tuple(noted["nodes"]), tuple(noted["gateways"]), tuple(noted.get("also", ()))
        return Deployment(name, state, noted["url"], noted["public_url"], noted["ca"], *parts)
    except FileNotFoundError:
        there = ", ".join(sorted(each.parent.name for each in states.glob("*/deployment.json"))) or "none"
        raise ConfigError(
            [f"{path} is not there: bin/rtcdn apply (or up) makes it; deployments here: {there}"]
        ) from None
    except PermissionError:
        raise ConfigError([f"{path} cannot be read: run as the user who ran bin/rtcdn up (root)"]) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError([f"{path} cannot be understood ({error!r}): run bin/rtcdn up again"]) from None


class Operator:
    """Calls of the broker's API with an operator token that is signed with the deployment's own key."""

    def __init__(self, deployment: Deployment, who: str = "") -> None:
        """``who`` asks, as the broker notes it; the user of this process where nobody is named."""
        self.deployment, self._who = deployment, who or os.environ.get("USER", "root")
        self._key = SigningKey.from_pem(deployment.state / "secrets" / "token_key.pem")
        try:
            trust = tls.trusting([deployment.ca, *deployment.also])
        except OSError as error:
            told = ", ".join(filter(None, (deployment.ca, *deployment.also)))
            raise ConfigError([f"{told}: cannot be read ({error}): give PEM files on this machine"]) from None
        self._http = httpx.Client(base_url=deployment.url, verify=trust, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        """Use as a context manager, so that connections are closed."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        """Close."""
        self._http.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON of one call; raises CallRefused with the problem's own words."""
        token = self._key.sign(Claims(sub=self._who, scope=OPERATOR, exp=time.time() + TOKEN_LIFE_S))
        try:
            answer = self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise CallRefused(
                0, f"{self.deployment.url} does not answer: {error}; is the deployment up? bin/rtcdn up"
            ) from None
        if answer.is_error:
            raise CallRefused(answer.status_code, problem_text(answer))
        return answer.status_code, answer.json() if answer.content else None


def problem_text(answer: httpx.Response) -> str:
    """What went wrong in one line: status, title or detail, field and cure of a problem document."""
    try:
        problem = answer.json()
        parts = [problem.get("detail") or problem.get("title") or "refused"]
        parts += [f"{name}: {problem[name]}" for name in ("field", "cure") if problem.get(name)]
    except (ValueError, AttributeError):
        parts = [answer.text[:200] or "refused"]
    return f"{answer.status_code} {'; '.join(str(part) for part in parts)}"

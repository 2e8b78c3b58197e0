"""The leader's loop: finish plans that were left, do what time brings, and mend what is not as it should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from broker.core.actions import Step, step_name
from broker.core.housekeeping import due
from broker.core.policy.registry import Registry
from broker.core.reconcile import CAUGHT_UP_S, reconcile
from broker.core.requests import Request, Watched
from broker.core.virtual_map import VirtualMap
from broker.desk import Desk, Refused, subject
from broker.leader import Leadership
from broker.plans import Performer
from broker.watch import MapKeeper
from rtcdn import log
from rtcdn.errors import NodeAway, NodeRefused, NotLeader, RtcdnError, StoreAway

_log = log.get("broker.reconcile")
PERIOD_S = 1.0
MOST_REST = 16  # times the time in which reports catch up
PATIENCE_S = (1.0, 30.0)  # after a failure of the same step: doubled up to the second


class Patience:
    """How long to leave a thing alone after it failed: twice as long each time."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._until: dict[str, tuple[float, float]] = {}

    def may(self, what: str) -> bool:
        """Is it time to try (again)?"""
        return self._now_s() >= self._until.get(what, (0.0, 0.0))[0]

    def failed(self, what: str) -> None:
        """It failed (again)."""
        wait_s = min(self._until.get(what, (0.0, PATIENCE_S[0] / 2))[1] * 2, PATIENCE_S[1])
        self._until[what] = (self._now_s() + wait_s, wait_s)

    def done(self, what: str) -> None:
        """It succeeded."""
        self._until.pop(what, None)


class Mended:
    """When each session was last mended; one that needs the same step again and again rests twice as long each time.

    A node that reports what is not so (a collector without its admin key sees no private context) would otherwise
    have its links made anew, audibly, every few seconds. Another step than before is another fault: it does not wait.
    """

    def __init__(self) -> None:
        self.at_s: dict[str, float] = {}
        self._in_a_row: dict[str, dict[str, int]] = {}  # session -> step -> how often

    def note(self, performed: Iterable[tuple[str, str]], now_s: float) -> None:
        """These (session, step) were mended in this turn; what was looked at and needed nothing is forgotten."""
        steps: dict[str, set[str]] = {}
        for session, step in performed:
            steps.setdefault(session, set()).add(step)
        for session in [name for name, at_s in self.at_s.items() if at_s + CAUGHT_UP_S < now_s]:
            if session not in steps:
                del self.at_s[session], self._in_a_row[session]
        for session, names in steps.items():
            before = self._in_a_row.get(session, {})
            self._in_a_row[session] = before | {name: before.get(name, 0) + 1 for name in names}
            times = max(before.get(name, 0) for name in names)
            self.at_s[session] = now_s + CAUGHT_UP_S * (min(2**times, MOST_REST) - 1)


def wishes(vmap: VirtualMap, watched: Mapping[str, tuple[str, ...]], before: Collection[str] = ()) -> list[Watched]:
    """What people would like to see and the sessions' intents do not say yet; only where slots are too few for all.

    ``before``: sessions where they wished something a moment ago. Of others nothing is asked: what an operator put
    there stays.
    """
    found = []
    for name in sorted({*watched, *before}):
        view = vmap.session(name)
        if view and view.intent and view.intent.scenario == "big_island":
            wanted = tuple(who for who in watched.get(name, ()) if who in view.publishers)
            if wanted != view.intent.watched:
                found.append(Watched(name, wanted))
    return found


class Reconciler:
    """Runs in a thread of its own on every replica and works only while that one leads."""

    def __init__(
        self,
        *,
        keeper: MapKeeper,
        leadership: Leadership,
        desk: Desk,
        performer: Performer,
        registry: Registry,
        policy: str = "",
        watched: Callable[[], Mapping[str, tuple[str, ...]]] = dict,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._watched = watched
        self._wished: frozenset[str] = frozenset()
        self._keeper, self._leadership, self._desk, self._performer = keeper, leadership, desk, performer
        self._registry, self._policy, self._now_s = registry, policy, now_s
        self._patience = Patience(time.monotonic)
        self._mended = Mended()
        self._wake, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)
        self.turns = 0
        self.repairs = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the present turn."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def nudge(self) -> None:
        """Take a turn now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._closed:
            try:
                if self._leadership.leads and self._ready():
                    self.turn()
            except (StoreAway, NotLeader) as error:
                _log.info("turn-ended", reason=error)
            except Exception:  # noqa: BLE001  (the next turn may be right)
                _log.exception("turn-failed")
            self._wake.wait(PERIOD_S)
            self._wake.clear()

    def _ready(self) -> bool:
        """The map has seen our election, so it holds all that leaders before us committed."""
        revision = self._leadership.revision
        return not self._keeper.away and self._keeper.current.revision >= revision > 0

    def turn(self) -> None:
        """Everything once, from the current map."""
        self._finish_plans()
        policy = self._registry.find(self._policy)
        for request in tuple(due(self._keeper.current, policy, self._now_s(), self._registry.find)):
            self._ask(request)
        watched = self._watched()
        asked = wishes(self._keeper.current, watched, self._wished)
        for request in asked:
            self._ask(request)
        self._wished = frozenset((*watched, *(request.session for request in asked)))  # an end that failed: once more
        vmap = self._keeper.current
        steps = reconcile(vmap, self._now_s(), self._mended.at_s)
        done = [(step.session, f"{step_name(step)} {step.id}") for step in steps if self._repair(step, vmap)]
        # What belongs to no session is removed once; it says nothing of a session of that name opened later.
        self._mended.note([each for each in done if each[0] in vmap.sessions], self._now_s())
        self.turns += 1

    def _finish_plans(self) -> None:
        left = [name for name, view in self._keeper.current.sessions.items() if view.plan]
        for session in left:
            with self._desk.locks.hold(session):
                try:
                    self._performer.finish(session)
                except (NodeAway, NodeRefused) as error:
                    _log.warning("plan-mended-later", session=session, reason=error)
                except RtcdnError:
                    raise
                except Exception:  # noqa: BLE001  (of this session; others must not wait for it)
                    _log.exception("plan-failed", session=session)

    def _ask(self, request: Request) -> None:
        name = f"{type(request).__name__} {subject(request)}"
        if not self._patience.may(name):
            return
        try:
            self._desk.handle(request)
            self._patience.done(name)
        except (StoreAway, NotLeader):
            raise
        except (Refused, RtcdnError) as error:
            self._patience.failed(name)
            _log.warning("housekeeping-failed", request=name, reason=error)
        except Exception:  # noqa: BLE001  (of this request; others must not wait for it)
            self._patience.failed(name)
            _log.exception("housekeeping-failed", request=name)

    def _repair(self, step: Step, vmap: VirtualMap) -> bool:
        """Perform it, unless the session has changed since and it is not asked for any more."""
        name = f"{step_name(step)} {step.session} {step.id}"
        if not self._patience.may(name):
            return False
        with self._desk.locks.hold(step.session):
            now = self._keeper.current
            same = now.sessions.get(step.session) is vmap.sessions.get(step.session)
            if not same and step not in reconcile(now, self._now_s()):
                return False
            try:
                self._performer.repair(step)
                self.repairs += 1
                self._patience.done(name)
                _log.info("repaired", step=step_name(step), session=step.session, id=step.id)
            except (NodeAway, NodeRefused) as error:
                self._patience.failed(name)
                _log.warning("repair-failed", step=step_name(step), session=step.session, id=step.id, reason=error)
                return False
            except RtcdnError:
                raise
            except Exception:  # noqa: BLE001  (of this step; others must not wait for it)
                self._patience.failed(name)
                _log.exception("repair-failed", step=step_name(step), session=step.session, id=step.id)
                return False
        return True

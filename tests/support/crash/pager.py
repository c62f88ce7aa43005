"""Histories of related targets in which everything happens at once, judged by what a pager shows: no alert is given up for nothing.

Sources fire, recover and go silent; people own, end, merge and take out; settings regroup; programs are killed and the store fails. The
pager is PagerDuty as it documents itself: a trigger changes nothing about an alert that is open.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.errors import BusyError, ConflictError, RefusedError, UnavailableError
from core.events import Change, Command, Finding, Severity, Status, Verb
from core.incidents.messages import Message
from core.incidents.model import Incident, State
from core.incidents.policy import Graph
from core.settings import Dependency, People, Route, Stakeholder, Tier, When
from core.settings.response import Policy
from functions.adapters.notify.pagerduty import events
from functions.incident_router.router import Received, RoutedEvent, handle
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.documents import GROUPS, read_group
from tests.support.crash.breaking import KilledError
from tests.support.fakes.outside import ALL, FINDING, POLICY, Setup, set_up
from tests.support.servers.pagerduty import after_event

TARGETS = ("model/x", "model/y", "table/t", "probe/z")
_APART: tuple[Dependency, ...] = ()
_TOGETHER = tuple(Dependency(target=one, needs="table/t") for one in ("model/x", "model/y"))
_ROUTES = (
    Route(
        when=When(severity=ALL - {Severity.INFO}, targets=("model/*", "pods/*")), to=("technical",), group_by=("pods",)
    ),
    Route(when=When(), to=("operations",)),
)
_PEOPLE = People(
    stakeholders={
        "technical": Stakeholder(name="technical", tiers=(Tier(to=("pager",), wait=timedelta(minutes=5)),)),
        "operations": Stakeholder(name="operations", tiers=(Tier(to=("inbox",), wait=timedelta(minutes=5)),)),
    },
    routes=_ROUTES,
)
"""Of two stakeholders each has a pager, so that incidents that are merged may have other receivers."""
_PAGERS = ("pager", "inbox")
_TIMING = Policy(resolve_after=timedelta(hours=6), acknowledgement_timeout=timedelta(minutes=50))
_VERBS = (
    Verb.ACKNOWLEDGE,
    Verb.TAKE_OVER,
    Verb.GIVE_BACK,
    Verb.MITIGATE,
    Verb.RESOLVE,
    Verb.CANCEL,
    Verb.REOPEN,
    Verb.SPLIT,
)
_FAILED = (KilledError, UnavailableError, BusyError, ConflictError)


@dataclass(slots=True)
class History:
    """One history, by seed.

    Attributes:
        rng: says what happens.
        setup: router, sweep and what is around them.
        waiting: deliveries that were not acknowledged, and come again.
        alerts: what each pager shows, by incident.
        last: what each pager was told last, by incident.
        seen: how many messages the pagers have taken.
        reported: how many reports of parts were delivered.
        false: what was wrong, in words.
    """

    rng: random.Random
    setup: Setup
    waiting: list[RoutedEvent] = field(default_factory=list)
    alerts: dict[tuple[str, str], str] = field(default_factory=dict)
    last: dict[tuple[str, str], Change] = field(default_factory=dict)
    seen: int = 0
    reported: int = 0
    false: list[str] = field(default_factory=list)

    def step(self) -> None:
        """Something happens, perhaps breaks, and time passes."""
        self._threaten()
        incidents = list(self.incidents())
        match self.rng.choice(("fires", "fires", "fires", "recovers", "says", "says", "merges", "regroups")):
            case "fires":
                self._give(self._finding(Status.FIRING))
            case "recovers":
                self._give(self._finding(Status.RESOLVED))
            case "says" if incidents:
                self._say(self.rng.choice(_VERBS), self.rng.choice(incidents))
            case "merges" if len(incidents) > 1:
                one, other = self.rng.sample(incidents, 2)
                self._say(Verb.MERGE, one, to=other.id)
            case "regroups":
                self._regroup()
        self._deliver_again()
        for _ in range(self.rng.choice((0, 1, 3))):
            self._sweep()
        self.setup.world.now += timedelta(minutes=self.rng.choice((0, 1, 4, 16, 45, 90)))

    def end(self) -> None:
        """Nothing breaks any more: what waits is delivered, what is deferred is told, and the pagers are looked at."""
        world = self.setup.world
        world.kill_at, world.chance = 0, lambda: 1.0
        for _ in range(40):
            world.now += LEASE
            self._deliver_again()
        for _ in range(45):
            self._sweep()
            self._deliver_again()
        assert not self.waiting
        self.false += self._judged()

    def incidents(self) -> Iterator[Incident]:
        """The incidents of all groups."""
        for (name, _), found in self.setup.world.documents.items():
            if name == GROUPS:
                yield from read_group(found.data).state.incidents

    def _judged(self) -> Iterator[str]:
        for incident in self.incidents():
            for pager in set(_PAGERS) & set(incident.notified.channels):
                shown, last = self.alerts.get((pager, incident.id), "nothing"), self.last.get((pager, incident.id))
                if shown not in _allowed(incident, last):
                    yield f"{pager}: {incident.id} is {_state(incident)}, {shown} there after {last}"

    def _say(self, verb: Verb, incident: Incident, to: str = "") -> None:
        at = self.setup.world.now - timedelta(minutes=self.rng.choice((0, 0, 0, 7)))
        self._give(Command(verb=verb, subject=incident.id, by=self.rng.choice(("ada", "bob")), at=at, to=to))

    def _regroup(self) -> None:
        graph = Graph(self.rng.choice((_APART, _TOGETHER)))
        self.setup.service = replace(self.setup.service, policy=replace(self.setup.service.policy, graph=graph))

    def _finding(self, status: Status) -> Finding:
        at = self.setup.world.now - timedelta(minutes=self.rng.choice((0, 0, 0, 3, 40)))
        holds = self.rng.choice((None, 5, 90)) if status is Status.FIRING else None
        return replace(
            FINDING,
            target=self.rng.choice(TARGETS),
            kind=self.rng.choice(("drift", "accuracy")),
            status=status,
            severity=self.rng.choice((Severity.WARNING, Severity.ERROR, Severity.CRITICAL)),
            observed_at=at,
            labels={"pods": "shop"} if self.rng.random() < 0.2 else {},
            holds_until=at + timedelta(minutes=holds) if holds else None,
        )

    def _threaten(self) -> None:
        world = self.setup.world
        world.kill_at = world.boundaries + self.rng.randint(1, 80) if self.rng.random() < 0.3 else 0
        world.chance = self.rng.random if self.rng.random() < 0.2 else lambda: 1.0

    def _give(self, event: RoutedEvent) -> None:
        if not self._attempt(event):
            self.waiting.append(event)

    def _deliver_again(self) -> None:
        found = self.setup.world.found
        self.waiting += found[self.reported :]
        self.reported = len(found)
        self.rng.shuffle(self.waiting)
        again, self.waiting = self.waiting, []
        self.waiting += [event for event in again if not self._attempt(event)]

    def _attempt(self, event: RoutedEvent) -> bool:
        self.setup.world.dead = False
        try:
            handle(self.setup.service, Received(event, self.setup.world.now))
        except RefusedError:
            return True  # parked with the reason
        except _FAILED:
            return False
        finally:
            self._show()
        return True

    def _sweep(self) -> None:
        self.setup.world.dead = False
        try:
            self.setup.sweep(minutes=1)
        except _FAILED:
            self.setup.world.now += LEASE
        self._show()

    def _show(self) -> None:
        """Let the pagers take what was told since."""
        told, self.seen = self.setup.world.told[self.seen :], len(self.setup.world.told)
        for message in told:
            if message.channel in _PAGERS:
                self._take(message)

    def _take(self, message: Message) -> None:
        key = (message.channel, message.incident_id)
        self.last[key] = message.change
        for event in events(message):
            self.alerts[key] = after_event(self.alerts.get(key), event["event_action"]) or "nothing"
        if message.change is Change.MERGED and not self._goes_on(message):
            self.false.append(f"{message.key}: given up, though nobody there knows the one that goes on")

    def _goes_on(self, message: Message) -> bool:
        """Whether the pager shows the incident that goes on, or that one has recovered or was ended by a person."""
        known = {one.id: one for one in self.incidents()}
        incident, seen = known.get(message.incident_id), set[str]()
        while incident and incident.merged_into in known and incident.id not in seen:
            seen.add(incident.id)
            incident = known[incident.merged_into]
        if incident is None or incident.id == message.incident_id:
            return True  # taken out by now, or the other one is not kept any more
        is_over = incident.state is State.RESOLVED and not incident.expired
        return is_over or self.alerts.get((message.channel, incident.id)) in ("triggered", "acknowledged")


def _state(incident: Incident) -> str:
    how = "expired" if incident.expired else "merged" if incident.merged_into else ""
    return f"{incident.state} {how}".strip()


def _allowed(incident: Incident, last: Change | None) -> frozenset[str]:
    """What a pager may show of an incident, which it was told this of last: who is notified may be others after a reopening."""
    over = incident.state is State.RESOLVED and not incident.expired
    if incident.merged_into or over or last in (Change.RESOLVED, Change.MERGED):
        return frozenset({"resolved", "nothing"})
    if incident.state is State.OPEN and last is not Change.EXPIRED:
        return frozenset({"triggered"})
    return frozenset({"triggered", "acknowledged"})


def shown(seed: int, *, steps: int = 25) -> History:
    """A history to its end, judged.

    Args:
        seed: says which.
        steps: how many at most.
    """
    rng = random.Random(seed)
    history = History(rng, set_up(policy=replace(POLICY, people=_PEOPLE, timing=_TIMING)))
    for _ in range(rng.randint(3, steps)):
        history.step()
    history.end()
    return history

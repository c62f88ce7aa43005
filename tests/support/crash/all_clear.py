"""Histories of one target in which programs are killed and the store fails, judged by what people were told: no false all-clear.

A source is right about itself: where its last word that was acknowledged says that a condition fires and still holds, and it never said
anything later, nobody may be told that the incident is resolved, unless a person said so.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.errors import BusyError, ConflictError, UnavailableError
from core.events import Change, Command, Finding, Severity, Status, Verb
from core.incidents.model import Incident, State
from core.settings.response import Policy
from functions.incident_router.router import Received, handle
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.documents import GROUPS
from tests.support.crash.breaking import KilledError
from tests.support.fakes.outside import FINDING, POLICY, TARGET, Setup, set_up

KINDS = 4
RESOLVE_AFTER = timedelta(hours=6)
_POLICY = replace(POLICY, timing=Policy(resolve_after=RESOLVE_AFTER))
_VERBS = (Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.CANCEL, Verb.REOPEN, Verb.MITIGATE)
_WAITS = (0, 0, 1, 1, 4, 16, 90, 400)
_FAILED = (KilledError, UnavailableError, BusyError, ConflictError)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finding, when it was published, and whether the router acknowledged it: one that it did not may count or not."""

    finding: Finding
    published_at: datetime
    acknowledged: bool


@dataclass(slots=True)
class History:
    """One history, by seed.

    Attributes:
        rng: says what happens.
        setup: router, sweep and what is around them.
        heard: the findings so far.
        waiting: deliveries that were not acknowledged, and come again.
        seen: how many of the messages were judged.
        false: what people were told wrongly, in words.
    """

    rng: random.Random
    setup: Setup
    heard: list[Delivery] = field(default_factory=list)
    waiting: list[tuple[Finding | Command, datetime]] = field(default_factory=list)
    seen: int = 0
    false: list[str] = field(default_factory=list)

    def step(self) -> None:
        """Something happens, perhaps breaks, and time passes."""
        self._threaten()
        match self.rng.choice(("fires", "fires", "recovers", "repeats", "again", "says", "sweeps")):
            case "fires":
                self._give(self._finding(Status.FIRING), self.setup.world.now)
            case "recovers":
                self._give(self._finding(Status.RESOLVED), self.setup.world.now)
            case "repeats" if self.heard:
                self._give(self.rng.choice(self.heard).finding, self.setup.world.now)
            case "again" if self.heard:
                one = self.rng.choice(self.heard)
                self._give(one.finding, one.published_at)
            case "says" if (incident := self._incident()) is not None:
                verb = self.rng.choice(_VERBS)
                self._give(Command(verb=verb, subject=incident.id, by="ada", at=self.setup.world.now), None)
        self._deliver_again()
        for _ in range(self.rng.choice((0, 1, 3))):
            self._sweep()
        self.setup.world.now += timedelta(minutes=self.rng.choice(_WAITS))

    def end(self) -> None:
        """Nothing breaks any more: what waits is delivered and told."""
        world = self.setup.world
        world.kill_at, world.chance = 0, lambda: 1.0
        for _ in range(40):
            world.now += LEASE
            self._deliver_again()
        for _ in range(5):
            self._sweep()
        assert not self.waiting

    def _finding(self, status: Status) -> Finding:
        at = self.setup.world.now - timedelta(minutes=self.rng.choice((0, 0, 0, 3, 90)))
        holds = self.rng.choice((None, None, 5, 300)) if status is Status.FIRING else None
        return replace(
            FINDING,
            kind=f"kind-{self.rng.randrange(KINDS)}",
            status=status,
            severity=self.rng.choice(tuple(Severity)),
            observed_at=at,
            holds_until=at + timedelta(minutes=holds) if holds else None,
        )

    def _threaten(self) -> None:
        world = self.setup.world
        world.kill_at = world.boundaries + self.rng.randint(1, 60) if self.rng.random() < 0.5 else 0
        world.chance = self.rng.random if self.rng.random() < 0.3 else lambda: 1.0

    def _give(self, event: Finding | Command, published_at: datetime | None) -> None:
        published = published_at or self.setup.world.now
        acknowledged = self._attempt(event, published)
        if not acknowledged:
            self.waiting.append((event, published))

    def _deliver_again(self) -> None:
        self.rng.shuffle(self.waiting)
        self.waiting = [(event, at) for event, at in self.waiting if not self._attempt(event, at)]

    def _attempt(self, event: Finding | Command, published_at: datetime) -> bool:
        self.setup.world.dead = False
        if isinstance(event, Finding):
            self.heard.append(Delivery(event, published_at, acknowledged=False))
        try:
            handle(self.setup.service, Received(event, published_at))
        except _FAILED:
            return False
        finally:
            self._judge()
        if isinstance(event, Finding):
            self.heard.append(Delivery(event, published_at, acknowledged=True))
        return True

    def _sweep(self) -> None:
        self.setup.world.dead = False
        try:
            self.setup.sweep(minutes=1)
        except _FAILED:
            self.setup.world.now += LEASE
        self._judge()

    def _incident(self) -> Incident | None:
        if (GROUPS, TARGET) not in self.setup.world.documents:
            return None
        incidents = self.setup.world.group().state.incidents
        return self.rng.choice(incidents) if incidents else None

    def _judge(self) -> None:
        """Look at what people were told since."""
        told, self.seen = self.setup.world.told[self.seen :], len(self.setup.world.told)
        for message in told:
            if message.change is not Change.RESOLVED:
                continue
            known = {one.id: one for one in self.setup.world.group().state.incidents}
            incident = known.get(message.incident_id)
            if incident is None or incident.closed_at is not None or incident.merged_into:
                continue
            others = (one for one in known.values() if one is not incident and incident.target in one.targets)
            if any(one.state is not State.RESOLVED for one in others):
                continue  # what fires by now is another incident, of which people are told
            if firing := sorted(self._certainly_firing(incident)):
                self.false.append(f"{message.key} at {self.setup.world.now}: {', '.join(firing)} fires")

    def _certainly_firing(self, incident: Incident) -> Iterator[str]:
        """The conditions of which the source's last word, for certain, is that they fire, and still holds."""
        for key in incident.conditions:
            own = [one for one in self.heard if one.finding.condition == key]
            fires = [one for one in own if one.acknowledged and one.finding.status is Status.FIRING]
            over = max((one.finding.observed_at for one in own if one.finding.status is Status.RESOLVED), default=None)
            newest = max((one.finding.observed_at for one in fires), default=None)
            if newest is None or (over is not None and over >= newest):
                continue
            # A newer one that was not acknowledged may count all the same, and hold for less.
            said = [one for one in own if one.finding.status is Status.FIRING and one.finding.observed_at >= newest]
            if self._holds(said):
                yield key

    def _holds(self, said: list[Delivery]) -> bool:
        """Whether a firing holds for certain: the renewal of what is repeated is saved now and then only."""
        now = self.setup.world.now
        limits = [one.finding.holds_until for one in said]
        if any(limits):
            return all(limit is not None and limit > now for limit in limits)
        spoke = max(max(one.published_at, one.finding.observed_at) for one in said if one.acknowledged)
        return spoke + RESOLVE_AFTER * 23 / 24 > now


def told(seed: int, *, steps: int = 25) -> History:
    """A history to its end, judged.

    Args:
        seed: says which.
        steps: how many at most.
    """
    rng = random.Random(seed)
    history = History(rng, set_up(policy=_POLICY))
    for _ in range(rng.randint(3, steps)):
        history.step()
    history.end()
    return history


def lasting(history: History) -> list[str]:
    """What fires for certain in the end, although no incident is open and no person said that it is over."""
    if (GROUPS, TARGET) not in history.setup.world.documents:
        return []
    incidents = history.setup.world.group().state.incidents
    if any(one.state is not State.RESOLVED or one.closed_at is not None for one in incidents):
        return []
    return sorted({key for one in incidents for key in history._certainly_firing(one)})

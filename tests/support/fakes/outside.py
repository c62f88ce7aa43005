"""The outside of the incident router in memory: it counts, fails and dies where a test wants it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.errors import BusyError, UnavailableError
from core.events import (
    ActionRequest,
    Command,
    Event,
    Finding,
    IncidentChange,
    IncidentDecision,
    Severity,
    Status,
    SweepBatch,
    Tick,
    Verb,
)
from core.incidents.fold import fold
from core.incidents.messages import Message
from core.incidents.model import GroupState, Incident
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import IncidentPolicy
from core.settings import People, Route, Stakeholder, Tier, When
from functions.adapters.events import decode, encode
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channel import Channel, DeliveryOutcome, Receipt
from functions.adapters.ports import Data, Store
from functions.incident_router.router import Received, RoutedEvent, handle
from functions.incident_sweep.sweep import NAME, Sweeper, sweep
from functions.runtime.endpoint import finish
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.channel_tests import ChannelTests
from functions.services.incidents.delivery import Dispatcher, failing_channels, in_threads
from functions.services.incidents.documents import GROUPS, INCIDENTS, Silences, read_group, usual_revenues
from functions.services.incidents.service import IncidentService
from tests.support.crash.breaking import START, Breaking, KilledError, MemoryMetrics, MemoryStore

TARGET = "model/flight-delay"
ALL = frozenset(Severity)
PEOPLE = People(
    stakeholders={
        "technical": Stakeholder(
            name="technical",
            tiers=(
                Tier(to=("inbox",), wait=timedelta(minutes=5)),
                Tier(to=("pager",), wait=timedelta(minutes=15)),
            ),
        ),
        "operations": Stakeholder(name="operations", tiers=(Tier(to=("log",), wait=timedelta(minutes=5)),)),
    },
    routes=(
        Route(when=When(severity=ALL - {Severity.INFO}), to=("technical",)),
        Route(when=When(), to=("operations",)),
    ),
)
POLICY = IncidentPolicy(people=PEOPLE, url="http://pages")
FINDING = Finding(
    target=TARGET,
    kind="drift",
    status=Status.FIRING,
    severity=Severity.WARNING,
    observed_at=START,
    source="drift_score",
    summary="departure_delay drifted",
    value=0.6,
    threshold=0.2,
    evidence={"departure_delay": "PSI 0.6"},
)


def found(
    minute: float, status: Status = Status.FIRING, severity: Severity = Severity.WARNING, **names: str
) -> Finding:
    at = START + timedelta(minutes=minute)
    kind = names.get("kind", "drift")
    return replace(FINDING, observed_at=at, status=status, severity=severity, kind=kind)


LIFE = [
    found(0),
    found(1),
    found(2, severity=Severity.CRITICAL),
    found(3, kind="performance"),
    found(4, Status.RESOLVED),
    found(5, Status.RESOLVED, kind="performance"),
    found(20),
    found(21, Status.RESOLVED),
    found(90, severity=Severity.ERROR),
]


@dataclass
class World(Breaking):
    """What the router and the sweep did: changes, requests, findings and messages, and which of them may be doubled."""

    now: datetime = START + timedelta(days=1)
    published: list[IncidentChange] = field(default_factory=list)
    asked: list[ActionRequest] = field(default_factory=list)
    swept: list[SweepBatch] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    decided: list[IncidentDecision] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    promised: set[str] = field(default_factory=set)
    excused: set[str] = field(default_factory=set)

    def excuse(self) -> None:
        groups = [read_group(found.data) for (name, _), found in self.documents.items() if name == GROUPS]
        self.excused |= set(self.performed()) & {effect.key for group in groups for effect in group.pending}

    def saved(self, collection: str, data: Data) -> None:
        if collection == GROUPS:
            self.promised |= {
                effect.key for effect in read_group(data).pending if effect.queue not in ("copy", "record", "report")
            }

    def performed(self) -> Counter[str]:
        return Counter(
            [change.id for change in self.published]
            + [message.key for message in self.told]
            + [request.id for request in self.asked]
        )

    def group(self, target: str = TARGET) -> IncidentGroup:
        return read_group(self.documents[GROUPS, target].data)

    def incidents(self) -> dict[str, Data]:
        return {key: document.data for (name, key), document in self.documents.items() if name == INCIDENTS}

    def channel_keys(self, channel: str) -> list[str]:
        return [message.key for message in self.told if message.channel == channel]


@dataclass
class MemoryBus:
    world: World

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        self.world.boundary()
        match topic:
            case "incidents":
                self.world.published.append(decode(encode(event), IncidentChange))
            case "actions":
                self.world.asked.append(decode(encode(event), ActionRequest))
            case "sweeps":
                self.world.swept.append(decode(encode(event), SweepBatch))
            case _:
                assert topic == "findings"
                self.world.found.append(decode(encode(event), Finding))
        self.world.boundary()

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        self.world.boundary()
        assert topic == "incident-decisions"
        self.world.decided += [decode(encode(event), IncidentDecision) for event in events]
        self.world.boundary()


@dataclass
class MemoryChannel:
    world: World
    fault: Exception | None = None
    answer: Receipt = field(default_factory=lambda: Receipt(DeliveryOutcome.DELIVERED))

    def send(self, message: Message) -> Receipt:
        self.world.boundary()
        if self.fault:
            raise self.fault
        if self.answer.outcome is DeliveryOutcome.DELIVERED:
            self.world.told.append(message)
        self.world.boundary()
        return self.answer


@dataclass
class Setup:
    world: World
    channels: dict[str, MemoryChannel]
    service: IncidentService
    sweeper: Sweeper | None = None

    def give(self, *events: RoutedEvent) -> None:
        for event in events:
            handle(self.service, Received(event, self.world.now))

    def sweep(self, **later: float) -> None:
        """Let time pass, then sweep."""
        self.world.now += timedelta(**later)
        if self.sweeper is None or self.sweeper.service is not self.service:  # deployed with other settings
            self.sweeper = Sweeper(service=self.service, sleep=self._sleep, monotonic=self._monotonic)
        tick = Tick(job=NAME, scheduled_at=self.world.now)
        finish(tick, sweep(self.sweeper, tick), function=NAME, metrics=self.service.metrics)

    def _monotonic(self) -> float:
        return self.world.now.timestamp()

    def _sleep(self, seconds: float) -> None:
        self.world.now += timedelta(seconds=seconds)

    def incident(self) -> Incident:
        """The newest incident of the target."""
        return self.world.group().state.incidents[-1]

    def command(
        self, verb: Verb, *, by: str = "ada", note: str = "", subject: str = "", target: str = "", **until: float
    ) -> Command:
        """Somebody says something about the newest incident, now."""
        at = self.world.now
        end = at + timedelta(**until) if until else None
        about = subject or self.incident().id
        told = Command(verb=verb, subject=about, by=by, at=at, note=note, until=end, target=target)
        self.give(told)
        return told

    def redeliver(self, findings: Sequence[Finding], *, attempts: int = 50) -> None:
        """As Pub/Sub does: what fails comes again, later, until it is acknowledged."""
        waiting = list(findings)
        for _ in range(attempts):
            again = [finding for finding in waiting if not self._acknowledged(finding)]
            if not again:
                return
            waiting = again
            self.world.now += LEASE
        pytest.fail(f"{len(waiting)} findings are never acknowledged")

    def _acknowledged(self, finding: Finding) -> bool:
        self.world.dead = False
        try:
            handle(self.service, Received(finding, self.world.now))
        except (KilledError, UnavailableError, BusyError):
            return False
        return True


def one_by_one(deliveries: Sequence[Callable[[], Any]]) -> Iterator[list[Any]]:
    return ([deliver()] for deliver in deliveries)


def set_up(
    store: Store | None = None, policy: IncidentPolicy = POLICY, kept: Callable[[World], Store] | None = None
) -> Setup:
    world = World()
    channels = {name: MemoryChannel(world) for name in ("inbox", "pager", "log")}
    metrics = MemoryMetrics(world)
    store_of = kept or MemoryStore
    opened = store or store_of(world)

    def clock() -> datetime:
        return world.now

    dispatcher = Dispatcher(
        store=opened,
        bus=MemoryBus(world),
        channels=dict[str, Channel](channels),
        metrics=metrics,
        clock=clock,
    )
    silences = Silences(opened, clock)
    service = IncidentService(
        store=opened,
        dispatcher=dispatcher,
        metrics=metrics,
        clock=clock,
        policy=policy,
        failing=failing_channels(opened, clock),
        silences=silences,
        usual=usual_revenues(opened, clock),
        channel_tests=ChannelTests(
            store=opened,
            ledger=Ledger(opened, clock, "test"),
            channels=dispatcher.channels,
            kinds={"inbox": "webhook", "pager": "pagerduty", "log": "console"},
            url=policy.url,
            clock=clock,
        ),
        run_all=one_by_one if store is None else in_threads,
    )
    return Setup(world, channels, service)


def changes(world: World) -> list[str]:
    return [change.change.value for change in world.published]


def snapshot(state: GroupState) -> object:
    facts = [(condition.key, condition.status, condition.severity, condition.history) for condition in state.conditions]
    life = state.incidents[-1]
    return life.state, life.severity, life.opened_at, life.resolved_at, life.conditions, facts


def expected_state(findings: Sequence[Finding], now: datetime) -> object:
    state: GroupState | None = None
    for finding in sorted(findings, key=lambda finding: finding.observed_at):
        state = fold(state, finding, now=now, policy=IncidentPolicy()).state
    assert state is not None
    return snapshot(state)


def _said_later(key: str, performed: Iterable[str]) -> bool:
    """Whether a message was sent that took the place of this one: about the same incident, to the same channel, later."""
    incident, _, rest = key.partition(":notify:")
    count, _, channel = rest.partition(":")
    later = (other.partition(":notify:") for other in performed)
    return bool(rest) and any(
        one == incident and told.partition(":")[2] == channel and int(told.partition(":")[0]) > int(count)
        for one, _, told in later
        if told
    )


def assert_nothing_lost_and_nobody_woken_twice(world: World, findings: Sequence[Finding]) -> None:
    group = world.group()
    performed = world.performed()
    assert group.pending == ()
    assert set(performed) <= world.promised
    assert all(_said_later(key, performed) for key in world.promised - set(performed))
    assert {key for key, times in performed.items() if times > 1} <= world.excused
    assert snapshot(group.state) == expected_state(findings, world.now)
    current = group.state.incidents[-1]
    assert world.incidents()[current.id]["timeline"][-1]["sequence"] == current.sequence
    by_incident: dict[str, set[int]] = {}
    for change in world.published:
        by_incident.setdefault(change.incident_id, set()).add(change.sequence)
    for name, copy in world.incidents().items():
        assert by_incident.pop(name) == {entry["sequence"] for entry in copy["timeline"]}
    assert by_incident == {}

"""The outside of the action runner in memory: it counts, fails and dies where a test wants it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from core.actions.guards import Guards, GuardVerdict
from core.actions.lifecycle import NEXT, ActionRun
from core.actions.plan import ActionReason, Health, Plan, Step, Verification
from core.errors import BusyError, ConflictError, UnavailableError
from core.events import ActionDecision, ActionRequest, Command, Event, Mode, Severity, Stage, Status, Tick, Verb, stamp
from core.incidents.ladder import ActionLadder, digest
from core.settings.people import When
from core.settings.response import ActionName, Automation, Deed, Playbook
from functions.action_runner.effects import TOPIC
from functions.action_runner.parts import Runner
from functions.action_runner.runner import NAME, handle
from functions.adapters.events import decode, encode
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ledger import LEASE, Ledger
from functions.adapters.ports import Data, Store
from functions.runtime.endpoint import finish
from functions.services.actions import ACTIONS, INCIDENTS, read_guards, read_run
from tests.support.crash.breaking import START, Breaking, KilledError, MemoryMetrics, MemoryStore

INCIDENT = "model/flight-delay@2026-01-02T08:59:00Z"
REQUEST = ActionRequest(
    incident_id=INCIDENT,
    sequence=1,
    action="restart_service",
    target="service/checkout",
    requested_at=START,
    mode=Mode.ACT,
    playbook="restart what hangs",
    reason="p95 is 2.4 s",
    severity=Severity.ERROR,
)
PLAYBOOK = Playbook(
    name=REQUEST.playbook,
    when=When(),
    do=(Deed(action=ActionName.RESTART_SERVICE), Deed(action=ActionName.ROLLBACK_MODEL)),
    mode=Mode.ACT,
)
RISKY = replace(REQUEST, action="rollback_model", target="model/flight-delay")
PLAN = Plan(
    summary="service checkout: a new revision",
    steps=(Step(what="revision", before="checkout-7", after="a new one"),),
    touched=1,
    state={"revision": "checkout-7"},
)


def commanded(verb: Verb, subject: str, *, by: str = "anna", at: datetime = START, note: str = "") -> Command:
    lifts = f"halt:{subject}:{stamp(START)}" if verb is Verb.RESUME else ""
    return Command(verb=verb, subject=subject, by=by, at=at, note=note, lifts=lifts)


def requested(*requests: ActionRequest, **fields: Any) -> Data:
    """The router's copy of an incident that is open, with one condition, for which one playbook made the requests."""
    asked = tuple(digest(request.id) for request in requests)
    ladder = ActionLadder(playbook=REQUEST.playbook, sequence=1, at=REQUEST.requested_at, rung=len(asked), asked=asked)
    condition = {"status": Status.FIRING.value, "observed_at": START, "expired_at": None}
    copy = {"severity": Severity.ERROR.value, "open": True, "merged_into": "", "conditions": [condition]}
    return copy | {"ladders": msgspec.to_builtins([ladder], builtin_types=(datetime,))} | fields


@dataclass
class World(Breaking):
    """What the action runner did: decisions and calls; at one boundary (`meet_at`) another one does something meanwhile."""

    published: list[ActionDecision] = field(default_factory=list)
    called: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    meet_at: int = 0
    meanwhile: Callable[[], None] = lambda: None

    def passing(self) -> None:
        if self.boundaries == self.meet_at:
            self.meanwhile()

    def excuse(self) -> None:
        for key, calls in self.called.items():
            entry = self.documents.get((LEDGER, f"{key}:apply"))
            if entry is None or entry.data["state"] != "done":
                self.excused[key] = calls

    def unexcused(self) -> Counter[str]:
        """How often each key was applied, but for the calls that no program lived to confirm."""
        return self.called - self.excused


@dataclass
class MemoryAction:
    """An action on a world of its own: what has been changed, under which key, and put back.

    Attributes:
        world: passes the boundaries.
        changed: the keys that something was changed under, once for each time it was.
        calls: the keys that `apply` was called with.
        undone: how often something was put back.
        standing: the keys whose change is in place.
        planning: what `plan` gives or raises.
        applying: what `apply` raises, if anything.
        health: what `verify` gives or raises.
        undoing: what `undo` raises, if anything.
        resources: the resource of a target; the target itself where a test says nothing else.
        before_apply: happens just before anything is changed.
        before_verify: happens just before `verify` answers.
    """

    world: World
    changed: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    undone: int = 0
    standing: set[str] = field(default_factory=set)
    planning: Plan | Exception = PLAN
    applying: Exception | None = None
    health: Health | Exception = Health.GOOD
    undoing: Exception | None = None
    resources: dict[str, str] = field(default_factory=dict)
    before_apply: Callable[[], object] = lambda: None
    before_verify: Callable[[], object] = lambda: None

    def plan(self, request: ActionRequest) -> Plan:
        self.world.boundary()
        if isinstance(self.planning, Exception):
            raise self.planning
        changes = request.action != ActionName.COLLECT_DIAGNOSTICS
        return replace(self.planning, state={"key": request.id}, resource=self.resource(request) if changes else "")

    def resource(self, request: ActionRequest) -> str:
        return f"//run/{self.resources.get(request.target, request.target)}"

    def apply(self, plan: Plan, key: str) -> str:
        self.world.boundary()
        self.before_apply()
        self.calls.append(key)
        self.world.called[key] += 1
        if self.applying:
            raise self.applying
        assert plan.state["key"] == key
        if key not in self.changed:
            self.changed.append(key)
            self.standing.add(key)
        self.world.boundary()
        return "operation 1"

    def verify(self, plan: Plan) -> Verification:
        self.world.boundary()
        self.before_verify()
        if isinstance(self.health, Exception):
            raise self.health
        return Verification(health=self.health, detail=f"it is {self.health}")

    def undo(self, plan: Plan) -> str:
        self.world.boundary()
        if self.undoing:
            raise self.undoing
        self.undone += plan.state["key"] in self.standing
        self.standing.discard(plan.state["key"])
        self.world.boundary()
        return "back at checkout-7"


@dataclass
class Objecting:
    """What speaks against requests: nothing, where a test says nothing else."""

    against: GuardVerdict | None = None

    def objection(self, request: ActionRequest, *, begins: bool) -> GuardVerdict | None:
        return self.against


@dataclass
class MemoryBus:
    world: World
    down: bool = False

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        self.world.boundary()
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        assert topic == TOPIC
        self.world.published.append(decode(encode(event), ActionDecision))
        self.world.boundary()


@dataclass
class Setup:
    """An action runner, and what it acts on; every action is the same, but for its name."""

    world: World
    action: MemoryAction
    bus: MemoryBus
    store: Store
    runner: Runner

    def give(self, *events: ActionRequest | Command | Tick) -> None:
        for event in events:
            result = handle(self.runner, event)
            if isinstance(event, Tick):
                finish(event, result, function=NAME, metrics=self.runner.metrics)

    def tick(self, **later: float) -> None:
        self.world.now += timedelta(**later)
        self.give(Tick(job=NAME, scheduled_at=self.world.now))

    def incident(self, severity: Severity, *, is_open: bool = True, **given: Any) -> None:
        """The incident router writes its copy, with one condition."""
        status = Status.FIRING if is_open else Status.RESOLVED
        condition = {"status": status.value, "observed_at": self.world.now, "expired_at": None}
        data = {"severity": severity.value, "open": is_open, "merged_into": "", "conditions": [condition | given]}
        found = self.store.get(INCIDENTS, INCIDENT)
        if found:
            self.store.replace(found, INCIDENTS, data)
        else:
            self.store.create(INCIDENTS, INCIDENT, data)

    def case(self, request: ActionRequest = REQUEST) -> ActionRun:
        found = self.store.get(ACTIONS, request.id)
        assert found is not None, f"nothing is known of {request.id}"
        assert found.data["waiting"] == read_run(found.data).waiting
        return read_run(found.data)

    def cases(self) -> list[ActionRun]:
        return [read_run(document.data) for document in self.store.find(ACTIONS)]

    def guards(self) -> Guards:
        return read_guards(self.store)

    def stages(self, request: ActionRequest = REQUEST) -> list[str]:
        """What was told of a request, in the order of its steps."""
        told = {one.sequence: one for one in self.world.published if one.request_id == request.id}
        assert sorted(told) == list(range(1, len(told) + 1))
        return [told[sequence].stage.value for sequence in sorted(told)]

    def acknowledged(self, event: ActionRequest | Command | Tick) -> bool:
        """Whether a delivery of the event succeeds; a dead process is started again for it."""
        self.world.dead = False
        try:
            self.give(event)
        except (KilledError, UnavailableError, BusyError, ConflictError):
            return False
        return True

    def redeliver(self, event: ActionRequest | Command | Tick, *, attempts: int = 60) -> None:
        """As Pub/Sub does: what fails comes again, later, until it is acknowledged."""
        for _ in range(attempts):
            if self.acknowledged(event):
                return
            self.world.now += LEASE / 4
        raise AssertionError(f"{event.id} is never acknowledged")


def set_up(store: Store | None = None, *, automation: Automation | None = None, world: World | None = None) -> Setup:
    world = world or World()
    action, bus = MemoryAction(world), MemoryBus(world)
    kept = store or MemoryStore(world)

    def clock() -> datetime:
        return world.now

    runner = Runner(
        store=kept,
        bus=bus,
        ledger=Ledger(kept, clock, "test"),
        metrics=MemoryMetrics(world),
        clock=clock,
        actions=dict.fromkeys(ActionName, action),
        automation=automation or Automation(),
        requests=Objecting(),
    )
    return Setup(world, action, bus, kept, runner)


def assert_told_in_full(setup: Setup) -> None:
    """Every decision of every case was published, in steps without gaps that may follow each other."""
    for case in setup.cases():
        told = {one.sequence: one for one in setup.world.published if one.request_id == case.request.id}
        assert case.pending == ()
        assert sorted(told) == list(range(1, case.sequence + 1))
        assert told[case.sequence].stage is case.stage
        stages = [told[sequence].stage for sequence in sorted(told)]
        for before, after in pairwise(stages):
            assert after in NEXT[before]


def last_decision(setup: Setup, request: ActionRequest = REQUEST) -> tuple[Stage, ActionReason, str]:
    """The newest decision as it was told."""
    told = [one for one in setup.world.published if one.request_id == request.id]
    newest = max(told, key=lambda one: one.sequence)
    assert setup.case(request).pending == ()
    return newest.stage, ActionReason(newest.reason), newest.detail

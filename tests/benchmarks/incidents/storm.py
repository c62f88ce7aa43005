"""The storm, and whether anything of it was lost, doubled, late or too much for those who receive messages."""

import json
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Queue
from typing import Any

import workload
from machine import WEBHOOK, Machine, Used
from workload import Alert, Plan

from core.events import Finding, IncidentChange, Severity, Status
from core.incidents.fold import fold
from core.incidents.model import GroupState
from functions.adapters.events import decode
from functions.services.incidents.documents import GROUPS, INCIDENTS, read_group
from infra.local.scheduler import Scheduler
from infra.local.stack import PROJECT

_BODY = 5
"""Alerts in one body of a foreign system."""
ACCOUNTS = (("pagerduty", workload.PAGER_KEYS["pager"]), ("slack", WEBHOOK))
"""Where the messages of the storm go, apart from the log: receivers, and accounts of theirs."""
_PAGED_WITHIN = 60.0
"""Seconds after which a page counts as lost."""
_EVERYTHING = 100_000
_LONGEST = 900.0
"""Seconds in which every finding must be handled, however slow the machine is."""
_FINDINGS = ("incident-router", "incident-router-findings", "alert-intake")
"""The subscriptions that lead to a decision; one that is not there has nothing that waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What came of a storm.

    Attributes:
        plan: how much came in.
        sent_in: seconds it took to send.
        drained_in: seconds from its beginning until every finding was handled.
        told_in: the same until no message waited any more, or None where that was not awaited.
        accepted: foreign alerts that were taken in.
        published: when the first critical finding of each group was published, in seconds since 1970.
        used: what the functions took for it, by name.
        waiting: messages that still waited in the end.
    """

    plan: Plan
    sent_in: float
    drained_in: float
    told_in: float | None
    accepted: int
    published: dict[str, float]
    used: dict[str, Used]
    waiting: int


def hit(machine: Machine, plan: Plan, *, patience: float) -> Storm:
    """Let the storm come, wait until it is handled, and for `patience` seconds at most until all is told."""
    before, ticks = machine.used(), _ticks()
    ticks.start()
    try:
        begun = time.monotonic()
        sender = _Sender(machine, plan)
        sender.run()
        sent = time.monotonic()
        _require(machine, *_FINDINGS)
        drained = time.monotonic()
        told = _until(lambda: not _waiting(machine), patience)
        ended = time.monotonic()
    finally:
        ticks.stop()
    _require(machine, *_FINDINGS, "incidents-audit", "incident-sweep")
    after = machine.used()
    used = {name: Used(cpu=after[name].cpu - before[name].cpu, peak=after[name].peak) for name in after}
    return Storm(
        plan=plan,
        sent_in=sent - begun,
        drained_in=drained - begun,
        told_in=ended - begun if told else None,
        accepted=sender.accepted,
        published=sender.published,
        used=used,
        waiting=_waiting(machine),
    )


class _Sender:
    """Sends the storm: findings through the bus, foreign alerts through the intake, each when it is due."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        self.accepted = 0
        self.published: dict[str, float] = {}
        self._machine = machine
        self._alerts = workload.storm(plan)
        self._group = workload.policy(plan).graph.group
        self._bodies: Queue[list[Alert]] = Queue()

    def run(self) -> None:
        poster = threading.Thread(target=self._post)
        poster.start()
        start, begun = datetime.now(UTC), time.monotonic()
        findings = [alert.finding(start) for alert in self._alerts]
        deferred, foreign = [], list[Alert]()
        for alert, finding in zip(self._alerts, findings, strict=True):
            time.sleep(max(0.0, begun + alert.due - time.monotonic()))
            if alert.foreign:
                if len(foreign) == _BODY or any(
                    (one.target, one.kind) == (alert.target, alert.kind) for one in foreign
                ):
                    self._bodies.put(foreign)
                    foreign = []
                foreign.append(alert)
            else:
                said = finding if alert.repeats is None else findings[alert.repeats]
                if said.severity is Severity.CRITICAL and said.status is Status.FIRING:
                    self.published.setdefault(self._group(said.target), time.time())
                deferred.append(self._machine.send("findings", said))
        self._bodies.put(foreign)
        self._bodies.put([])
        poster.join()
        for wait in deferred:
            wait()

    def _post(self) -> None:
        url = f"{self._machine.stack.ports.url('intake')}/alertmanager"
        while alerts := self._bodies.get():
            body = json.dumps({"version": "4", "alerts": [alert.foreign_body() for alert in alerts]}).encode()
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.accepted += json.load(answer)["accepted"]


def _ticks() -> Scheduler:
    return Scheduler({"incident_sweep": "* * * * *"}, f"projects/{PROJECT}/topics/ticks")


def _require(machine: Machine, *subscriptions: str) -> None:
    """Wait until nothing waits in any of the subscriptions."""
    if not _until(lambda: not any(map(machine.waits, subscriptions)), _LONGEST):
        raise TimeoutError(f"{', '.join(subscriptions)}: must be handled within {_LONGEST:g} s")


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until it holds twice in a row; whether it did in time."""
    end, held = time.monotonic() + seconds, 0
    while held < 2:
        held = held + 1 if holds() else 0
        if time.monotonic() > end:
            return False
        time.sleep(0.25)
    return True


def _waiting(machine: Machine) -> int:
    found = machine.store.find(GROUPS, limit=_EVERYTHING)
    return sum(effect.message is not None for one in found for effect in read_group(one.data).pending)


@dataclass(slots=True)
class Kept:
    """What is remembered after a storm, beside what should be.

    Attributes:
        findings: that the bus delivered, each once.
        conditions: that are remembered.
        lost: conditions that are remembered otherwise than all findings in order say, or not at all.
        groups: of targets.
        strayed: groups whose newest incident differs from what all findings in order say.
        changes: of incidents that were published.
        doubled: of them, those that were published again.
        missing: steps of incidents that were not published.
        audited: steps in the audit table, each once.
        incidents: that there were.
    """

    findings: int = 0
    conditions: int = 0
    lost: list[str] = field(default_factory=list)
    groups: int = 0
    strayed: list[str] = field(default_factory=list)
    changes: int = 0
    doubled: int = 0
    missing: int = 0
    audited: int = 0
    incidents: int = 0


def kept(machine: Machine, plan: Plan) -> Kept:
    """Compare what is remembered with what was published."""
    result, expected = Kept(), _expected(machine, plan)
    result.findings = expected.findings
    for name, state in expected.groups.items():
        found = machine.store.get(GROUPS, name)
        actual = read_group(found.data).state if found else GroupState(name=name)
        result.groups += 1
        result.conditions += len(actual.conditions)
        known = {one.key: (one.status, one.severity, one.observed_at, one.history) for one in actual.conditions}
        should = {one.key: (one.status, one.severity, one.observed_at, one.history) for one in state.conditions}
        result.lost += sorted(key for key in known.keys() | should.keys() if known.get(key) != should.get(key))
        if _state(actual) != _state(state):
            result.strayed.append(name)
    _compare_changes(machine, result)
    (row,) = machine.warehouse.query("SELECT COUNT(DISTINCT id) AS steps FROM ops.incident_changes")
    result.audited = row["steps"]
    return result


def _state(state: GroupState) -> object:
    """The newest incident; those that became part of another one tell how that went, which differs with the order."""
    last = next((one for one in reversed(state.incidents) if not one.merged_into), None)
    return last and (last.state, last.severity, last.opened_at, last.resolved_at, last.conditions)


@dataclass(frozen=True, slots=True)
class _Expected:
    groups: dict[str, GroupState]
    findings: int


def _expected(machine: Machine, plan: Plan) -> _Expected:
    """What all findings together come to, where each is taken once, in the order of what they observed."""
    found: dict[bytes, tuple[Finding, datetime]] = {}
    for message in machine.kept("findings"):
        found.setdefault(message.data, (decode(message.data, Finding), message.publish_time))
    policy = workload.policy(plan)
    groups: dict[str, GroupState] = {}
    for finding, published_at in sorted(found.values(), key=lambda one: (one[0].observed_at, one[0].id)):
        name = policy.graph.group(finding.target)
        groups[name] = fold(groups.get(name), finding, now=published_at, policy=policy).state
    return _Expected(groups, len(found))


def _compare_changes(machine: Machine, result: Kept) -> None:
    steps: dict[str, Counter[int]] = defaultdict(Counter)
    for message in machine.kept("incidents"):
        change = decode(message.data, IncidentChange)
        steps[change.incident_id][change.sequence] += 1
    copies = machine.store.find(INCIDENTS, limit=_EVERYTHING)
    result.incidents = len(copies)
    for copy in copies:
        counted = steps[copy.key]
        result.changes += counted.total()
        result.doubled += counted.total() - len(counted)
        result.missing += len(set(range(1, copy.data["sequence"] + 1)) - counted.keys())


def delays(machine: Machine, storm: Storm) -> list[float]:
    """Seconds from publishing the first critical finding of each group to its first page, for those that had one."""
    groups = {one.key: one.data["group"] for one in machine.store.find(INCIDENTS, limit=_EVERYTHING)}
    first: dict[str, float] = {}
    for call in calls(machine, "pagerduty", workload.PAGER_KEYS["pager"]):
        first.setdefault(groups[call["body"]["dedup_key"]], call["at"])
    return sorted(first[group] - at for group, at in storm.published.items() if group in first)


def most_in_a_minute(machine: Machine, receiver: str) -> int:
    """The most calls that any account had in any 60 seconds."""
    by_account: dict[str, list[float]] = defaultdict(list)
    for call in machine.log(receiver)["calls"]:
        by_account[call["account"]].append(call["at"])
    return max((_most(times) for times in by_account.values()), default=0)


def _most(times: Iterable[float]) -> int:
    known = sorted(times)
    return max(sum(start <= at < start + 60 for at in known) for start in known)


def calls(machine: Machine, receiver: str, account: str) -> Iterator[dict[str, Any]]:
    """What a receiver accepted on one account, in order."""
    return (one for one in machine.log(receiver)["calls"] if one["account"] == account)


def quiet(machine: Machine, pages: int) -> list[float]:
    """Seconds from publishing a critical finding to its page while nothing else happens, one at a time."""
    taken = []
    for number in range(pages):
        key = workload.PAGER_KEYS["desk" if number % 2 else "bridge"]
        before = sum(1 for _ in calls(machine, "pagerduty", key))
        published = time.time()
        machine.send("findings", workload.page(number, datetime.now(UTC)))()
        while len(came := list(calls(machine, "pagerduty", key))) == before:
            if time.time() - published > _PAGED_WITHIN:
                raise TimeoutError(f"critical finding {number} was not paged within {_PAGED_WITHIN:.0f} s")
            time.sleep(0.02)
        taken.append(came[-1]["at"] - published)
    return sorted(taken)

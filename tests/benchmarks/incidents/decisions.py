"""How fast it is decided: findings folded in one process, without store, bus or channels."""

import gc
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from core.events import Finding, Severity, Status
from core.incidents.fold import fold
from core.incidents.model import GroupState
from core.incidents.notification import plan_notifications
from core.incidents.policy import Graph, IncidentPolicy
from core.settings import Dependency, People, Revenue, Route, Stakeholder, Tier, When

_START = datetime(2026, 1, 2, tzinfo=UTC)
_KINDS = ("latency", "errors", "drift", "saturation", "availability")


def findings(seed: int, count: int) -> list[Finding]:
    """Findings of 400 targets with five conditions each: a fifth are duplicates, of the others a quarter flips."""
    rng = random.Random(seed)
    conditions = [(f"service/s{number}", kind) for number in range(400) for kind in _KINDS]
    severity = {condition: rng.choice(tuple(Severity)) for condition in conditions}
    firing: dict[tuple[str, str], bool] = {}
    found: list[Finding] = []
    for number in range(count):
        if number >= len(conditions) and rng.random() < 0.25:
            found.append(found[rng.randrange(max(0, number - 500), number)])
            continue
        target, kind = condition = conditions[number] if number < len(conditions) else rng.choice(conditions)
        firing[condition] = condition not in firing or firing[condition] != (rng.random() < 0.25)
        found.append(
            Finding(
                target=target,
                kind=kind,
                status=Status.FIRING if firing[condition] else Status.RESOLVED,
                severity=severity[condition],
                observed_at=_START + timedelta(milliseconds=6 * number),
                source="benchmark",
                summary="something is slow",
                value=2.0,
                threshold=1.0,
                unit="seconds",
                evidence={"p95": "2 s"},
            )
        )
    return found


def furnished() -> IncidentPolicy:
    """What a platform of 400 services decides by: every fifth needs the one before, all earn, and two groups are told."""
    services = [f"service/s{number}" for number in range(400)]
    tiers = (Tier(to=("pager",), wait=timedelta(minutes=5)), Tier(to=("chat",), wait=timedelta(minutes=15)))
    groups = {name: Stakeholder(name=name, tiers=tiers) for name in ("technical", "operations")}
    routes = (Route(when=When(), to=("technical",)), Route(when=When(dollars_per_hour=500.0), to=("operations",)))
    return IncidentPolicy(
        graph=Graph([Dependency(target=one, needs=services[n]) for n, one in enumerate(services[1:]) if n % 5 == 0]),
        revenue={one: Revenue(dollars_per_hour=1000.0) for one in services},
        people=People(stakeholders=groups, routes=routes),
    )


def rate(found: Sequence[Finding], *, told: bool, policy: IncidentPolicy | None = None, repeats: int = 5) -> float:
    """Findings a second of CPU time, of the best run.

    Args:
        found: in the order in which they come.
        told: whether it is also decided who hears of what changed.
        policy: the incident policy; nothing but the defaults where none is given.
        repeats: how many runs.
    """
    gc.collect()
    gc.disable()
    try:
        return len(found) / min(_once(found, policy or IncidentPolicy(), told=told) for _ in range(repeats))
    finally:
        gc.enable()


def _once(found: Sequence[Finding], policy: IncidentPolicy, *, told: bool) -> float:
    watches = dict[str, GroupState]()
    started = time.process_time()
    for finding in found:
        at = finding.observed_at
        group = policy.graph.group(finding.target)
        decision = fold(watches.get(group), finding, now=at, policy=policy)
        state = decision.state
        if told and decision.changes:
            state = plan_notifications(state, at=at, now=at, policy=policy).state
        watches[group] = state
    return time.process_time() - started

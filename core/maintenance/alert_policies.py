"""Alert policies that are there against those that were deployed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCondition:
    """A condition of a policy.

    Attributes:
        title: its name for people.
        expression: in PromQL, or the filter of a threshold.
        duration: for how long it must hold, in seconds.
        interval: of its evaluation, in seconds; 0 of a threshold.
        comparison: with the threshold; empty of an expression in PromQL, which has its own.
        threshold: the value; 0 of an expression in PromQL.
        aggregation: how points become one, as text; empty where nothing is aggregated.
    """

    title: str
    expression: str
    duration: float
    interval: float = 0.0
    comparison: str = ""
    threshold: float = 0.0
    aggregation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """A policy.

    Attributes:
        id: of Cloud Monitoring.
        title: its name for people.
        enabled: whether it is evaluated.
        severity: of its incidents.
        combiner: of its conditions.
        channels: the ids of those that are notified.
        conditions: in their order.
        is_ours: whether it has the label of this system.
    """

    id: str
    title: str
    enabled: bool = True
    severity: str = ""
    combiner: str = ""
    channels: frozenset[str] = frozenset()
    conditions: tuple[PolicyCondition, ...] = ()
    is_ours: bool = True


def policy_differences(deployed: Iterable[AlertPolicy], found: Iterable[AlertPolicy]) -> list[str]:
    """What differs, one line a policy: missing ones, those that were changed, and those with our label that nobody deployed.

    Documentation, labels and the strategy of notifications are not compared.

    >>> one = AlertPolicy(id="1", title="models/Drift")
    >>> policy_differences([one], []), policy_differences([], [one])
    (['models/Drift: is missing'], ['models/Drift (1): has our label, and nobody deployed it'])
    """
    there = {one.id: one for one in found}
    known = {one.id: one for one in deployed}
    changed = [
        f"{one.title}: {'; '.join(faults)}"
        for one in known.values()
        if (faults := list(_faults(one, there.get(one.id))))
    ]
    added = [
        f"{one.title} ({one.id}): has our label, and nobody deployed it"
        for one in there.values()
        if one.is_ours and one.id not in known
    ]
    return sorted(changed) + sorted(added)


def _faults(wanted: AlertPolicy, found: AlertPolicy | None) -> Iterator[str]:
    if found is None:
        yield "is missing"
        return
    if wanted.enabled != found.enabled:
        yield "is enabled" if found.enabled else "is disabled"
    for name in ("title", "severity", "combiner"):
        yield from _differs(name, getattr(wanted, name), getattr(found, name))
    if gone := wanted.channels - found.channels:
        yield f"does not notify {len(gone)} of its channels"
    if more := found.channels - wanted.channels:
        yield f"notifies {len(more)} other channels"
    if len(wanted.conditions) != len(found.conditions):
        yield f"must have {len(wanted.conditions)} conditions, got {len(found.conditions)}"
        return
    for one, other in zip(wanted.conditions, found.conditions, strict=True):
        yield from _condition_faults(one, other)


def _condition_faults(wanted: PolicyCondition, found: PolicyCondition) -> Iterator[str]:
    for name in ("title", "expression", "comparison", "threshold", "duration", "interval", "aggregation"):
        yield from _differs(f"{name} of a condition", getattr(wanted, name), getattr(found, name))


def _differs(name: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{name} must be {wanted!r}, got {found!r}"

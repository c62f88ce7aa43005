"""Conditions whose group is another one since the settings changed: they go on there, and end here."""

import logging

from core.events import Finding, Status
from core.incidents.fold import end, fold
from core.incidents.model import Reason, Tracked
from core.incidents.observe import gone
from core.incidents.outbox import Desk
from functions.adapters.desks.desk import Decide, Desks, take

log = logging.getLogger(__name__)


def move(desks: Desks, desk: Desk) -> Desk:
    """Count what fires on a desk that is no longer its own on the one that is; safe to call again.

    Args:
        desks: where it is decided.
        desk: as it was saved.

    Returns:
        The desk without it.

    Raises:
        AiaError: something outside does not answer; whatever was not moved is moved by the next sweep.
    """
    graph = desks.charter.graph
    for condition in desk.watch.conditions:
        group = graph.group(condition.target)
        if group == desk.watch.group or condition.status is not Status.FIRING:
            continue
        log.info("%s moves from %s to %s", condition.key, desk.watch.group, group)
        take(desks, group, _folded(desks, condition), at=condition.observed_at)
        desk = take(desks, desk.watch.group, _ended(desks, condition), at=condition.observed_at).desk
    return desk


def _folded(desks: Desks, condition: Tracked) -> Decide:
    return lambda watch, now: fold(watch, _finding(condition), now=now, charter=desks.charter)


def _ended(desks: Desks, condition: Tracked) -> Decide:
    return lambda watch, _: end(watch, gone(condition), Reason.MOVED, charter=desks.charter)


def _finding(condition: Tracked) -> Finding:
    return Finding(
        target=condition.target,
        kind=condition.kind,
        status=condition.status,
        severity=condition.severity,
        observed_at=condition.observed_at,
        source=condition.source,
        summary=condition.summary,
        value=condition.value,
        threshold=condition.threshold,
        unit=condition.unit,
        evidence={evidence.name: evidence.text for evidence in condition.evidence},
        runbook=condition.runbook,
        holds_until=condition.holds_until,
    )

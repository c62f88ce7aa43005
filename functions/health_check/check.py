"""One tick: check the probes that are due, set metrics, save the results with the metrics of their objectives, and publish findings.

A fault at any point is repaired by the next delivery of the tick, or by the next tick.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from core.detection import ConditionState
from core.errors import UnavailableError
from core.events import Tick
from core.health import SOURCE, ProbeKind, ProbeResult, availability, due, observations, unknown
from core.health.limits import MEASURES, is_good
from core.health.objective import budget_left, counted, objective_ratio
from core.incidents.routing import target_mute
from core.settings import Maintenance, Probe
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.adapters.probes import run
from functions.adapters.probes.sources import Sources
from functions.adapters.store import update
from functions.health_check.rules import RuleCheck, check_rules
from functions.services.detection import Tracker

log = logging.getLogger(__name__)
HISTORY = 60
NAME = "health_check"


def unchecked(store: Store, probes: Sequence[Probe], at: datetime) -> list[Probe]:
    """The probes without a result of this tick or a newer one; all of them while the store does not answer."""
    try:
        checked = {document.key: document.data["checked_at"] for document in store.find("probes")}
    except UnavailableError as error:
        log.warning("earlier results not read, every probe is checked: %s", error)
        checked = {}
    return [probe for probe in probes if probe.name not in checked or checked[probe.name] < at]


def measure(metrics: Metrics, probe: Probe, result: ProbeResult, at: datetime) -> None:
    """Set the probe's metrics."""
    metrics.gauge("aia_probe_up", float(result.ok), at=at, probe=probe.name)
    metrics.gauge("aia_probe_latency_seconds", result.latency, at=at, probe=probe.name)
    if result.certificate_expires_at is not None:
        left = (result.certificate_expires_at - at).total_seconds()
        metrics.gauge("aia_probe_certificate_expiry_seconds", left, at=at, probe=probe.name)
    for name, value in result.measures.items():
        metrics.gauge(MEASURES[name].metric, value, at=at, probe=probe.name)


def counts_as_good(outside: "Outside", probe: Probe, result: ProbeResult, at: datetime) -> bool | None:
    """Whether the check is a good one for the objective; None in maintenance, where it does not count."""
    muted = target_mute(probe.target, at, outside.maintenance, ())
    return is_good(probe, result) if muted is None else None


def measure_objective(metrics: Metrics, probe: Probe, shown: Data, at: datetime, *, good: bool | None) -> None:
    """Set the metrics of the probe's objective, by the month as it was saved; none for a probe without one."""
    objective = objective_ratio(probe)
    if objective is None:
        return
    metrics.gauge("aia_probe_objective_ratio", objective, at=at, probe=probe.name)
    if good is not None:
        metrics.gauge("aia_probe_good", float(good), at=at, probe=probe.name)
    for name, key in (
        ("aia_probe_availability_ratio", "month_availability"),
        ("aia_probe_error_budget_ratio", "budget"),
    ):
        if (value := shown.get(key)) is not None:
            metrics.gauge(name, value, at=at, probe=probe.name)


def remember(tracker: Tracker, probe: Probe, result: ProbeResult, at: datetime, *, good: bool | None = None) -> Data:
    """Count the verdict on each condition of the probe, then save the result for the page; a repeated result has no effect.

    Args:
        tracker: counts verdicts.
        probe: the settings.
        result: of the probe.
        at: the instant of the tick.
        good: whether the check is a good one for the objective; None where it does not count.

    Returns:
        What the page shows.
    """
    states = {observation.spec.kind: tracker.record(observation) for observation in observations(probe, result, at)}
    show = partial(_show, probe, result, states[ProbeKind.ENDPOINT_DOWN], at, good=good)
    return update(tracker.store, "probes", probe.name, show)


def _show(
    probe: Probe, result: ProbeResult, down: ConditionState, at: datetime, data: Data | None, *, good: bool | None
) -> Data | None:
    if data is not None and data["checked_at"] >= at:
        return None
    known = data or {}
    history = [*known.get("history", []), {"ok": result.ok, "latency": result.latency}][-HISTORY:]
    months = counted(known.get("months", []), at, good=good)
    return {
        "name": probe.name,
        "kind": probe.kind,
        "where": probe.where,
        "status": down.status,
        "since": down.since,
        "checked_at": at,
        "ok": result.ok,
        "reason": result.reason,
        "detail": result.detail,
        "latency": result.latency,
        "measures": dict(result.measures),
        "certificate_expires_at": result.certificate_expires_at,
        "availability": availability([entry["ok"] for entry in history]),
        "history": history,
        "months": [asdict(month) for month in months],
        "month_availability": months[-1].availability,
        "objective": objective_ratio(probe),
        "budget": budget_left(probe, months[-1], at),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of the function, its probes, and what checks the alert rules."""

    probes: Sequence[Probe]
    maintenance: Sequence[Maintenance]
    sources: Sources
    store: Store
    bus: Bus
    metrics: Metrics
    rules: RuleCheck


def check(tick: Tick, outside: Outside) -> None:
    """Run the probes that are due and not yet checked, then check the alert rules; idempotent, also for an old tick.

    Raises:
        UnavailableError: the store or the bus does not answer; everything else is done.
    """
    at = tick.scheduled_at
    probes = unchecked(outside.store, [probe for probe in outside.probes if due(probe.every, at)], at)
    results = run.run(probes, partial(run.check, sources=outside.sources))
    known = [(probe, result) for probe in probes if (result := results[probe.name]).is_known]
    for probe, result in known:
        measure(outside.metrics, probe, result, at)
    tracker = Tracker(outside.store, outside.bus)
    for probe, result in known:
        good = counts_as_good(outside, probe, result, at)
        shown = remember(tracker, probe, result, at, good=good)
        measure_objective(outside.metrics, probe, shown, at, good=good)
    for probe in probes:
        if not results[probe.name].is_known:
            tracker.record(unknown(probe, results[probe.name], at))
    tracker.publish_unsent(SOURCE)
    check_rules(outside.rules, tick, tracker)

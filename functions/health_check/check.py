"""One tick: check the probes that are due, set metrics, save the results, and publish findings, in this order.

A fault at any point is repaired by the next delivery of the tick, or by the next tick.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from core.detection import ConditionState
from core.errors import UnavailableError
from core.events import Tick
from core.health import SOURCE, ProbeKind, ProbeResult, availability, due, observations, unknown, where
from core.settings import Probe
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.adapters.probes.run import run
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


def remember(tracker: Tracker, probe: Probe, result: ProbeResult, at: datetime) -> None:
    """Count the verdict on each condition of the probe, then save the result for the page; a repeated result has no effect."""
    states = {observation.spec.kind: tracker.record(observation) for observation in observations(probe, result, at)}
    update(tracker.store, "probes", probe.name, partial(_show, probe, result, states[ProbeKind.ENDPOINT_DOWN], at))


def _show(probe: Probe, result: ProbeResult, down: ConditionState, at: datetime, data: Data | None) -> Data | None:
    if data is not None and data["checked_at"] >= at:
        return None
    history = [*(data or {}).get("history", []), {"ok": result.ok, "latency": result.latency}][-HISTORY:]
    return {
        "name": probe.name,
        "kind": probe.kind,
        "where": where(probe),
        "status": down.status,
        "since": down.since,
        "checked_at": at,
        "ok": result.ok,
        "reason": result.reason,
        "detail": result.detail,
        "latency": result.latency,
        "certificate_expires_at": result.certificate_expires_at,
        "availability": availability([entry["ok"] for entry in history]),
        "history": history,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of the function, its probes, and what checks the alert rules."""

    probes: Sequence[Probe]
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
    results = run(probes)
    seen = [(probe, results[probe.name]) for probe in probes if probe.name in results]
    for probe, result in seen:
        measure(outside.metrics, probe, result, at)
    tracker = Tracker(outside.store, outside.bus)
    for probe, result in seen:
        remember(tracker, probe, result, at)
    for probe in probes:
        if probe.name not in results:
            tracker.record(unknown(probe, at))
    tracker.publish_unsent(SOURCE)
    check_rules(outside.rules, tick, tracker)

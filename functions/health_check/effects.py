"""What a check leaves behind: metrics, what is remembered, and findings.

A transition is kept in the very write that makes it, as the finding to publish, and is taken out once the bus has it. So
a crash at any point loses none, and a second check of the same tick, which may see something else, tells nothing else.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.errors import UnavailableError
from core.events import Severity
from core.health.availability import availability
from core.health.result import ProbeResult
from core.health.watch import SOURCE, Kind, Observation, State, finding, observations, step
from core.health.where import where
from core.settings import Probe
from functions.adapters import conditions
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.adapters.store import update

log = logging.getLogger(__name__)
HISTORY = 60


def unchecked(store: Store, probes: Sequence[Probe], at: datetime) -> list[Probe]:
    """The probes without a result of this tick or a newer one; all of them while the store does not answer."""
    try:
        checked = {document.key: document.data["checked_at"] for document in store.find("probes")}
    except UnavailableError as error:
        log.warning("every probe is checked, perhaps again: %s", error)
        checked = {}
    return [probe for probe in probes if probe.name not in checked or checked[probe.name] < at]


def measure(metrics: Metrics, probe: Probe, result: ProbeResult, at: datetime) -> None:
    """Set the probe's metrics."""
    metrics.gauge("aia_probe_up", float(result.ok), at=at, probe=probe.name)
    metrics.gauge("aia_probe_latency_seconds", result.latency, at=at, probe=probe.name)
    if result.certificate_expires_at is not None:
        left = (result.certificate_expires_at - at).total_seconds()
        metrics.gauge("aia_probe_certificate_expiry_seconds", left, at=at, probe=probe.name)


def remember(store: Store, probe: Probe, result: ProbeResult, at: datetime) -> None:
    """Count the result in each of the probe's conditions, then show it; counted once, however often it comes."""
    shown: Data = {}
    for observation in observations(probe, result, at):
        key = f"{probe.target}:{observation.kind}"  # as in `Finding.condition`
        data = update(store, conditions.COLLECTION, key, partial(_count, probe, result, observation, at))
        shown = data if observation.kind is Kind.ENDPOINT_DOWN else shown
    update(store, "probes", probe.name, partial(_show, probe, result, shown, at))


def publish(store: Store, bus: Bus) -> None:
    """Publish every finding that the bus does not have yet, also those of ticks before."""
    for document in store.find(conditions.COLLECTION, where={"source": SOURCE, "has_unsent": True}):
        conditions.publish(store, bus, document)


def _count(probe: Probe, result: ProbeResult, observation: Observation, at: datetime, data: Data | None) -> Data | None:
    before = _state(data)
    state, transition = step(before, observation, at)
    if state is before:
        return None
    told = (finding(probe, result, observation, state, transition),) if transition else ()
    return conditions.write(state.condition, data, SOURCE, *told) | {"severity": state.severity}


def _state(data: Data | None) -> State:
    if data is None:
        return State()
    return State(condition=conditions.read(data), severity=Severity(data["severity"]))


def _show(probe: Probe, result: ProbeResult, condition: Data, at: datetime, data: Data | None) -> Data | None:
    if data is not None and data["checked_at"] >= at:
        return None
    history = [*(data or {}).get("history", []), {"ok": result.ok, "latency": result.latency}][-HISTORY:]
    return {
        "name": probe.name,
        "kind": probe.kind,
        "where": where(probe),
        "status": condition["status"],
        "since": condition["since"],
        "checked_at": at,
        "ok": result.ok,
        "reason": result.reason,
        "detail": result.detail,
        "latency": result.latency,
        "certificate_expires_at": result.certificate_expires_at,
        "availability": availability([one["ok"] for one in history]),
        "history": history,
    }

"""What a check leaves behind: metrics, the states of conditions, and what the page shows of a probe."""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from core.detection import ConditionState
from core.errors import UnavailableError
from core.health import ProbeKind, ProbeResult, availability, observations, where
from core.settings import Probe
from functions.adapters.ports import Data, Metrics, Store
from functions.adapters.store import update
from functions.services.detection import Tracker

log = logging.getLogger(__name__)
HISTORY = 60


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
    """Count what the result says of each of the probe's conditions, then show it; counted once, however often it comes."""
    states = {one.spec.kind: tracker.record(one) for one in observations(probe, result, at)}
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
        "availability": availability([one["ok"] for one in history]),
        "history": history,
    }

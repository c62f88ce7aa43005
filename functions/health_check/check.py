"""One tick: check what is due, measure it, remember it, and publish what changed, in this order.

A fault at any point is repaired by the next delivery of the tick, or by the next tick.
"""

from dataclasses import dataclass

from core.events import Tick
from core.health.judge import SOURCE
from core.health.schedule import due
from core.settings import Settings
from functions.adapters.endpoint import Park
from functions.adapters.ports import Bus, Metrics, Store
from functions.adapters.probes.run import run
from functions.health_check import effects
from functions.services.detection import Tracker

NAME = "health_check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    settings: Settings
    store: Store
    bus: Bus
    metrics: Metrics
    park: Park


def check(tick: Tick, deps: Deps) -> None:
    """Check what is due and not yet checked; safe to call again with the same tick, or an old one.

    Raises:
        UnavailableError: the store or the bus does not answer; what can be done without it is done.
    """
    at = tick.scheduled_at
    probes = effects.unchecked(deps.store, [probe for probe in deps.settings.probes if due(probe.every, at)], at)
    results = run(probes)
    seen = [(probe, results[probe.name]) for probe in probes if probe.name in results]
    for probe, result in seen:
        effects.measure(deps.metrics, probe, result, at)
    tracker = Tracker(deps.store, deps.bus)
    for probe, result in seen:
        effects.remember(tracker, probe, result, at)
    tracker.publish_unsent(SOURCE)
    deps.metrics.gauge("aia_heartbeat_timestamp_seconds", at.timestamp(), at=at, function=NAME)

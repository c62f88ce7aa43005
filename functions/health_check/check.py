"""One tick: check what is due, measure it, remember it, and publish what changed, in this order.

A fault at any point is repaired by the next delivery of the tick, or by the next tick.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.events import Tick
from core.health import SOURCE, due
from core.settings import Probe
from functions.adapters.ports import Bus, Metrics, Store
from functions.adapters.probes.run import run
from functions.health_check import effects
from functions.services.detection import Tracker

NAME = "health_check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the function needs from outside, and its probes."""

    probes: Sequence[Probe]
    store: Store
    bus: Bus
    metrics: Metrics


def check(tick: Tick, outside: Outside) -> None:
    """Check what is due and not yet checked; safe to call again with the same tick, or an old one.

    Raises:
        UnavailableError: the store or the bus does not answer; what can be done without it is done.
    """
    at = tick.scheduled_at
    probes = effects.unchecked(outside.store, [probe for probe in outside.probes if due(probe.every, at)], at)
    results = run(probes)
    seen = [(probe, results[probe.name]) for probe in probes if probe.name in results]
    for probe, result in seen:
        effects.measure(outside.metrics, probe, result, at)
    tracker = Tracker(outside.store, outside.bus)
    for probe, result in seen:
        effects.remember(tracker, probe, result, at)
    tracker.publish_unsent(SOURCE)

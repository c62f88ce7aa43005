"""Runs the probes that are due every minute, and publishes what changed."""

from functools import partial

from functions.health_check.check import NAME, Outside, check
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(probes=ports.settings.probes, store=ports.store, bus=ports.bus, metrics=ports.metrics)
    return on_tick(ports, partial(check, outside=outside))


main = serve(NAME, build)

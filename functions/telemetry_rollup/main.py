"""Every five minutes: measures user experience by service and kind of device, and judges the calls of partners."""

from collections.abc import Callable
from functools import partial

from core.events import Tick
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports, once
from functions.telemetry_rollup.partners import PartnerOutside, watch
from functions.telemetry_rollup.rollup import NAME, BigQueryReports, Outside, roll_up


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    outside = Outside(reports=BigQueryReports(ports.warehouse), metrics=ports.metrics)
    partners = once(
        lambda: PartnerOutside(
            partners=ports.settings.partners,
            warehouse=ports.warehouse,
            store=ports.store,
            bus=ports.bus,
            metrics=ports.metrics,
        )
    )
    return on_tick(ports, partial(_handle, ports=ports, outside=outside, partners=partners))


def _handle(tick: Tick, *, ports: Ports, outside: Outside, partners: Callable[[], PartnerOutside]) -> None:
    """Both; the store and the bus are opened only where the settings have partners."""
    try:
        roll_up(tick, outside)
    finally:
        if ports.settings.partners:
            watch(tick, partners())


main = serve(NAME, build)

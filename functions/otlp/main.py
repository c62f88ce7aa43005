"""Receives OpenTelemetry's spans, metrics and log records by OTLP/HTTP and from the Collector by Pub/Sub, and publishes their rows."""

import os
from collections.abc import Callable
from functools import partial

from functions.adapters.ports import RowBus
from functions.otlp.respond import NAME, Telemetry, respond
from functions.runtime.authenticator import Authenticator, open_authenticator
from functions.runtime.endpoint import Answer, serve
from functions.runtime.ports import Ports, once

PATIENCE = 5.0
"""Seconds that a request waits for the bus: the SDKs wait ten for the answer."""


def build(ports: Ports, authenticator: Authenticator | None = None, bus: Callable[[], RowBus] | None = None) -> Answer:
    """What answers push requests and OTLP; the authenticator is that of the environment, the bus that of the project."""
    telemetry = Telemetry(
        bus=bus or once(partial(_bus, ports)), metrics=ports.metrics, policy=ports.settings.opentelemetry
    )
    authenticator = authenticator or open_authenticator(os.environ, token="AIA_OTLP_TOKEN")  # noqa: S106 - the name of a variable
    return partial(respond, ports=ports, telemetry=telemetry, authenticator=authenticator)


def _bus(ports: Ports) -> RowBus:
    from functions.adapters.bus import open_bus  # noqa: PLC0415 - its client takes half a second to import

    return open_bus(ports.project, patience=PATIENCE)


main = serve(NAME, build, largest=None)

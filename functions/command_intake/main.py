"""Receives answers of people from Slack, PagerDuty and links in mails, and publishes them as commands."""

from collections.abc import Callable
from functools import partial

from functions.adapters.ports import Bus
from functions.command_intake.commands import Commands
from functions.command_intake.respond import LARGEST, NAME, Senders, open_senders, respond
from functions.runtime.endpoint import Answer, serve
from functions.runtime.ports import Ports, once

PATIENCE = 1.5
"""Seconds that a command waits for the bus before it fails: Slack waits three for the answer."""


def build(ports: Ports, bus: Callable[[], Bus] | None = None) -> Answer:
    """What answers requests; the services are opened at the first one. The bus is that of the project, where none is given."""
    return partial(respond, ports=ports, opened=once(partial(_senders, ports, bus or _bus(ports))))


def _senders(ports: Ports, bus: Callable[[], Bus]) -> Senders:
    return open_senders(ports.settings, Commands(store=ports.store, ledger=ports.ledger, bus=bus, clock=ports.clock))


def _bus(ports: Ports) -> Callable[[], Bus]:
    """Opens the bus at its first use: its client takes half a second to import."""

    @once
    def bus() -> Bus:
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - see above

        return open_bus(ports.project, patience=PATIENCE)

    return bus


main = serve(NAME, build, largest=LARGEST)

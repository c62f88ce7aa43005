"""Sends the weekly reports that are due, after the rollups of a tick; and one that a person asks for."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from core.errors import AiaError, RefusedError
from core.events import Command, Tick, Verb
from core.reports.registry import REPORTS
from core.reports.weeks import Week, WeekError, week_of
from functions.adapters.notify.channel import open_channels
from functions.runtime.endpoint import TickResult, read_part
from functions.runtime.ports import Ports
from functions.runtime.push import Message
from functions.services.reports.archive import Archive
from functions.services.reports.read import Reader
from functions.services.reports.service import ReportMaker, ReportSender


def read(message: Message, cron: str) -> Tick | Command:
    """The event that a message carries; see `read_part`."""
    event: Tick | Command = read_part(message, cron, Command)
    return event


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """Handles ticks and commands.

    Attributes:
        roll_up: runs the rollups of a tick.
        sender: sends reports.
    """

    roll_up: Callable[[Tick], TickResult]
    sender: ReportSender

    def __call__(self, event: Tick | Command) -> TickResult | None:
        """Run the rollups and send what is due then, or send what a person asks for; idempotent.

        Raises:
            RefusedError: the command names no report, or has another verb.
            UnavailableError: a dependency does not answer.
        """
        if isinstance(event, Command):
            self._send(event)
            return None
        try:
            result = self.roll_up(event)
        except Exception:
            self._send_due(
                event
            )  # a rollup that fails does not keep reports back: they wait for its tables only as long as they may
            raise
        return replace(result, fault=self._send_due(event))

    def _send_due(self, tick: Tick) -> AiaError | None:
        try:
            self.sender.send_due(tick.scheduled_at)
        except AiaError as error:
            return error
        return None

    def _send(self, command: Command) -> None:
        name, week = _subject(command, self.sender.maker.settings.business.time_zone)
        self.sender.send(name, week, command.at)


def report_sender(ports: Ports) -> ReportSender:
    """The sender of a function, by its settings and its environment."""
    settings, clock = ports.settings, ports.clock
    reader = Reader(warehouse=ports.warehouse, store=ports.store, clock=clock)
    return ReportSender(
        maker=ReportMaker(settings=settings, models=ports.models.all, reader=reader, clock=clock),
        archive=Archive(ports.store),
        ledger=ports.ledger,
        channels=cache(lambda: open_channels(settings.channels, clock, ports.store)),
        metrics=ports.metrics,
        url=os.environ.get("AIA_API_URL", ""),
    )


def _subject(command: Command, zone: str) -> tuple[str, Week]:
    """The report and the week that a command names, as in `executive:2026-W47`."""
    name, _, week = command.subject.partition(":")
    if command.verb is not Verb.SEND_REPORT or name not in REPORTS:
        raise RefusedError(
            f"command: must be {Verb.SEND_REPORT} of a report, got {command.verb} {command.subject[:80]!r}"
        )
    try:
        return name, week_of(week, zone)
    except WeekError as error:
        raise RefusedError(str(error)) from error

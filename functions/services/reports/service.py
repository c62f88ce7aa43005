"""Making reports, and sending those that are due: each to each channel once."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.errors import AiaError, BusyError, ConflictError, RefusedError, UnreadableError
from core.reports.compose import compose
from core.reports.document import Report
from core.reports.message import ReportMessage, address, key_of
from core.reports.registry import REPORTS
from core.reports.schedule import DueReport, due, late_tables
from core.reports.section import Facts
from core.reports.weeks import Week
from core.settings import Model, Settings
from functions.adapters import logs
from functions.adapters.ledger import EffectOutcome, Ledger
from functions.adapters.notify.channel import Channel, DeliveryOutcome, Receipt, send_report
from functions.adapters.ports import Clock, Metrics
from functions.services.reports.archive import Archive
from functions.services.reports.freshness import complete_until
from functions.services.reports.read import Reader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMaker:
    """Makes reports.

    Attributes:
        settings: the settings.
        models: those that are monitored, by name.
        reader: runs the queries.
        clock: now.
    """

    settings: Settings
    models: Callable[[], Mapping[str, Model]]
    reader: Reader
    clock: Clock

    def late(self, name: str, week: Week) -> tuple[str, ...]:
        """The tables that are not complete for a week, one line each."""
        complete = complete_until(self.reader.store, self.settings)
        return late_tables(REPORTS[name].queries, week, complete)

    def make(self, name: str, week: Week) -> Report:
        """The report of a week from what is there now.

        Raises:
            LookupError: there is no report of that name.
            UnavailableError: the warehouse or the store does not answer.
        """
        kind = REPORTS.get(name)
        if kind is None:
            raise LookupError(f"report: must be one of {', '.join(REPORTS)}, got {name[:80]!r}")
        complete = complete_until(self.reader.store, self.settings)
        queries = kind.queries
        market = self.settings.business.market
        models = self.models()
        facts = Facts(
            week=week,
            readings={query.name: self.reader.read(query, week, complete.get(query.table)) for query in queries},
            floors={one.name: one.accuracy_floor for one in models.values() if one.accuracy_floor is not None},
            models=tuple(models),
            company=market.ours if market else "",
            partners=self.settings.partners,
        )
        return compose(kind, facts, made_at=self.clock(), late=late_tables(queries, week, complete))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSender:
    """Sends reports.

    Attributes:
        maker: makes them.
        archive: keeps them.
        ledger: sends each once.
        channels: opens the channels, by name.
        metrics: counts the messages by outcome.
        url: the address of the pages; empty where there is none.
    """

    maker: ReportMaker
    archive: Archive
    ledger: Ledger
    channels: Callable[[], Mapping[str, Channel]]
    metrics: Metrics
    url: str

    def send_due(self, at: datetime) -> None:
        """Send the reports that are due at an instant; idempotent.

        A report whose data is not complete waits. A channel that does not take one gets it at a later call; so does one to which
        another instance is sending it.

        Raises:
            UnavailableError: the warehouse or the store does not answer; the other reports have been sent.
        """
        failures: list[AiaError] = []
        for schedule in self.maker.settings.reports:
            one = due(schedule, at, self.maker.settings.business.time_zone)
            try:
                self._send_due(one, at)
            except AiaError as error:
                details = logs.fields(report=schedule.report, week=one.week.name)
                log.warning("report not sent, retried later: %s", error, extra=details)
                failures.append(error)
        if failures:
            raise failures[0]

    def send(self, name: str, week: Week, at: datetime) -> None:
        """Send a report to the channels that the settings name for it, whenever it is due; idempotent.

        Raises:
            RefusedError: the settings name no channel for it.
            UnavailableError: the warehouse or the store does not answer.
        """
        channels = [channel for one in self.maker.settings.reports if one.report == name for channel in one.to]
        if not channels:
            raise RefusedError(f"report: must be one that `reports` in the settings send to somebody, got {name!r}")
        self._send(self._kept(name, week), channels, at)

    def _send_due(self, one: DueReport, at: datetime) -> None:
        name, week = one.schedule.report, one.week
        left = [channel for channel in one.schedule.to if channel not in self.archive.sent(name, week.name)]
        if not left:
            return
        if one.may_wait(at) and (late := self.maker.late(name, week)):
            log.info("report waits: %s", "; ".join(late), extra=logs.fields(report=name, week=week.name))
            return
        self._send(self._kept(name, week), left, one.at)

    def _kept(self, name: str, week: Week) -> Report:
        """The kept report, or a new one that is kept from now on; one that another version wrote is sent as it is made anew."""
        try:
            kept = self.archive.get(name, week.name)
        except UnreadableError as error:
            log.warning("%s; made anew", error)
            return self.maker.make(name, week)
        return kept or self.archive.keep(self.maker.make(name, week))

    def _send(self, report: Report, channels: Iterable[str], at: datetime) -> None:
        for channel in channels:
            details = logs.fields(report=report.name, week=report.week, channel=channel)
            try:
                self._send_once(report, channel, at)
            except (BusyError, ConflictError) as error:
                log.info("report is being sent by another instance: %s", error, extra=details)
            except AiaError as error:
                self._failed(channel)
                log.warning("report not delivered, retried later: %s", error, extra=details)
            except Exception:
                self._failed(channel)
                log.exception("report not delivered, retried later", extra=details)

    def _failed(self, channel: str) -> None:
        self.metrics.count("aia_notifications_total", channel=channel, outcome="failed")

    def _send_once(self, report: Report, channel: str, at: datetime) -> None:
        receipts: list[Receipt] = []
        message = ReportMessage(
            key=key_of(report.name, report.week, channel),
            channel=channel,
            report=report,
            url=address(self.url, report.name, report.week),
            at=at,
        )
        outcome = self.ledger.once(message.key, lambda: receipts.append(self._deliver(message)))
        if outcome is EffectOutcome.SKIPPED:
            receipts.append(Receipt(DeliveryOutcome.DELIVERED, "sent before; the answer was not kept"))
        self.archive.record(report, channel, receipts[0], self.maker.clock())

    def _deliver(self, message: ReportMessage) -> Receipt:
        channel = self.channels().get(message.channel)
        if channel is None:
            receipt = Receipt(DeliveryOutcome.REFUSED, "the settings no longer name this channel")
        else:
            receipt = send_report(channel, message)
        self.metrics.count("aia_notifications_total", channel=message.channel, outcome=receipt.outcome)
        if receipt.outcome is DeliveryOutcome.REFUSED:
            log.error("report refused: %s", receipt.detail, extra=logs.fields(channel=message.channel))
        return receipt

"""Reports that were made for sending: each is kept once, so that everybody gets the same one, and the pages show it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from core.errors import ConflictError, UnreadableError
from core.reports.document import Report
from functions.adapters.notify.channel import Receipt
from functions.adapters.ports import Data, Store
from functions.adapters.store import every, update

COLLECTION = "reports"
"""A document a report and week: when it was made, and who got it. The key is `NAME:WEEK`."""
TEXTS = "report_texts"
"""The report itself as JSON, under the same key: lists need none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """What is known of a kept report without its text.

    Attributes:
        name: of the report.
        week: as in `2026-W47`.
        made_at: when it was made.
        sent: the answers of the channels that got it, or refused it for good, by their names.
    """

    name: str
    week: str
    made_at: datetime
    sent: dict[str, Data]


class Archive:
    """Keeps reports in the store.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str, week: str) -> Report | None:
        """The report of a week that is kept; None where there is none.

        Raises:
            UnavailableError: the store does not answer.
            UnreadableError: another version wrote it.
        """
        document = self._store.get(TEXTS, key(name, week))
        if document is None:
            return None
        try:
            return msgspec.json.decode(document.data["report"], type=Report)
        except (msgspec.MsgspecError, KeyError) as error:
            raise UnreadableError(f"report {name} of {week}: {error}") from error

    def keep(self, report: Report) -> Report:
        """Keep a report, unless one of the same week is kept; the one that is kept.

        Raises:
            UnavailableError: the store does not answer.
        """
        name = key(report.name, report.week)
        try:
            self._store.create(TEXTS, name, {"report": msgspec.json.encode(report).decode()})
        except ConflictError:
            report = self.get(report.name, report.week) or report
        update(self._store, COLLECTION, name, lambda data: _made(report) if data is None else None)
        return report

    def sent(self, name: str, week: str) -> dict[str, Data]:
        """The answers of channels to a report, by their names."""
        document = self._store.get(COLLECTION, key(name, week))
        return dict(document.data["sent"]) if document else {}

    def record(self, report: Report, channel: str, receipt: Receipt, at: datetime) -> None:
        """Keep the answer of a channel; the first one stays."""
        answer: Data = {"at": at, "outcome": receipt.outcome.value, "detail": receipt.detail}

        def add(data: Data | None) -> Data | None:
            known = data or _made(
                report
            )  # where the process ended before it was written, or another version kept the text
            if channel in known["sent"]:
                return None
            return known | {"sent": known["sent"] | {channel: answer}}

        update(self._store, COLLECTION, key(report.name, report.week), add)

    def all(self) -> Iterator[KeptReport]:
        """The kept reports, in order of their names and weeks."""
        for document in every(self._store, COLLECTION):
            yield KeptReport(**document.data)


def _made(report: Report) -> Data:
    return {"name": report.name, "week": report.week, "made_at": report.made_at, "sent": {}}


def key(name: str, week: str) -> str:
    """The key of the documents of a report."""
    return f"{name}:{week}"

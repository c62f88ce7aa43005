"""A real web log, replayed in a loop as the browser reports of a website's visitors.

Its 84 hours come round twice a week, so that the hour before now always has visitors, and the same ones as a week ago.
The cycle follows from the instant alone: nothing is stored, and a stack that restarts on another
day continues.

The log knows requests and visits. How long pages and frames took only browsers know: see docs/experience.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import pyarrow.parquet as pq

from core.events import stamp
from functions.adapters.ports import PubsubMessage
from infra.local.replay.flights import Array

WEBLOG = Path(__file__).resolve().parents[1] / "data" / "weblog.parquet"
FIRST = datetime(2015, 5, 17, 10, tzinfo=UTC)
HOURS = 84
SERVICE = "website"
BEFORE = timedelta(hours=8)
"""How much is there when a stack starts: what telemetry_rollup looks back for, and a little more."""

_TURN = timedelta(hours=HOURS)
_ATTRIBUTES = {"table": "experience"}
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Weblog:
    """The requests of the log, in order of time.

    Attributes:
        seconds: since the first full hour of the log.
        sessions: the number of the visit.
        devices: desktop, mobile or tablet.
        failed: whether it was answered with an error.
    """

    seconds: Array
    sessions: list[int]
    devices: list[str]
    failed: list[bool]

    @classmethod
    def read(cls, path: Path = WEBLOG) -> Self:
        """Read the file that `prepare_weblog` writes."""
        table = pq.read_table(path)
        return cls(
            seconds=table["second"].to_numpy(),
            sessions=table["session"].to_pylist(),
            devices=table["device"].to_pylist(),
            failed=table["failed"].to_pylist(),
        )

    def messages(self, start: datetime, end: datetime) -> Iterator[PubsubMessage]:
        """The reports at or after `start` and before `end`, in order, with deterministic ids."""
        turn = (start - FIRST) // _TURN
        while (begin := FIRST + turn * _TURN) < end:
            low, high = np.searchsorted(self.seconds, [(at - begin).total_seconds() for at in (start, end)])
            for row in range(low, high):
                yield PubsubMessage(_encode(self._row(turn, row, begin)), _ATTRIBUTES)
            turn += 1

    def _row(self, turn: int, row: int, begin: datetime) -> dict[str, object]:
        return {
            "event_id": f"{SERVICE}-{turn}-{row}",
            "observed_at": stamp(begin + timedelta(seconds=int(self.seconds[row]))),
            "service": SERVICE,
            "session_id": f"{SERVICE}-{turn}-{self.sessions[row]}",
            "device": self.devices[row],
            "kind": "request",
            "failed": self.failed[row],
        }


@dataclass(slots=True)
class Feed:
    """A web log, and how much of it is published.

    Attributes:
        weblog: the web log.
        until: everything before this instant has been acknowledged; an earlier start's messages are repeated.
    """

    weblog: Weblog
    until: datetime

    def advance(self, now: datetime, publish: Callable[[Iterable[PubsubMessage]], int]) -> int:
        """Publish the messages that have become due; returns their number. After a fault the next call retries."""
        if now <= self.until:
            return 0
        published = publish(self.weblog.messages(self.until, now))
        self.until = now
        return published

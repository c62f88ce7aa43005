"""A real web log, replayed again and again as what the visitors of a website report.

Its 84 hours come round twice a week, so that the hour before now always has visitors, and the same ones as a week ago. Which
turn it is follows from the instant alone: nothing has to be remembered, and a stack that starts again on another day goes on.

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
        """What was reported at or after `start` and before `end`, in order, with the same ids every time."""
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
        weblog: what is published.
        until: everything before this instant has been acknowledged; what an earlier start published comes again.
    """

    weblog: Weblog
    until: datetime

    def advance(self, now: datetime, publish: Callable[[Iterable[PubsubMessage]], int]) -> int:
        """Publish what has become due; how many messages. A fault leaves it for the next time."""
        if now <= self.until:
            return 0
        published = publish(self.weblog.messages(self.until, now))
        self.until = now
        return published

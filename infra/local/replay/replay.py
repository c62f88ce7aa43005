"""Goes on with the replay where it stopped, on whatever day that was."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec

from infra.local.replay.history import History, Message


class Marker(msgspec.Struct, frozen=True):
    """How far the replay has come.

    Attributes:
        anchor: the day on which 2013-12-31 lies, chosen at the first start and kept.
        published_until: everything before this instant has been acknowledged.
    """

    anchor: date
    published_until: datetime


@dataclass(slots=True)
class Replay:
    """A history, and the file that says how much of it is published.

    Attributes:
        history: what is published.
        path: the file of the marker.
    """

    history: History
    path: Path

    @classmethod
    def resume(cls, flights: Path, folder: Path, now: datetime, *, days: int | None = None) -> Self:
        """Go on where the marker in a folder says, or begin there.

        Args:
            flights: the file that `prepare` writes.
            folder: where the marker and the model's scores are kept.
            now: the present; the first start makes its day the last of the year.
            days: where the first start begins: at the midnight (UTC) so many days ago, but not within the reference;
                at the end of the reference when absent.
        """
        path = folder / "replay.json"
        marker = _read(path)
        history = History.read(flights, now, cache=folder, anchor=marker.anchor if marker else None)
        if marker is None:
            _write(path, Marker(history.anchor, _begin(history, days)))
        return cls(history, path)

    @property
    def published_until(self) -> datetime:
        """Everything before this instant has been acknowledged."""
        marker = _read(self.path)
        return marker.published_until if marker else self.history.reference.end

    def advance(self, now: datetime, publish: Callable[[Iterable[Message]], int]) -> int:
        """Publish what has become due, a day at a time; after each day the marker is moved.

        A crash in between publishes that day once more: readers tell the rows by `prediction_id`.

        Args:
            now: the present; nothing later is published.
            publish: returns how many it published when all are acknowledged, and raises otherwise.

        Returns:
            How many messages were published.
        """
        self.history = self.history.live(now)
        published = 0
        for start, end in self.history.days_since(self.published_until):
            published += publish(self.history.messages(start, end))
            _write(self.path, Marker(self.history.anchor, end))
        return published


def _begin(history: History, days: int | None) -> datetime:
    if days is None:
        return history.reference.end
    midnight = history.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(history.reference.end, midnight - timedelta(days=days))


def _read(path: Path) -> Marker | None:
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=Marker)


def _write(path: Path, marker: Marker) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(msgspec.json.encode(marker))
    unfinished.replace(path)

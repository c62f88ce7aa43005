"""Continues the replay where it stopped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec

from core.errors import AiaError
from functions.adapters.ports import PubsubMessage
from infra.local import files
from infra.local.replay import exchange_rates
from infra.local.replay.history import History
from infra.local.replay.orders import ORDERS, Orders

NAME = "replay.json"


class MarkerError(AiaError):
    """The file of the marker holds none; the message names it and what to do."""


class Marker(msgspec.Struct, frozen=True):
    """How far the replay has come.

    Attributes:
        anchor: the day on which 2013-12-24 lies, chosen at the first start and kept.
        published_until: everything before this instant has been acknowledged.
        began: where publishing began; orders before it are loaded at once. Not known of a replay that began before
            there were orders: then where it stands now.
    """

    anchor: date
    published_until: datetime
    began: datetime | None = None


@dataclass(slots=True)
class Replay:
    """A history with its orders, and the file that records how much of them is published.

    Attributes:
        history: the log of the model.
        orders: of the shop.
        path: the file of the marker.
    """

    history: History
    orders: Orders
    path: Path

    @classmethod
    def resume(cls, flights: Path, folder: Path, now: datetime, *, days: int | None = None) -> Self:
        """Continue from the marker in a folder, or create it.

        Args:
            flights: the file that `prepare` writes.
            folder: has the marker.
            now: the present; at the first start its day becomes the last of the year.
            days: the first start begins at the midnight (UTC) of this many days ago, but not within the reference;
                at the end of the reference when absent.
        """
        path = folder / NAME
        marker = _read_marker(path)
        history = History.read(flights, now, anchor=marker.anchor if marker else None)
        if marker is None:
            begin = _begin(history, days)
            marker = Marker(history.anchor, begin, begin)
        if marker.began is None:
            marker = Marker(marker.anchor, marker.published_until, marker.published_until)
        _write(path, marker)
        return cls(history, Orders.read(ORDERS, history.anchor), path)

    def skip_to(self, instant: datetime) -> None:
        """Take everything before an instant for published: it comes as history."""
        _write(self.path, Marker(self.history.anchor, instant, self.began))

    @property
    def published_until(self) -> datetime:
        """Everything before this instant has been acknowledged."""
        return self._marker.published_until

    @property
    def began(self) -> datetime:
        """The start of publishing: older data is loaded in bulk."""
        return self._marker.began or self.history.reference.end

    def messages(self, start: datetime, end: datetime) -> Iterator[PubsubMessage]:
        """Logs, exchange rates and orders at or after `start` and before `end`; `ValueError` if that is later than now."""
        yield from self.history.messages(start, end)
        yield from exchange_rates.messages(start, end)
        yield from self.orders.messages(start, end)

    def advance(self, now: datetime, publish: Callable[[Iterable[PubsubMessage]], int]) -> int:
        """Publish the messages that have become due, a day at a time; after each day the marker is advanced.

        A crash in between publishes that day again: readers deduplicate rows by `prediction_id` and `order_id`.

        Args:
            now: the present; nothing later is published.
            publish: returns how many it published when all are acknowledged, and raises otherwise.

        Returns:
            How many messages were published.
        """
        self.history = self.history.live(now)
        published = 0
        for start, end in self.history.days_since(self.published_until):
            published += publish(self.messages(start, end))
            _write(self.path, Marker(self.history.anchor, end, self.began))
        return published

    @property
    def _marker(self) -> Marker:
        end = self.history.reference.end
        return _read_marker(self.path) or Marker(self.history.anchor, end, end)


def read_marker(folder: Path) -> Marker | None:
    """How far the replay in a folder has come, or None where none has begun."""
    return _read_marker(folder / NAME)


def _begin(history: History, days: int | None) -> datetime:
    if days is None:
        return history.reference.end
    midnight = history.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(history.reference.end, midnight - timedelta(days=days))


def _read_marker(path: Path) -> Marker | None:
    """The marker, or None before the first start; `MarkerError` when the file holds none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Marker)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MarkerError(
            f"{path}: holds no marker of the replay ({error}); `aia local --set-aside` starts without it"
        ) from error


def _write(path: Path, marker: Marker) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, msgspec.json.encode(marker))

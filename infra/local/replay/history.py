"""The log of the model, shifted so that today is the day before Christmas 2013.

2013-12-24 becomes the anchor day, and every other day keeps its distance from it. On that day a week of storms has
moved the model's inputs: what the stack detects first is real. After the year's last day comes its first one again, 365
days after it came before; the calendar of the day plays no part, so a leap day is a day like others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa

from functions.adapters.ports import PubsubMessage
from infra.local.replay.flights import TRAINED_FROM, TRAINED_UNTIL, Array, Flights, minutes
from infra.local.replay.scores import probabilities

MODEL = "flight-delay"
VERSION = "v1"

_ANCHORED = date(2013, 12, 24)
_DAY_MINUTES = 24 * 60
_YEAR_MINUTES = 365 * _DAY_MINUTES
_CHUNK_ROWS = 10_000
_PREDICTION = {"table": "flight_predictions"}
_LABEL = {"table": "flight_labels"}
_FIRST_REPORT_MINUTES = 60
_LAST_REPORT_MINUTES = 360

_encode = msgspec.json.Encoder().encode


class Span(NamedTuple):
    """What lies at or after `start` and before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The log of the model until `now`.

    Attributes:
        now: nothing later is in it.
        anchor: the day on which 2013-12-24 lies.
        flights: of the year, in the order in which they were scored.
        scores: the model's, one a flight.
        reported_at: when the label of each flight arrives, in minutes since 1970 like the flights' own instants.
    """

    now: datetime
    anchor: date
    flights: Flights
    scores: Array
    reported_at: Array
    _reports: Array
    _by_report: Array

    @classmethod
    def read(cls, path: Path, now: datetime, *, anchor: date | None = None) -> Self:
        """Read the flights and the model's scores of them.

        Args:
            path: the file that `prepare` writes.
            now: where the history ends; with a time zone.
            anchor: the day on which 2013-12-24 lies, when it is not the day of `now`: a stack that was started on
                another day continues with that day's.

        Raises:
            ValueError: `now` has no time zone.
        """
        _require_zone(now)
        flights = Flights.read(path)
        reported_at = flights.arrived_at + _report_minutes(flights)
        return cls(
            now=now,
            anchor=anchor or now.astimezone(UTC).date(),
            flights=flights,
            scores=probabilities(),
            reported_at=reported_at,
            _reports=np.sort(reported_at),
            _by_report=np.argsort(reported_at, kind="stable"),
        )

    def live(self, now: datetime) -> "History":
        """The same history, at a later `now`, with the data that has become due since."""
        _require_zone(now)
        return replace(self, now=now)

    @property
    def reference(self) -> Span:
        """January and February: the training data of the model."""
        moved = timedelta(minutes=self._shift)
        return Span(TRAINED_FROM + moved, TRAINED_UNTIL + moved)

    @property
    def days(self) -> tuple[Span, ...]:
        """The days (UTC) from the end of the reference; the last one ends at `now`."""
        return self.days_since(self.reference.end)

    def days_since(self, start: datetime) -> tuple[Span, ...]:
        """The days (UTC) from an instant; the first begins there, the last one ends at `now`."""
        spans = []
        while start < self.now:
            end = min(self.now, _midnight_after(start))
            spans.append(Span(start, end))
            start = end
        return tuple(spans)

    def messages(self, start: datetime, end: datetime) -> Iterator[PubsubMessage]:
        """The log at or after `start` and before `end`: first the predictions, then the labels that arrived.

        Raises:
            ValueError: `end` is later than `now`.
        """
        if end > self.now:
            raise ValueError(f"end: must not be later than now, {self.now.isoformat()}, got {end.isoformat()}")
        for shift, rows in self.scored(start, end):
            yield from _messages(self._predictions(shift, rows), _PREDICTION)
        for shift, rows in self._reported(start, end):
            yield from _messages(self._labels(shift, rows), _LABEL)

    def prediction_rows(self, start: datetime, end: datetime) -> pa.Table:
        """The predictions of a span, as `telemetry.flight_predictions` holds them."""
        chunks = [self._predictions(*due) for due in self.scored(start, end)]
        return _table(chunks, instants=("scored_at",))

    def label_rows(self, start: datetime, end: datetime) -> pa.Table:
        """The labels that arrived in a span, as `telemetry.flight_labels` holds them."""
        chunks = [self._labels(*due) for due in self._reported(start, end)]
        return _table(chunks, instants=("arrived_at",))

    def scored(self, start: datetime, end: datetime) -> Iterator[tuple[int, slice]]:
        """The flights that were scored at or after `start` and before `end`: in chunks, and by how many minutes each is moved."""
        yield from self._due(self.flights.scored_at, start, end)

    def _reported(self, start: datetime, end: datetime) -> Iterator[tuple[int, slice]]:
        """The same of labels that arrived, as places in the order of their arrival."""
        yield from self._due(self._reports, start, end)

    def by_category(self, start: datetime, end: datetime, feature: str) -> tuple[Array, Array, tuple[str, ...]]:
        """The predictions of a span by one categorical feature, without the rest of their rows.

        Returns:
            When each was made, in minutes since 1970 (UTC); the code of its category, -1 where that is missing; and the
            names of the categories by code.
        """
        column = self.flights.categorical[feature]
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        due = list(self.scored(start, end))
        times = [self.flights.scored_at[rows] + shift for shift, rows in due]
        nothing = np.empty(0, dtype=np.int64)
        return (
            np.concatenate([nothing, *times]),
            np.concatenate([nothing, *(codes[rows] for _, rows in due)]),
            tuple(column.dictionary.to_pylist()),
        )

    @property
    def _shift(self) -> int:
        return (self.anchor - _ANCHORED).days * _DAY_MINUTES

    def _due(self, times: Array, start: datetime, end: datetime) -> Iterator[tuple[int, slice]]:
        """Chunks of the rows whose time lies in the span, and by how many minutes each is moved; `times` is sorted."""
        first, last = minutes(start) - self._shift, minutes(end) - self._shift
        for cycle in range(max(0, (first - times[-1]) // _YEAR_MINUTES), (last - times[0]) // _YEAR_MINUTES + 1):
            low, high = np.searchsorted(times, [first - cycle * _YEAR_MINUTES, last - cycle * _YEAR_MINUTES])
            for begin in range(low, high, _CHUNK_ROWS):
                yield self._shift + cycle * _YEAR_MINUTES, slice(begin, min(begin + _CHUNK_ROWS, high))

    def _predictions(self, shift: int, rows: slice) -> dict[str, list[object]]:
        flights = self.flights
        names = {name: _strings(column, rows) for name, column in flights.categorical.items()}
        entities = [
            f"{carrier}{flight}" for carrier, flight in zip(names["carrier"], flights.flight[rows], strict=True)
        ]
        count = len(entities)
        return {
            "prediction_id": self._ids(shift, rows),
            "model": [MODEL] * count,
            "version": [VERSION] * count,
            "scored_at": _stamps(flights.scored_at[rows] + shift),
            "entity_id": entities,
            **{name: np.round(column[rows].astype(float), 2).tolist() for name, column in flights.numeric.items()},
            **names,
            "probability": self.scores[rows].tolist(),
        }

    def _labels(self, shift: int, rows: slice) -> dict[str, list[object]]:
        of_flight = self._by_report[rows]
        return {
            "prediction_id": self._ids(shift, of_flight),
            "late": self.flights.late[of_flight].tolist(),
            "arrived_at": _stamps(self.reported_at[of_flight] + shift),
        }

    def _ids(self, shift: int, rows: slice | Array) -> list[object]:
        """Carrier, number, origin and planned departure: no two flights share them."""
        flights = self.flights
        carriers = _strings(flights.categorical["carrier"], rows)
        origins = _strings(flights.categorical["origin"], rows)
        planned = _stamps(flights.scheduled[rows] + shift, unit="m")
        parts = zip(carriers, flights.flight[rows].tolist(), origins, planned, strict=True)
        return [f"{carrier}{flight}-{origin}-{at}" for carrier, flight, origin, at in parts]


def _messages(columns: Mapping[str, list[object]], attributes: Mapping[str, str]) -> Iterator[PubsubMessage]:
    names = tuple(columns)
    for row in zip(*columns.values(), strict=True):
        yield PubsubMessage(
            _encode(dict(zip(names, row, strict=True))), attributes
        )  # a missing number (NaN) becomes null


def _table(chunks: list[dict[str, list[object]]], *, instants: tuple[str, ...]) -> pa.Table:
    if not chunks:
        return pa.table({})
    columns = {name: [value for chunk in chunks for value in chunk[name]] for name in chunks[0]}
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}  # NaN becomes null
    seconds = {name: arrays[name].cast(pa.timestamp("us", "UTC")) for name in instants}
    return pa.table(arrays | seconds)


def _report_minutes(flights: Flights) -> Array:
    """How long after its arrival each flight is reported: 1 to 6 hours, the same every time, and any two unalike."""
    planned = flights.scheduled.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = planned ^ (flights.flight.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
    choices = np.uint64(_LAST_REPORT_MINUTES - _FIRST_REPORT_MINUTES + 1)
    return _FIRST_REPORT_MINUTES + (mixed >> np.uint64(33)).astype(np.int64) % int(choices)


def _strings(column: pa.DictionaryArray, rows: slice | Array) -> list[object]:
    words = np.array(column.dictionary.to_pylist(), dtype=object)
    texts: list[object] = words[column.indices.to_numpy()[rows]].tolist()
    return texts


def _stamps(instants: Array, unit: Literal["m", "s"] = "s") -> list[object]:
    texts: list[object] = np.datetime_as_string(instants.astype("datetime64[m]"), unit=unit, timezone="UTC").tolist()
    return texts


def _midnight_after(instant: datetime) -> datetime:
    day = instant.astimezone(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _require_zone(now: datetime) -> None:
    if now.tzinfo is None:
        raise ValueError(f"now: must carry a time zone, got {now.isoformat()}")

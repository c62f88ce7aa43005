"""Which parts of the past are computed, and how far that is: the newest days first, and never a part twice once it is in.

The plan is a file of the stack's folder. A span is added for the first start, and for every later one that follows a long
stop; each track (the model, the business) works from the end of a span to its start, and keeps how far it is in a file of its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import UnreadableError
from infra.local import files

T = TypeVar("T")
DAY = timedelta(days=1)
SHORT = timedelta(hours=3)
"""What was missed within so short a stop is published as if it came late; after a longer one it comes as history."""
NAME = "history.json"
TRACKS = ("model", "business")
"""The names of the tracks."""


class Span(msgspec.Struct, frozen=True):
    """A span of the past.

    Attributes:
        start: rows before it are not loaded.
        ticks_from: the first instant that may be scored: a window lies before it.
        end: rows from it on are published live.
        reached: by track, the instant from which on everything is in; the end where nothing is.
    """

    start: datetime
    ticks_from: datetime
    end: datetime
    reached: dict[str, datetime] = {}

    def reached_by(self, track: str) -> datetime:
        """The instant from which on everything of a track is in."""
        return self.reached.get(track, self.end)


@dataclass(frozen=True, slots=True)
class Plan:
    """All spans, the oldest first."""

    spans: tuple[Span, ...] = ()

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The midnights that are scored, the oldest first."""
        return tuple(at for span in self.spans for at in _midnights(span.ticks_from, span.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a span that a track computes next.

    Attributes:
        index: of the span.
        start: of the part.
        end: what follows is in.
        instants: the midnights (UTC) within, the oldest first.
    """

    index: int
    start: datetime
    end: datetime
    instants: tuple[datetime, ...]


def reached_name(track: str) -> str:
    """The file that says how far a track is."""
    return f"history-{track}.json"


def read_plan(folder: Path) -> Plan:
    """The plan of a stack, with how far every track is; an empty one where there is none.

    Raises:
        UnreadableError: one of the files is broken.
    """
    spans = _decode(folder / NAME, list[Span]) or []
    for track in TRACKS:
        for index, instant in enumerate(_decode(folder / reached_name(track), list[datetime | None]) or []):
            if instant is not None and index < len(spans):
                spans[index] = _reached(spans[index], track, instant)
    return Plan(tuple(spans))


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the spans in place of those before; only the stack itself may, not a track."""
    spans = [msgspec.structs.replace(span, reached={}) for span in plan.spans]
    files.write(folder / NAME, msgspec.json.encode(spans))


def write_reached(folder: Path, track: str, plan: Plan) -> None:
    """Write how far a track is; only the track itself may."""
    reached = [span.reached.get(track) for span in plan.spans]
    files.write(folder / reached_name(track), msgspec.json.encode(reached))


def extended(plan: Plan, start: datetime, end: datetime, *, window: timedelta) -> Plan:
    """The plan with a further span.

    Args:
        plan: so far.
        start: from where on nothing is in.
        end: from where on everything is published live.
        window: how much lies before the first tick of the very first span; a later one has the rows before it.
    """
    if not plan.spans:
        return Plan((Span(start=start, ticks_from=start + window, end=end),))
    begin = max(start, plan.spans[-1].end)  # a start that was killed has added the span already
    if begin >= end:
        return plan
    return Plan((*plan.spans, Span(start=begin, ticks_from=begin, end=end)))


def next_part(plan: Plan, track: str, *, first: timedelta, size: timedelta) -> Part | None:
    """The part that a track computes next, or None where everything is in.

    Args:
        plan: how far it is.
        track: the name.
        first: how long the first part of a span is.
        size: how long the others are; what would be left of a span and is shorter than half of it is taken along.
    """
    for index in reversed(range(len(plan.spans))):
        span = plan.spans[index]
        end = span.reached_by(track)
        if end <= span.start:
            continue
        start = _midnight(end - (first if end == span.end else size))
        start = span.start if start - span.start < size / 2 else start
        return Part(index=index, start=start, end=end, instants=_midnights(max(start, span.ticks_from), end))
    return None


def with_part(plan: Plan, track: str, part: Part) -> Plan:
    """The plan when a part is in."""
    done = _reached(plan.spans[part.index], track, part.start)
    return Plan((*plan.spans[: part.index], done, *plan.spans[part.index + 1 :]))


def progress(plan: Plan) -> tuple[int, int]:
    """How many days of history are in, of every track, and how many there are."""
    whole = sum(_days(span.ticks_from, span.end) for span in plan.spans)
    left = sum(
        max((_days(span.ticks_from, span.reached_by(track)) for track in TRACKS), default=0) for span in plan.spans
    )
    return whole - left, whole


def _reached(span: Span, track: str, instant: datetime) -> Span:
    return msgspec.structs.replace(span, reached={**span.reached, track: instant})


def _decode(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise UnreadableError(str(error)) from error


def _days(start: datetime, end: datetime) -> int:
    return max(0, round((end - start) / DAY))


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _midnights(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The midnights at or after `start` and before `end`."""
    first = _midnight(start) if _midnight(start) == start else _midnight(start) + DAY
    return tuple(first + DAY * number for number in range(max(0, -((first - end) // DAY))))

"""The parts of the history and their progress: the newest days first, and no part twice.

The plan is a file of the stack's folder. A span is added for the first start, and for every later one that follows a
long stop; each track (the model, the business) works from the end of a span to its start, and keeps how far it is in a
file of its own.
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
"""After a stop shorter than this, missed messages are published late; after a longer one they are loaded as history."""
TICK = timedelta(minutes=15)
"""A midnight so shortly before the end of a span is that of the first live tick."""
CHARTED_EVERY = (timedelta(minutes=10), TICK)
"""The jobs' intervals of which no other of the settings is older at its first live tick: the others divide one of them."""
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
        loaded: the same of rows and documents alone, which are in before the charts are.
    """

    start: datetime
    ticks_from: datetime
    end: datetime
    reached: dict[str, datetime] = {}
    loaded: dict[str, datetime] = {}

    def reached_by(self, track: str) -> datetime:
        """The instant from which on everything of a track is in."""
        return self.reached.get(track, self.end)

    def is_loaded(self, track: str) -> bool:
        """Whether the rows of the newest part of a track are in."""
        return min(self.loaded.get(track, self.end), self.reached_by(track)) < self.end


@dataclass(frozen=True, slots=True)
class Plan:
    """All spans, the oldest first."""

    spans: tuple[Span, ...] = ()

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The midnights that are scored, the oldest first."""
        return tuple(at for span in self.spans for at in _midnights(span.ticks_from, span.end - TICK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a span that a track computes next.

    Attributes:
        index: of the span.
        start: of the part.
        end: what follows is in.
        instants: the midnights (UTC) within, the oldest first.
        is_newest: whether it is the newest of its span.
        is_oldest: whether it is the oldest of all.
    """

    index: int
    start: datetime
    end: datetime
    instants: tuple[datetime, ...]
    is_newest: bool = False
    is_oldest: bool = False

    @property
    def charts_end(self) -> datetime:
        """The end of the part's charts: before the first live value of any job, since Prometheus refuses what is older than a block."""
        return min(_instant(self.end, interval) for interval in CHARTED_EVERY) - timedelta(seconds=1)


def reached_name(track: str) -> str:
    """The file that says how far a track is."""
    return f"history-{track}.json"


class _Reached(msgspec.Struct, frozen=True):
    """How far a track is, span by span."""

    reached: list[datetime | None] = []
    loaded: list[datetime | None] = []


def read_plan(folder: Path) -> Plan:
    """The plan of a stack, with how far every track is; an empty one where there is none.

    Raises:
        UnreadableError: one of the files is broken.
    """
    spans = _decode(folder / NAME, list[Span]) or []
    for track in TRACKS:
        progress = _decode(folder / reached_name(track), _Reached) or _Reached()
        for name, instants in (("reached", progress.reached), ("loaded", progress.loaded)):
            for index, instant in enumerate(instants[: len(spans)]):
                if instant is not None:
                    spans[index] = _marked(spans[index], name, track, instant)
    return Plan(tuple(spans))


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the spans in place of those before; only the stack itself may, not a track."""
    spans = [msgspec.structs.replace(span, reached={}, loaded={}) for span in plan.spans]
    files.write(folder / NAME, msgspec.json.encode(spans))


def write_reached(folder: Path, track: str, plan: Plan) -> None:
    """Write how far a track is; only the track itself may."""
    progress = _Reached(
        [span.reached.get(track) for span in plan.spans], [span.loaded.get(track) for span in plan.spans]
    )
    files.write(folder / reached_name(track), msgspec.json.encode(progress))


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
    last = plan.spans[-1]
    if not (last.reached or last.loaded):  # as of a start that was killed: the span goes on
        return Plan((*plan.spans[:-1], msgspec.structs.replace(last, end=max(last.end, end))))
    begin = max(start, last.end)
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
        return Part(
            index=index,
            start=start,
            end=end,
            instants=_midnights(max(start, span.ticks_from), min(end, span.end - TICK)),
            is_newest=end == span.end,
            is_oldest=index == 0 and start == span.start,
        )
    return None


def has_begun(plan: Plan) -> bool:
    """Whether the newest part of the first span is in, on every track: from then on Prometheus runs."""
    return not plan.spans or all(plan.spans[0].reached_by(track) < plan.spans[0].end for track in TRACKS)


def with_part(plan: Plan, track: str, part: Part, *, charts: bool = True) -> Plan:
    """The plan when a part is in, or without its charts."""
    done = _marked(plan.spans[part.index], "reached" if charts else "loaded", track, part.start)
    return Plan((*plan.spans[: part.index], done, *plan.spans[part.index + 1 :]))


def progress(plan: Plan) -> tuple[int, int]:
    """How many days of history are in, of every track, and how many there are."""
    whole = sum(_days(span.ticks_from, span.end) for span in plan.spans)
    left = sum(
        max((_days(span.ticks_from, span.reached_by(track)) for track in TRACKS), default=0) for span in plan.spans
    )
    return whole - left, whole


def _marked(span: Span, name: str, track: str, instant: datetime) -> Span:
    return msgspec.structs.replace(span, **{name: {**getattr(span, name), track: instant}})


def _decode(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise UnreadableError(str(error)) from error


def _days(start: datetime, end: datetime) -> int:
    return max(0, round((end - start) / DAY))


def _instant(at: datetime, interval: timedelta) -> datetime:
    """The newest instant of an interval that divides a day."""
    return at - (at - datetime.min.replace(tzinfo=UTC)) % interval


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _midnights(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The midnights at or after `start` and before `end`."""
    first = _midnight(start) if _midnight(start) == start else _midnight(start) + DAY
    return tuple(first + DAY * number for number in range(max(0, -((first - end) // DAY))))

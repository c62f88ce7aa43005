"""What a message carries: an event about a run, an entry of Vertex AI's log, or a tick."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import PoisonError
from core.events import PipelineRun, Tick, stamp
from core.text import clean
from functions.adapters import events
from functions.pipeline_monitor.log_entry import Logged, read_entry
from functions.runtime.push import Message
from functions.runtime.ticks import read_tick

LONGEST_NAME = 128
"""Bytes of the name of a pipeline or a stage; Vertex AI allows as many characters."""
LONGEST_ID = 256
"""Bytes of a run's id."""
LONGEST_ERROR = 300
"""Characters that are kept of an error."""
AHEAD = timedelta(minutes=10)
"""By so much the clock of a runner may be ahead of that of the bus."""


class _Shape(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw()
    resource: msgspec.Raw = msgspec.Raw()


_shape = msgspec.json.Decoder(_Shape)


def read(message: Message, cron: str) -> PipelineRun | Logged | Tick:
    """The event that a message carries.

    Args:
        message: from either of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it carries none of the three, or one that names what cannot be kept.
    """
    if _is_entry(message.data):
        logged = read_entry(message.data)
        event = logged.event
        return replace(logged, event=None if event is None else checked(event, message.published_at))
    kind = events.type_of(message.data)
    if kind == Tick.TYPE:
        return read_tick(message, cron)
    if kind == PipelineRun.TYPE:
        return checked(events.decode(message.data, PipelineRun), message.published_at)
    raise PoisonError(f"type: must be {PipelineRun.TYPE!r} or {Tick.TYPE!r}, got {kind!r:.80}")


def checked(event: PipelineRun, published_at: datetime) -> PipelineRun:
    """The event as it is kept: instants in UTC, and an error in one line.

    Raises:
        PoisonError: a name is none, or an instant lies in the future.
    """
    _check_name("pipeline", event.pipeline, LONGEST_NAME)
    _check_name("run_id", event.run_id, LONGEST_ID)
    if event.stage:
        _check_name("stage", event.stage, LONGEST_NAME)
    return replace(
        event,
        observed_at=_past("observed_at", event.observed_at, published_at),
        started_at=event.started_at and event.started_at.astimezone(UTC),
        ended_at=event.ended_at and _past("ended_at", event.ended_at, published_at),
        error=clean(event.error, LONGEST_ERROR),
    )


def _is_entry(data: bytes) -> bool:
    try:
        shape = _shape.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"message: must be a JSON object: {error}") from error
    return bool(shape.resource) and not bool(shape.type)


def _check_name(name: str, text: str, longest: int) -> None:
    if not text.strip() or not text.isprintable() or text.startswith("__") or len(text.encode()) > longest:
        allowed = f"1 to {longest} bytes of printable text, not starting with '__'"
        raise PoisonError(f"{name}: must be {allowed}, got {text[:80]!r}")


def _past(name: str, instant: datetime, published_at: datetime) -> datetime:
    if instant > published_at + AHEAD:
        raise PoisonError(
            f"{name}: must not be after {stamp(published_at)}, when it was published, got {stamp(instant)}"
        )
    return instant.astimezone(UTC)

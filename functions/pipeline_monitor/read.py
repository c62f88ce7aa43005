"""Messages of the pipeline monitor: an event about a run or of a registry, an entry of Vertex AI's log, or a tick.

Of a log entry (`pipeline_job_events`, as a log sink publishes it) the job's id and region (`resource.labels`), the
state and the pipeline's name (`jsonPayload`), and the instant are read. Of an entry about a task (`pipeline_job_task_events`) only
that there is one: what became of the tasks, Vertex AI tells who asks.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from core.errors import PoisonError
from core.events import PipelineRun, RegistryChange, RunStatus, Tick, stamp
from core.pipelines.run import MOST_STAGES
from core.text import clean
from functions.adapters import events
from functions.runtime.endpoint import read_tick
from functions.runtime.push import Message

_STATES = {
    "PIPELINE_STATE_QUEUED": None,
    "PIPELINE_STATE_PENDING": None,
    "PIPELINE_STATE_RUNNING": RunStatus.RUNNING,
    "PIPELINE_STATE_PAUSED": RunStatus.RUNNING,
    "PIPELINE_STATE_CANCELLING": RunStatus.RUNNING,
    "PIPELINE_STATE_SUCCEEDED": RunStatus.SUCCEEDED,
    "PIPELINE_STATE_FAILED": RunStatus.FAILED,
    "PIPELINE_STATE_CANCELLED": RunStatus.CANCELLED,
}
"""By `google.cloud.aiplatform.v1.PipelineState`; None before anything runs."""
_TASKS = "aiplatform.googleapis.com%2Fpipeline_job_task_events"
"""The end of the name of the log that has the events of tasks."""
_STAMPED = re.compile(r"-\d{14}$")
"""The suffix that the client library appends to the pipeline's name to form the job's id."""
LONGEST_NAME = 128
"""Bytes of the name of a pipeline or a stage; Vertex AI allows as many characters."""
LONGEST_ID = 256
"""Bytes of a run's id."""
LONGEST_ERROR = 300
"""Characters of an error that are stored."""
AHEAD = timedelta(minutes=10)
"""How far the clock of a runner may be ahead of that of the bus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An event from the log.

    Attributes:
        event: of the run, or None while the job is pending; of an entry about a task, that the run is active.
        location: the region of the job, or empty.
        job_id: the id of the job in it.
        of_task: whether it is about a task.
    """

    event: PipelineRun | None
    location: str
    job_id: str
    of_task: bool = False


class _Labels(msgspec.Struct):
    pipeline_job_id: str
    location: str = ""


class _Resource(msgspec.Struct):
    labels: _Labels


class _Payload(msgspec.Struct, rename="camel"):
    state: str = ""
    pipeline_name: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    resource: _Resource
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    json_payload: _Payload
    log_name: str = ""


_decoder = msgspec.json.Decoder(_Entry)


def read_entry(data: bytes) -> Logged:
    """The event in a log entry.

    Raises:
        PoisonError: it is no such entry; the message carries the path.
    """
    try:
        return _logged(_decoder.decode(data))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"log entry: {error}") from error


def _logged(entry: _Entry) -> Logged:
    labels, state = entry.resource.labels, entry.json_payload.state
    if entry.log_name.endswith(_TASKS):
        active = _event(entry, RunStatus.RUNNING)
        return Logged(event=active, location=labels.location, job_id=labels.pipeline_job_id, of_task=True)
    if state not in _STATES:
        raise ValueError(f"jsonPayload.state must be one of {', '.join(_STATES)}, got {state!r:.80}")
    status = _STATES[state]
    event = None if status is None else _event(entry, status)
    return Logged(event=event, location=labels.location, job_id=labels.pipeline_job_id)


def _event(entry: _Entry, status: RunStatus) -> PipelineRun:
    job_id = entry.resource.labels.pipeline_job_id
    return PipelineRun(
        pipeline=entry.json_payload.pipeline_name or _STAMPED.sub("", job_id),
        run_id=job_id,
        status=status,
        observed_at=entry.timestamp,
    )


class _Shape(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw()
    resource: msgspec.Raw = msgspec.Raw()


_shape = msgspec.json.Decoder(_Shape)


def read(message: Message, cron: str) -> PipelineRun | Logged | RegistryChange | Tick:
    """The event in a message.

    Args:
        message: from either of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it has none of the four, or names that cannot be stored.
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
    if kind == RegistryChange.TYPE:
        return events.decode(message.data, RegistryChange)
    allowed = f"{PipelineRun.TYPE!r}, {RegistryChange.TYPE!r} or {Tick.TYPE!r}"
    raise PoisonError(f"type: must be {allowed}, got {kind!r:.80}")


def checked(event: PipelineRun, published_at: datetime) -> PipelineRun:
    """The event as it is stored: instants in UTC, and the error in one line.

    Raises:
        PoisonError: a name is invalid, or an instant is in the future.
    """
    _check_name("pipeline", event.pipeline, LONGEST_NAME)
    _check_name("run_id", event.run_id, LONGEST_ID)
    if event.stage:
        _check_name("stage", event.stage, LONGEST_NAME)
    _check_execution(event)
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


def _check_execution(event: PipelineRun) -> None:
    after = event.after or ()
    if len(after) > MOST_STAGES:
        raise PoisonError(f"after: must have at most {MOST_STAGES} stages, got {len(after)}")
    names = {f"after[{index}]": name for index, name in enumerate(after)}
    optional = {"inputs": event.inputs, "machine": event.machine, "job": event.job}
    for field, name in (names | {field: text for field, text in optional.items() if text}).items():
        _check_name(field, name, LONGEST_NAME)


def _past(name: str, instant: datetime, published_at: datetime) -> datetime:
    if instant > published_at + AHEAD:
        raise PoisonError(
            f"{name}: must not be after {stamp(published_at)}, when it was published, got {stamp(instant)}"
        )
    return instant.astimezone(UTC)

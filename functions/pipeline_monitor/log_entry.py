"""What Vertex AI logs of a pipeline job, as a log sink publishes it: a `LogEntry` of `pipeline_job_events`.

Read are the job's id and region (`resource.labels`), the state and the pipeline's name (`jsonPayload`), and the instant.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from core.errors import PoisonError
from core.events import PipelineRun, RunStatus

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
_STAMPED = re.compile(r"-\d{14}$")
"""What the client library adds to the pipeline's name to make the job's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """An event out of the log.

    Attributes:
        event: what it says, or None where the job waits and nothing has begun.
        location: the region of the job, or empty.
        job_id: the id of the job in it.
    """

    event: PipelineRun | None
    location: str
    job_id: str


class _Labels(msgspec.Struct):
    pipeline_job_id: str
    location: str = ""


class _Resource(msgspec.Struct):
    labels: _Labels


class _Payload(msgspec.Struct, rename="camel"):
    state: str
    pipeline_name: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    resource: _Resource
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    json_payload: _Payload


_decoder = msgspec.json.Decoder(_Entry)


def read_entry(data: bytes) -> Logged:
    """The event that a log entry tells of.

    Raises:
        PoisonError: it is no such entry; the message carries the path.
    """
    try:
        return _logged(_decoder.decode(data))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"log entry: {error}") from error


def _logged(entry: _Entry) -> Logged:
    labels, state = entry.resource.labels, entry.json_payload.state
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

"""Ticks of the scheduler: how a message carries one, and the heartbeat of the job that has handled it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.errors import PoisonError
from core.events import Tick
from functions.adapters.events import decode
from functions.adapters.ports import Metrics
from functions.runtime.push import Message

HEARTBEAT = "aia_heartbeat_timestamp_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickResult:
    """How a tick was handled; a handler that returns none of these has done everything, one that raises has not.

    Attributes:
        complete: whether the job looked at everything; only then does it have a heartbeat.
        fault: raised after the heartbeat, so that the tick comes again.
    """

    complete: bool = True
    fault: Exception | None = None


def read_tick(message: Message, cron: str) -> Tick:
    """The tick that a message carries.

    Cloud Scheduler sends the same bytes every time: where `scheduled_at` is missing, the tick is for the newest instant
    of the schedule that is not after the message was published. A redelivered message keeps its publish time.

    Args:
        message: from the `ticks` topic.
        cron: the schedule of the job, in UTC.

    Raises:
        PoisonError: it carries none.
    """
    try:
        body = msgspec.json.decode(message.data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PoisonError(f"tick: {error}") from error
    if "scheduled_at" in body:
        return decode(message.data, Tick)
    due = _newest(cron, message.published_at.astimezone(UTC))
    return decode(msgspec.json.encode(body | {"scheduled_at": due}), Tick)


def finish(tick: Tick, result: TickResult | None, *, function: str, metrics: Metrics) -> None:
    """Set the heartbeat of a job that has handled a tick, then raise its fault, if it has one.

    The heartbeat is the instant of the tick, not of now: a job that works off old ticks is late, and is seen to be.

    Args:
        tick: that was handled.
        result: what its handler returned.
        function: the name of the function.
        metrics: of the function.
    """
    result = result or TickResult()
    if result.complete:
        at = tick.scheduled_at
        metrics.gauge(HEARTBEAT, at.timestamp(), at=at, function=function)
    if result.fault:
        raise result.fault


def _newest(cron: str, instant: datetime) -> datetime:
    from croniter import croniter  # noqa: PLC0415 - only the functions that take ticks have it

    schedule = croniter(cron, instant, ret_type=datetime)
    return instant.replace(second=0, microsecond=0) if croniter.match(cron, instant) else schedule.get_prev()

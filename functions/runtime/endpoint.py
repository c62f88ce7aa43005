"""Entry point of every function: decode a push request, handle its event, and answer with the outcome.

handled                                   204
poisoned (no retry can help)              parked with the reason, 204
busy, unavailable or failed (a retry may) 429, 503 or 500, so that Pub/Sub redelivers with back-off
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import flask
import functions_framework
import msgspec
from flask.typing import ResponseReturnValue

from core.errors import AiaError, BusyError, ConflictError, PoisonError, RefusedError, UnavailableError
from core.events import Event, Tick
from functions.adapters import logs, request_deadline
from functions.adapters.events import decode, decode_any, type_of
from functions.adapters.ports import Metrics
from functions.runtime import deadlines, incoming
from functions.runtime.ports import Ports, once
from functions.runtime.push import Message, read_push

log = logging.getLogger(__name__)
HEARTBEAT = "aia_heartbeat_timestamp_seconds"
LONGEST_REASON = 500
"""Characters; the error of a decoder repeats its input, which may be megabytes."""
A = TypeVar("A")
E = TypeVar("E")
Answer = Callable[[flask.Request], ResponseReturnValue]
Endpoint = Callable[[flask.Request], tuple[str, int]]
"""Answers a push request with a body and a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickResult:
    """Outcome of a tick. A handler that returns None completed it; one that raises did not.

    Attributes:
        complete: whether the job evaluated everything; only then is its heartbeat set.
        reached: the instant up to which everything that was due is done; None for that of the tick.
        fault: raised after the heartbeat, so that the tick is delivered again.
    """

    complete: bool = True
    reached: datetime | None = None
    fault: Exception | None = None


def serve(function: str, build: Callable[[Ports], Answer], *, largest: int | None = incoming.LARGEST) -> Answer:
    """The function that functions-framework calls as `main`; the first request configures the logs and calls `build`.

    Args:
        function: its name.
        build: the composition root: connects what answers requests to the ports.
        largest: bytes of a body; None where the function reads bodies itself (`incoming.receive`), once it has admitted a request.
    """

    @once
    def built() -> Answer:
        logs.setup()
        return build(Ports(function))

    @functions_framework.http
    def main(request: flask.Request) -> ResponseReturnValue:
        with request_deadline.request(deadlines.of_function(function)):
            refused = None if largest is None else incoming.receive(request, largest)
            return refused or built()(request)

    return main


def on_tick(ports: Ports, handle: Callable[[Tick], TickResult | None]) -> Endpoint:
    """The endpoint of a function that receives only the ticks of its job."""
    return on_push(ports, read=partial(read_tick, cron=ports.cron), handle=handle)


def on_push(ports: Ports, *, read: Callable[[Message], E], handle: Callable[[E], TickResult | None]) -> Endpoint:
    """The endpoint of a function's push subscriptions.

    Args:
        ports: of the function.
        read: decodes the event of a message; raises `PoisonError` if there is none.
        handle: handles the event; idempotent; raises `RefusedError` if it cannot be carried out. The heartbeat is set after
            a tick, unless this raises or returns that the job is not complete.
    """

    def endpoint(request: flask.Request) -> tuple[str, int]:
        if request.method != "POST":
            return f"method: must be POST, got {request.method}", 405
        act = partial(_settled, ports, partial(_handle, ports, read, handle, request.get_data()))
        return measured(request, act, function=ports.function, metrics=ports.metrics)

    return endpoint


def measured(request: flask.Request, act: Callable[[], tuple[str, A]], *, function: str, metrics: Metrics) -> A:
    """Handle a request in its trace, count it by outcome, measure its duration, and send the metrics.

    Args:
        request: names the trace.
        act: returns the outcome, as a label of the metric, and the answer.
        function: the name of the function.
        metrics: of the function.

    Returns:
        The answer.
    """
    header = request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context", "")
    logs.set_trace(header, os.environ.get("GOOGLE_CLOUD_PROJECT", ""))
    started = time.perf_counter()
    outcome, answer = act()
    metrics.count("aia_function_requests_total", function=function, outcome=outcome)
    metrics.gauge("aia_function_seconds", time.perf_counter() - started, function=function)
    metrics.flush()
    return answer


def read_tick(message: Message, cron: str) -> Tick:
    """The tick in a message.

    Cloud Scheduler sends the same bytes every time: without `scheduled_at`, the tick is for the newest instant of the
    schedule that is not after the publish time of the message. A redelivered message keeps its publish time.

    Args:
        message: from the `ticks` topic.
        cron: the schedule of the job, in UTC.

    Raises:
        PoisonError: there is none.
    """
    try:
        body = msgspec.json.decode(message.data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PoisonError(f"tick: {error}") from error
    if "scheduled_at" in body:
        return decode(message.data, Tick)
    due = _newest(cron, message.published_at.astimezone(UTC))
    return decode(msgspec.json.encode(body | {"scheduled_at": due}), Tick)


def read_part(message: Message, cron: str, *parts: type[Event]) -> Any:  # noqa: ANN401 - as `decode_any`
    """The tick in a message, or the part of one, where a job publishes its ticks on in parts.

    Args:
        message: from one of the function's subscriptions.
        cron: the schedule of the job, in UTC.
        parts: the types of the parts.

    Raises:
        PoisonError: there is none of them.
    """
    if type_of(message.data) == Tick.TYPE:
        return read_tick(message, cron)
    return decode_any(message.data, *parts, Tick)


def finish(tick: Tick, result: TickResult | None, *, function: str, metrics: Metrics) -> None:
    """Set the heartbeat of a job that has handled a tick, then raise its fault, if any.

    The heartbeat is the instant of the tick, not the present: a job that handles old ticks is late, and its heartbeat shows it,
    as it does where the job says that it has not reached that instant.

    Args:
        tick: handled.
        result: of its handler.
        function: the name of the function.
        metrics: of the function.
    """
    result = result or TickResult()
    if result.complete:
        at = tick.scheduled_at
        reached = min(at, result.reached or at)
        metrics.gauge(HEARTBEAT, reached.timestamp(), at=at, function=function)
    if result.fault:
        raise result.fault


def _settled(ports: Ports, act: Callable[[], A]) -> A:
    try:
        return act()
    finally:
        ports.settle()


def _handle(
    ports: Ports, read: Callable[[Message], E], handle: Callable[[E], TickResult | None], body: bytes
) -> tuple[str, tuple[str, int]]:
    """The outcome, and the answer: empty after a success, else the name of the outcome."""
    try:
        if not _carry_out(ports, read, handle, body):
            return "parked", ("", 204)
    except (BusyError, ConflictError) as error:
        log.info("busy: %s", error, extra=logs.fields(function=ports.function))
        return "busy", ("busy", 429)
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=ports.function))  # noqa: TRY400 - the message names it
        return "unavailable", ("unavailable", 503)
    except Exception:
        log.exception("failed", extra=logs.fields(function=ports.function))
        return "failed", ("failed", 500)
    return "done", ("", 204)


def _carry_out(
    ports: Ports, read: Callable[[Message], E], handle: Callable[[E], TickResult | None], body: bytes
) -> bool:
    """Handle the event of a push request; false if there is none or it is refused, and the message is parked."""
    try:
        message = read_push(body)
    except PoisonError as error:
        _park(ports, body, error, message=None)
        return False
    with request_deadline.shortened(deadlines.of_subscription(message.subscription)):
        try:
            event = read(message)
        except PoisonError as error:
            _park(ports, body, error, message=message)
            return False
        return _done(ports, handle, event, partial(_park, ports, body, message=message))


def _done(
    ports: Ports, handle: Callable[[E], TickResult | None], event: E, park: Callable[[RefusedError], None]
) -> bool:
    try:
        result = handle(event)
    except RefusedError as error:
        park(error)
        return False
    if isinstance(event, Tick):
        finish(event, result, function=ports.function, metrics=ports.metrics)
    return True


def _park(ports: Ports, body: bytes, error: AiaError, *, message: Message | None) -> None:
    reason = str(error)[:LONGEST_REASON]
    ports.park(body, reason, message)
    log.warning("parked: %s", reason, extra=logs.fields(function=ports.function, message_id=message and message.id))


def _newest(cron: str, instant: datetime) -> datetime:
    from croniter import croniter  # noqa: PLC0415 - only the functions that take ticks have it

    schedule = croniter(cron, instant, ret_type=datetime)
    return instant.replace(second=0, microsecond=0) if croniter.match(cron, instant) else schedule.get_prev()

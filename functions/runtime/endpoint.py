"""What every function does with a push request: open it, read the event, act, and say how it went.

good and done                          204
poisoned (no retry can help)           parked with its reason, 204
busy, down or broken (a retry may)     429, 503 or 500, so that Pub/Sub delivers again with back-off
"""

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import flask

from core.errors import BusyError, ConflictError, PoisonError, UnavailableError
from core.events import Tick
from functions.adapters import logs
from functions.adapters.ports import Metrics
from functions.runtime.parking import Park
from functions.runtime.ports import Ports
from functions.runtime.push import Message, read_push
from functions.runtime.ticks import TickResult, finish, read_tick

log = logging.getLogger(__name__)
LONGEST_REASON = 500
"""Characters; a decoder repeats what it was given, and that may be megabytes."""
A = TypeVar("A")
E = TypeVar("E")
Endpoint = Callable[[flask.Request], tuple[str, int]]
"""Answers a push request with a body and a status."""


def on_push(ports: Ports, *, read: Callable[[Message], E], handle: Callable[[E], TickResult | None]) -> Endpoint:
    """The endpoint of a function's push subscriptions.

    Args:
        ports: of the function.
        read: turns a message into its event; raises `PoisonError` when it carries none.
        handle: acts on the event; safe to call again with the same one. After a tick there is a heartbeat, unless this
            raises, or returns that the job is not complete.
    """
    take = partial(_read, ports.function, ports.park, read)
    act = partial(_acted, ports.function, ports.metrics, take, handle)
    return partial(_answer, ports.function, ports.metrics, act)


def on_tick(ports: Ports, handle: Callable[[Tick], TickResult | None]) -> Endpoint:
    """The endpoint of a function that takes nothing but the ticks of its job."""
    return on_push(ports, read=partial(read_tick, cron=ports.cron), handle=handle)


def measured(request: flask.Request, act: Callable[[], tuple[str, A]], *, function: str, metrics: Metrics) -> A:
    """Act on a request in its trace; count the outcome, measure how long it took, and send the metrics.

    Args:
        request: whose trace it is.
        act: returns the outcome, as the metric has it, and the answer.
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


def _answer(
    function: str, metrics: Metrics, act: Callable[[bytes], tuple[str, tuple[str, int]]], request: flask.Request
) -> tuple[str, int]:
    if request.method != "POST":
        return f"method: must be POST, got {request.method}", 405
    return measured(request, partial(act, request.get_data()), function=function, metrics=metrics)


def _acted(
    function: str,
    metrics: Metrics,
    take: Callable[[bytes], E | None],
    handle: Callable[[E], TickResult | None],
    body: bytes,
) -> tuple[str, tuple[str, int]]:
    """The outcome, and the answer: empty after a success, else the name of the outcome."""
    try:
        event = take(body)
        if event is None:
            return "parked", ("", 204)
        result = handle(event)
        if isinstance(event, Tick):
            finish(event, result, function=function, metrics=metrics)
    except (BusyError, ConflictError) as error:
        log.info("busy: %s", error, extra=logs.fields(function=function))
        return "busy", ("busy", 429)
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=function))  # noqa: TRY400 - the message names it
        return "unavailable", ("unavailable", 503)
    except Exception:
        log.exception("failed", extra=logs.fields(function=function))
        return "failed", ("failed", 500)
    return "done", ("", 204)


def _read(function: str, park: Park, read: Callable[[Message], E], body: bytes) -> E | None:
    """The event of a push request, or None when it carries none and is parked."""
    message: Message | None = None
    try:
        message = read_push(body)
        return read(message)
    except PoisonError as error:
        reason = str(error)[:LONGEST_REASON]
        park(body, reason, message)
        log.warning("parked: %s", reason, extra=logs.fields(function=function, message_id=message and message.id))
        return None

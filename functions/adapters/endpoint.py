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
from typing import Protocol, TypeVar

import flask

from core.errors import BusyError, ConflictError, PoisonError, UnavailableError
from functions.adapters import logs
from functions.adapters.ports import Metrics
from functions.adapters.push import Message, read_push

log = logging.getLogger(__name__)
LONGEST_REASON = 500
"""Characters; a decoder repeats what it was given, and that may be megabytes."""
A = TypeVar("A")
E = TypeVar("E")


class Park(Protocol):
    """Keeps what cannot be handled."""

    def __call__(self, body: bytes, reason: str, message: Message | None) -> None:
        """Keep the body and the reason; raise when that fails, so that the message comes again."""
        ...


def answer(
    request: flask.Request,
    *,
    function: str,
    read: Callable[[Message], E],
    handle: Callable[[E], None],
    park: Park,
    metrics: Metrics,
) -> tuple[str, int]:
    """Answer a push request.

    Args:
        request: as functions-framework gives it.
        function: the name of the function, for logs and metrics.
        read: turns the message into the event; raises `PoisonError` when it is none.
        handle: acts on the event; safe to call again with the same one.
        park: keeps a poisoned body with its reason.
        metrics: counts the outcome.

    Returns:
        Body and status.
    """
    if request.method != "POST":
        return f"method: must be POST, got {request.method}", 405
    act = partial(_outcome, request.get_data(), function, read, handle, park)
    outcome, status = measured(request, act, function=function, metrics=metrics)
    return ("" if status < 400 else outcome), status  # noqa: PLR2004 - HTTP's own boundary


def measured(
    request: flask.Request, act: Callable[[], tuple[str, A]], *, function: str, metrics: Metrics
) -> tuple[str, A]:
    """Act on a request in its trace; count the outcome, the first thing that is returned, and how long it took."""
    header = request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context", "")
    logs.set_trace(header, os.environ.get("GOOGLE_CLOUD_PROJECT", ""))
    started = time.perf_counter()
    outcome, answer = act()
    metrics.count("aia_function_requests_total", function=function, outcome=outcome)
    metrics.gauge("aia_function_seconds", time.perf_counter() - started, function=function)
    metrics.flush()
    return outcome, answer


def _outcome(
    body: bytes, function: str, read: Callable[[Message], E], handle: Callable[[E], None], park: Park
) -> tuple[str, int]:
    message: Message | None = None
    try:
        try:
            message = read_push(body)
            event = read(message)
        except PoisonError as error:
            reason = str(error)[:LONGEST_REASON]
            park(body, reason, message)
            log.warning("parked: %s", reason, extra=logs.fields(function=function, message_id=message and message.id))
            return "parked", 204
        handle(event)
    except (BusyError, ConflictError) as error:
        log.info("busy: %s", error, extra=logs.fields(function=function))
        return "busy", 429
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=function))  # noqa: TRY400 - the message names it
        return "unavailable", 503
    except Exception:
        log.exception("failed", extra=logs.fields(function=function))
        return "failed", 500
    return "done", 204

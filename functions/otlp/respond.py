"""Responses to requests: OTLP by HTTP, or a push request of Pub/Sub with what the Collector published.

    everything taken, or a part of it       200, the response of its service; `partial_success` says what was refused
    the body is malformed or cut off        400   without valid credentials 401   another content type 415   too large 413
    the bus is full, or too many at once    429   the bus does not answer   503   both with `Retry-After`

Source: OpenTelemetry Protocol 1.7, OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import BoundedSemaphore
from typing import Any, NamedTuple

import flask
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from core.errors import PoisonError, QuotaError, UnavailableError
from core.settings import OpenTelemetry
from functions.adapters import logs
from functions.adapters.ports import Metrics, RowBus
from functions.otlp.body import (
    JSON,
    LARGEST,
    RESPONSES,
    TYPES,
    MalformedError,
    TooLargeError,
    decoded,
    encoded,
    unpacked,
)
from functions.otlp.read import TABLES, Taken, take
from functions.runtime import incoming, push
from functions.runtime.authenticator import Authenticator
from functions.runtime.endpoint import measured, on_push
from functions.runtime.ports import Ports

log = logging.getLogger(__name__)
NAME = "otlp"
TOPIC = "telemetry"
AT_ONCE = 8
"""Requests of an instance that are read at the same time: each may take some times the memory of its body."""
RETRY_AFTER = 5
"""Seconds after which a request may be sent again."""
PATHS = {f"/v1/{signal}": signal for signal in TABLES}
EVENTS = {f"org.opentelemetry.otlp.{signal}.v1": signal for signal in TABLES}
"""The signal of a message of the Collector's exporter `googlecloudpubsub`, by its attribute `ce-type`."""
_FIELDS = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}
_CODES = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    404: code_pb2.NOT_FOUND,
    405: code_pb2.UNIMPLEMENTED,
    408: code_pb2.DEADLINE_EXCEEDED,
    413: code_pb2.INVALID_ARGUMENT,
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.RESOURCE_EXHAUSTED,
    500: code_pb2.INTERNAL,
    503: code_pb2.UNAVAILABLE,
}
Answered = tuple[str, flask.Response]
"""The outcome, as a label of the metric, and the answer."""


class Event(NamedTuple):
    """What a message of the Collector has in it."""

    message: Message
    signal: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Takes telemetry in.

    Attributes:
        bus: opens the bus at its first use.
        metrics: counts.
        policy: what is stored.
    """

    bus: Callable[[], RowBus]
    metrics: Metrics
    policy: OpenTelemetry
    places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    def take(self, message: Message, signal: str, now: datetime) -> Taken:
        """Publish the rows of a message of OTLP.

        Raises:
            UnavailableError: the bus did not accept all of them; sent again, their ids are the same.
        """
        taken = take(message, signal, self.policy, now)
        if taken.rows:
            self.bus().publish_rows(TOPIC, taken.rows, table=TABLES[signal])
        self.metrics.count("aia_telemetry_items_total", len(taken.rows), signal=signal, outcome="taken")
        if taken.rejected:
            self.metrics.count("aia_telemetry_items_total", taken.rejected, signal=signal, outcome="refused")
            log.warning("refused %d: %s", taken.rejected, taken.reason, extra=logs.fields(function=NAME))
        return taken


def respond(request: flask.Request, *, ports: Ports, telemetry: Telemetry, authenticator: Authenticator) -> Any:  # noqa: ANN401 - whatever flask takes
    """Respond to a request; nothing is read of one without valid credentials."""
    if request.path == "/":
        return _pushed(request, ports, telemetry, authenticator)
    act = partial(_answer, request, telemetry, authenticator, ports)
    answer = (
        _preflight() if request.method == "OPTIONS" else measured(request, act, function=NAME, metrics=ports.metrics)
    )
    return _shared(request, answer, telemetry.policy)


def _answer(request: flask.Request, telemetry: Telemetry, authenticator: Authenticator, ports: Ports) -> Answered:
    try:
        return _taken(request, telemetry, authenticator, ports)
    except MalformedError as fault:
        return "refused", error(request, 400, str(fault))
    except TooLargeError as fault:
        return "refused", error(request, 413, str(fault))
    except QuotaError as fault:
        log.error("unavailable: %s", fault, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return "busy", error(request, 429, "busy: the bus takes no more now")
    except UnavailableError as fault:
        return "unavailable", _unavailable(request, fault)
    except Exception:
        log.exception("failed", extra=logs.fields(function=NAME))
        return "failed", error(request, 500, "failed")


def _taken(request: flask.Request, telemetry: Telemetry, authenticator: Authenticator, ports: Ports) -> Answered:
    # The body before a place is taken: a sender whose bytes drip must not hold one.
    if refused := _inadmissible(request, authenticator) or _unreceived(request, LARGEST):
        return "refused", refused
    if not telemetry.places.acquire(blocking=False):
        return "busy", error(request, 429, f"busy: {AT_ONCE} requests are read already")
    try:
        signal, encoding = PATHS[request.path], request.headers.get("Content-Encoding", "").strip().lower()
        message = decoded(unpacked(request.get_data(), encoding), signal, request.mimetype)
        taken = telemetry.take(message, signal, ports.clock())
    finally:
        telemetry.places.release()
    return "done", _response(request, 200, _success(signal, taken))


def _inadmissible(request: flask.Request, authenticator: Authenticator) -> flask.Response | None:
    """The refusal of a request by what stands before its body."""
    if request.path not in PATHS:
        return error(request, 404, f"path: must be one of {', '.join(PATHS)}, got {request.path[:80]!r}")
    if request.method != "POST":
        return error(request, 405, f"method: must be POST, got {request.method}")
    if not authenticator.authenticate(request):
        return error(request, 401, "Authorization: must hold the token of this endpoint")
    if request.mimetype not in TYPES:
        allowed = " or ".join(sorted(set(TYPES.values())))
        return error(request, 415, f"content-type: must be {allowed}, got {request.mimetype[:80]!r}")
    return None


def _unreceived(request: flask.Request, largest: int) -> flask.Response | None:
    """Receive the body of a sender who may send one; its refusal where it is too slow, cut off or too large."""
    refused = incoming.receive(request, largest)
    return refused and error(request, refused.status_code, (refused.json or {})["error"])


def _success(signal: str, taken: Taken) -> Message:
    response: Any = RESPONSES[signal]()
    if taken.rejected:
        setattr(response.partial_success, _FIELDS[signal], taken.rejected)
        response.partial_success.error_message = taken.reason
    found: Message = response
    return found


def error(request: flask.Request, status: int, text: str) -> flask.Response:
    """An answer that says why a request is not taken, as google.rpc.Status."""
    answer = _response(request, status, Status(code=_CODES[status], message=text))
    if status in (429, 503):
        answer.headers["Retry-After"] = str(RETRY_AFTER)
    if status == 401:  # noqa: PLR2004 - of HTTP
        answer.headers["WWW-Authenticate"] = 'Bearer realm="otlp"'
    return answer


def _unavailable(request: flask.Request, fault: UnavailableError) -> flask.Response:
    log.error("unavailable: %s", fault, extra=logs.fields(function=NAME))
    return error(request, 503, "unavailable: try again")


def _response(request: flask.Request, status: int, message: Message) -> flask.Response:
    content_type = TYPES.get(request.mimetype, JSON)
    return flask.Response(encoded(message, content_type), status, content_type=content_type)


def _preflight() -> flask.Response:
    answer = flask.Response("", 204)
    answer.headers["Access-Control-Allow-Methods"] = "POST"
    answer.headers["Access-Control-Allow-Headers"] = "authorization, content-encoding, content-type, traceparent"
    answer.headers["Access-Control-Max-Age"] = "86400"
    return answer


def _shared(request: flask.Request, answer: flask.Response, policy: OpenTelemetry) -> flask.Response:
    """The answer, which a page may read where the settings name its origin."""
    origin = request.headers.get("Origin", "")
    if origin in policy.allowed_origins:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Vary"] = "Origin"
    return answer


def _pushed(request: flask.Request, ports: Ports, telemetry: Telemetry, authenticator: Authenticator) -> flask.Response:
    """The answer to Pub/Sub: what cannot be read is parked."""
    try:
        if request.method == "POST" and not authenticator.authenticate(request):
            return error(request, 401, "Authorization: must hold the identity of the subscription")
    except UnavailableError as fault:
        return _unavailable(request, fault)
    if refused := _unreceived(request, incoming.LARGEST):
        return refused
    return flask.Response(*on_push(ports, read=_event, handle=partial(_publish, telemetry))(request))


def _event(message: push.Message) -> Event:
    """The telemetry in a message of the Collector.

    Raises:
        PoisonError: there is none.
    """
    kind = message.attributes.get("ce-type", "")
    if kind not in EVENTS:
        raise PoisonError(f"ce-type: must be one of {', '.join(EVENTS)}, got {kind[:80]!r}")
    content_type = message.attributes.get("content-type", "application/protobuf")
    if content_type not in TYPES:
        raise PoisonError(f"content-type: must be one of {', '.join(TYPES)}, got {content_type[:80]!r}")
    try:
        plain = unpacked(message.data, message.attributes.get("content-encoding", ""))
        return Event(decoded(plain, EVENTS[kind], content_type), EVENTS[kind], message.published_at.astimezone(UTC))
    except (MalformedError, TooLargeError) as fault:
        raise PoisonError(str(fault)) from fault


def _publish(telemetry: Telemetry, event: Event) -> None:
    telemetry.take(event.message, event.signal, event.published_at)

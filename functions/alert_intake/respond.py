"""Responses to requests: a push request of Pub/Sub, or a webhook.

accepted 200, of a push 204      other path 404, other method 405      without credentials 401      too large 413
too slow 408, cut off 400        no room now 429                       to be delivered again 503, 500

Of a request without credentials, or too large by what it says, nothing is read.
"""

import json
import logging
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

import flask

from core.errors import BusyError, UnavailableError
from functions.adapters import logs
from functions.alert_intake import body as bodies
from functions.alert_intake.admission import SMALL, Admission
from functions.alert_intake.body import LARGEST
from functions.alert_intake.envelopes import pushed
from functions.alert_intake.intake import NAME, Intake
from functions.alert_intake.reading import UnreadableError, decode
from functions.alert_intake.silences_api import SilencesApi
from functions.runtime import hosts, incoming
from functions.runtime.authenticator import Authenticator
from functions.runtime.endpoint import measured
from functions.runtime.ports import Ports
from functions.runtime.push import Message

log = logging.getLogger(__name__)
Answered = tuple[str, flask.Response]
"""The outcome, as a label of the metric, and the response."""
_ELSEWHERE: Final = {
    "/v1/traces": "OTLP is received by the function otlp: set OTEL_EXPORTER_OTLP_ENDPOINT to its address",
    "/v1/metrics": "OTLP is received by the function otlp: set OTEL_EXPORTER_OTLP_ENDPOINT to its address",
    "/v1/logs": "OTLP is received by the function otlp: set OTEL_EXPORTER_OTLP_ENDPOINT to its address",
    "/api/v1/alerts": "version 1 of Alertmanager's API is gone: set api_version: v2",
    "/api/v1/write": "no metrics are stored here: remote_write needs a Prometheus",
    "/api/v2/silences": "silences are made on the page, or by aia and its API; here, too, where AIA_SILENCES_TOKEN is given",
}
"""What is often sent here by mistake, and where it belongs."""


def respond(
    request: flask.Request,
    *,
    ports: Ports,
    intake: Intake,
    authenticator: Authenticator,
    admission: Admission,
    silences: SilencesApi,
) -> flask.Response:
    """Respond to a request: 200 or 204 if everything is published or parked, 503 or 500 if it must be delivered again."""
    if found := hosts.refused(request):
        return _refusal(request, hosts.STATUS[found.reason], found.message)
    if silences.takes(request):
        return measured(request, partial(silences.answer, request), function=NAME, metrics=intake.metrics)
    try:
        refused = _unread(request, intake, authenticator)
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return _refusal(request, 503, "unavailable")
    act = partial(_answer, request, ports, intake, admission)
    return refused or measured(request, act, function=NAME, metrics=intake.metrics)


def _answer(request: flask.Request, ports: Ports, intake: Intake, admission: Admission) -> Answered:
    try:
        return _read(request, ports, intake, admission)
    except BusyError as error:
        log.warning("busy: %s", error, extra=logs.fields(function=NAME))
        return "busy", _refusal(request, 429, "busy: try again")
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return "unavailable", _refusal(request, 503, "unavailable")
    except Exception:
        log.exception("failed", extra=logs.fields(function=NAME))
        return "failed", _refusal(request, 500, "failed")


def _unread(request: flask.Request, intake: Intake, authenticator: Authenticator) -> flask.Response | None:
    """The refusal of a request that is not even read, if it is one."""
    if hint := _ELSEWHERE.get(request.path.rstrip("/")):
        return _refusal(request, 404, f"path: {request.path} is not here; {hint}")
    if request.method != "POST":
        return _refusal(request, 405, f"method: must be POST, got {request.method}")
    if authenticator.authenticate(request):
        return None
    log.warning("refused: no valid credentials", extra=logs.fields(function=NAME, path=request.path[:80]))
    intake.metrics.count("aia_function_requests_total", function=NAME, outcome="refused")
    intake.metrics.flush()
    refused = _refusal(request, 401, "Authorization: must hold the token of this intake")
    refused.headers["WWW-Authenticate"] = 'Basic realm="alerts"'
    return refused


def _read(request: flask.Request, ports: Ports, intake: Intake, admission: Admission) -> Answered:
    length = request.content_length
    with admission.admitted(min(LARGEST if length is None else length, LARGEST)):
        if refused := _unreceived(request, ports, intake):
            return "refused", refused
        body = request.get_data()
        packed = bodies.is_packed(body, request.content_encoding)
        with admission.turn(LARGEST if packed else len(body)):
            return "done", _take(request, body, ports, intake)


def _unreceived(request: flask.Request, ports: Ports, intake: Intake) -> flask.Response | None:
    """Receive the body; its refusal where it is too slow, cut off or too large, of which somebody hears."""
    refused = incoming.receive(request, LARGEST)
    if refused is None or refused.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return refused
    why = bodies.too_large(request.content_length)
    intake.refuse(why, path=request.path, now=ports.clock())
    return _refusal(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)


def _take(request: flask.Request, body: bytes, ports: Ports, intake: Intake) -> flask.Response:
    now, message, fault = ports.clock(), None, ""
    try:
        body = bodies.plain(body, request.content_encoding, request.mimetype)
        message = _message(request, body, now)
    except UnreadableError as error:
        fault = str(error)
    at = message.published_at.astimezone(UTC) if message else now
    taken = intake.take(message.data if message else body, path=request.path, now=at, message=message, fault=fault)
    if message:
        return flask.Response(status=204)
    return _json(accepted=taken.accepted, parked=taken.parked, ignored=taken.ignored)


def _message(request: flask.Request, body: bytes, now: datetime) -> Message | None:
    """The message of a push request, which comes to `/`; what is no JSON is none."""
    if request.path != "/" or b'"message"' not in body:
        return None
    try:
        found = decode(body)
    except UnreadableError:
        return None
    return pushed(found, now)


def _refusal(request: flask.Request, status: int, error: str) -> flask.Response:
    """A refusal. The framework reads a whole body before it answers, unless the answer is a stream."""
    data = json.dumps({"error": error})
    is_large = (request.content_length or SMALL) >= SMALL
    return flask.Response(iter([data]) if is_large else data, status, mimetype="application/json")


def _json(**body: int) -> flask.Response:
    return flask.Response(json.dumps(body), 200, mimetype="application/json")

"""Responses to requests: a push request of Pub/Sub, or a webhook."""

import json
import logging
from datetime import UTC
from functools import partial

import flask

from core.errors import UnavailableError
from functions.adapters import logs
from functions.alert_intake.intake import LARGEST, NAME, Intake
from functions.alert_intake.reading import UnreadableError, decode, mapping
from functions.runtime.authenticator import Authenticator
from functions.runtime.endpoint import measured, on_push
from functions.runtime.ports import Ports
from functions.runtime.push import Message

log = logging.getLogger(__name__)


def respond(request: flask.Request, *, ports: Ports, intake: Intake, authenticator: Authenticator) -> flask.Response:
    """Respond to a request: 200 or 204 if everything is published or parked, 503 or 500 if it must be delivered again."""
    if request.method != "POST":
        return _json(405, error=f"method: must be POST, got {request.method}")
    try:
        if not authenticator.authenticate(request):
            return _refused(request, intake)
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return _json(503, error="unavailable")
    return _pushed(request, ports, intake) if _is_push(request) else _posted(request, ports, intake)


def _refused(request: flask.Request, intake: Intake) -> flask.Response:
    log.warning("refused: no valid credentials", extra=logs.fields(function=NAME, path=request.path[:80]))
    intake.metrics.count("aia_function_requests_total", function=NAME, outcome="refused")
    intake.metrics.flush()
    refused = _json(401, error="Authorization: must hold the token of this intake")
    refused.headers["WWW-Authenticate"] = 'Basic realm="alerts"'
    return refused


def _is_push(request: flask.Request) -> bool:
    """Whether it has the envelope of Pub/Sub; no other format has an object called message.

    A body that is too large to be read is parked unchanged; the 200 acknowledges it as the 204 would.
    """
    if request.path != "/" or len(request.get_data()) > LARGEST:
        return False
    try:
        return isinstance(mapping(decode(request.get_data())).get("message"), dict)
    except UnreadableError:
        return False


def _pushed(request: flask.Request, ports: Ports, intake: Intake) -> flask.Response:
    def take(message: Message) -> None:
        intake.take(message.data, path="/", now=message.published_at.astimezone(UTC), message=message)

    return flask.Response(*on_push(ports, read=lambda message: message, handle=take)(request))


def _posted(request: flask.Request, ports: Ports, intake: Intake) -> flask.Response:
    return measured(request, partial(_take, request, ports, intake), function=NAME, metrics=intake.metrics)


def _take(request: flask.Request, ports: Ports, intake: Intake) -> tuple[str, flask.Response]:
    try:
        taken = intake.take(request.get_data(), path=request.path, now=ports.clock())
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return "unavailable", _json(503, error="unavailable")
    except Exception:
        log.exception("failed", extra=logs.fields(function=NAME))
        return "failed", _json(500, error="failed")
    return "done", _json(200, accepted=taken.accepted, parked=taken.parked)


def _json(status: int, **body: str | int) -> flask.Response:
    return flask.Response(json.dumps(body), status, mimetype="application/json")

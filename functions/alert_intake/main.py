"""Takes in alerts of other systems, from Pub/Sub and as webhooks, and publishes them as findings."""

import functools
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from core.errors import UnavailableError
from functions.adapters import logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import answer, measured
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.ports import Clock
from functions.adapters.push import Message
from functions.adapters.warehouse import open_warehouse
from functions.alert_intake.authenticator import Authenticator, open_authenticator
from functions.alert_intake.intake import LARGEST, NAME, Intake
from functions.alert_intake.reading import UnreadableError, decode, mapping

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    intake: Intake
    authenticator: Authenticator
    clock: Clock


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    parking = Parking(open_warehouse(project), NAME, _now)
    intake = Intake(bus=open_bus(project), park=parking, metrics=metrics.connect(NAME))
    return Deps(intake=intake, authenticator=open_authenticator(os.environ), clock=_now)


@functions_framework.http
def main(request: flask.Request) -> flask.Response:
    """Answer a push request or a webhook."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> flask.Response:
    """Answer a request: 200 or 204 when all in it is published or parked, 503 or 500 when it must come again."""
    if request.method != "POST":
        return _told(405, error=f"method: must be POST, got {request.method}")
    try:
        if not deps.authenticator.authenticate(request):
            return _refused(request, deps)
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return _told(503, error="unavailable")
    return _pushed(request, deps) if _is_push(request) else _posted(request, deps)


def _refused(request: flask.Request, deps: Deps) -> flask.Response:
    log.warning("refused: no valid credentials", extra=logs.fields(function=NAME, path=request.path[:80]))
    deps.intake.metrics.count("aia_function_requests_total", function=NAME, outcome="refused")
    deps.intake.metrics.flush()
    refused = _told(401, error="Authorization: must hold the token of this intake")
    refused.headers["WWW-Authenticate"] = 'Basic realm="alerts"'
    return refused


def _is_push(request: flask.Request) -> bool:
    """Whether it has the envelope of Pub/Sub; no other format has an object called message.

    A body that is too large to be read is parked as it came; the 200 acknowledges it as the 204 would.
    """
    if request.path != "/" or len(request.get_data()) > LARGEST:
        return False
    try:
        return isinstance(mapping(decode(request.get_data())).get("message"), dict)
    except UnreadableError:
        return False


def _pushed(request: flask.Request, deps: Deps) -> flask.Response:
    def take(message: Message) -> None:
        deps.intake.take(message.data, path="/", now=message.published_at.astimezone(UTC), message=message)

    intake = deps.intake
    said = answer(
        request, function=NAME, read=lambda message: message, handle=take, park=intake.park, metrics=intake.metrics
    )
    return flask.Response(*said)


def _posted(request: flask.Request, deps: Deps) -> flask.Response:
    act = functools.partial(_taken, request, deps)
    return measured(request, act, function=NAME, metrics=deps.intake.metrics)[1]


def _taken(request: flask.Request, deps: Deps) -> tuple[str, flask.Response]:
    try:
        taken = deps.intake.take(request.get_data(), path=request.path, now=deps.clock())
    except UnavailableError as error:
        log.error("unavailable: %s", error, extra=logs.fields(function=NAME))  # noqa: TRY400 - the message names it
        return "unavailable", _told(503, error="unavailable")
    except Exception:
        log.exception("failed", extra=logs.fields(function=NAME))
        return "failed", _told(500, error="failed")
    return "done", _told(200, accepted=taken.accepted, parked=taken.parked)


def _told(status: int, **body: str | int) -> flask.Response:
    return flask.Response(json.dumps(body), status, mimetype="application/json")


def _now() -> datetime:
    return datetime.now(UTC)

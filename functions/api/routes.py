"""Which path gives what, and how errors are answered."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import flask
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from core.errors import AiaError, UnavailableError
from functions.api import reply, runbooks
from functions.api.actions import Actions
from functions.api.backfills import Backfills
from functions.api.body import BodyError, signed_in
from functions.api.commands import Commands
from functions.api.dashboards import Dashboards
from functions.api.due import Start
from functions.api.experience import RETRY_AFTER, Experience
from functions.api.incidents import Incidents
from functions.api.model_settings import ModelSettings
from functions.api.pipelines import Pipelines
from functions.api.views import Views

log = logging.getLogger(__name__)
_LONGEST_DAYS = 400
_MOST_INCIDENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the routes need."""

    views: Views
    model_settings: ModelSettings
    incidents: Incidents
    actions: Actions
    commands: Commands
    dashboards: Dashboards
    pipelines: Pipelines
    experience: Experience
    backfills: Backfills
    start: Start


def _get(path: str, endpoint: str) -> Rule:
    return Rule(path, endpoint=endpoint, methods=["GET"])


def _post(path: str, endpoint: str) -> Rule:
    return Rule(path, endpoint=endpoint, methods=["POST"])


_routes = Map(
    [
        _get("/", "page"),
        _get("/dashboards", "dashboards_page"),
        _get("/dashboards/<name>", "dashboards_page"),
        _get("/runbooks/<name>", "runbook_page"),
        _get("/guides/<name>", "guide_page"),
        _get("/health", "healthz"),
        _get("/assets/<path:name>", "static"),  # /static is Flask's own
        _get("/api/me", "me"),
        _get("/api/backfills", "backfills"),
        _get("/api/models", "models"),
        _get("/api/models/<name>", "model"),
        Rule("/api/models/<name>", endpoint="put_model", methods=["PUT"]),
        Rule("/api/models/<name>", endpoint="remove_model", methods=["DELETE"]),
        _get("/api/models/<name>/drift", "drift"),
        _get("/api/probes", "probes"),
        _get("/api/dashboards", "dashboards"),
        _get("/api/dashboards/<name>", "dashboard"),
        _get("/api/dashboards/<name>/tiles/<int:index>", "tile"),
        _get("/api/runbooks/<name>", "runbook"),
        _get("/api/guides/<name>", "guide"),
        _get("/api/pipelines", "pipelines"),
        _get("/api/incidents", "incidents"),
        _get("/api/incidents/<incident_id>", "incident"),
        _get("/api/incidents/<incident_id>/report.md", "report"),
        _post("/api/incidents/<incident_id>/<any(acknowledge, mitigate, resolve, cancel):verb>", "about_incident"),
        _get("/api/actions", "actions"),
        _post("/api/actions/<path:request_id>/<any(approve, reject):verb>", "about_action"),
        _get("/api/silences", "silences"),
        _post("/api/silences", "silence"),
        _post("/api/silences/end", "unsilence"),
        _post("/api/automation/<any(halt, resume):verb>", "switch"),
        _post("/api/experience", "experience"),
    ],
    merge_slashes=False,  # a target may hold two in a row
)


def answer(request: flask.Request, deps: Callable[[], Deps]) -> flask.Response:
    """Answer one request; what is asked for wrongly is told plainly, and GET changes nothing.

    Args:
        request: as functions-framework gives it.
        deps: what the answers come from; not asked for by the page, its parts, runbooks, guides and `/health`.
    """
    response = _answer(request, deps)
    if response.status_code == HTTPStatus.NOT_FOUND and not request.path.startswith("/api/") and _is_read(request):
        response = reply.missing()
    return reply.packed(response, request)


def _is_read(request: flask.Request) -> bool:
    """Whether a person asks, by a browser, and no script."""
    return (
        request.method == "GET" and request.accept_mimetypes["text/html"] > request.accept_mimetypes["application/json"]
    )


def _answer(request: flask.Request, deps: Callable[[], Deps]) -> flask.Response:
    try:
        endpoint, values = _routes.bind_to_environ(request.environ).match()
        return _answered(endpoint, _ENDPOINTS[endpoint](request, deps, **values), deps)
    except MethodNotAllowed as error:
        allowed = " or ".join(sorted(error.valid_methods or []))
        return reply.error(HTTPStatus.METHOD_NOT_ALLOWED, f"method: must be {allowed}, got {request.method}")
    except HTTPException as error:
        return reply.error(HTTPStatus(error.code or 500), error.description or "")
    except BodyError as error:
        faults = [{"path": one.path, "allowed": one.allowed, "given": one.given} for one in error.faults]
        return reply.error(HTTPStatus.BAD_REQUEST, str(error), faults=faults)
    except LookupError as error:
        return reply.error(HTTPStatus.NOT_FOUND, str(error.args[0]))
    except AiaError as error:
        log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
        starting = {"starting": True} if deps().start.is_starting(endpoint) else {}
        return reply.error(HTTPStatus.SERVICE_UNAVAILABLE, str(error), **starting)


def _answered(endpoint: str, response: flask.Response, deps: Callable[[], Deps]) -> flask.Response:
    """Remember that what is asked for data has answered: what is away later does not start any more."""
    if endpoint in _ASKED:
        deps().start.answered.add(endpoint)
    return response


def _whole(request: flask.Request, name: str, *, default: int, most: int) -> int:
    given = request.args.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and 1 <= int(given) <= most):
        raise BadRequest(f"{name}: must be 1 to {most}, got {given[:80]!r}")
    return int(given)


def _days(request: flask.Request) -> int:
    return _whole(request, "days", default=60, most=_LONGEST_DAYS)


def _limit(request: flask.Request) -> int:
    return _whole(request, "limit", default=100, most=_MOST_INCIDENTS)


def _me(request: flask.Request) -> flask.Response:
    return reply.json({"by": signed_in(request), "runbooks": os.environ.get("AIA_RUNBOOKS_URL") or "/runbooks"})


def _report(request: flask.Request, deps: Callable[[], Deps]) -> flask.Response:
    try:
        return reply.accepted(deps().experience.take(request))
    except UnavailableError as error:
        log.warning("report lost: %s", error)
        return reply.later(str(error), seconds=RETRY_AFTER)


def _text_page(request: flask.Request, _text: Path) -> flask.Response:
    return reply.file("runbook.html", request)


def _text(path: Path) -> flask.Response:
    return reply.markdown(path.read_text(encoding="utf-8"))


_ENDPOINTS: dict[str, Callable[..., flask.Response]] = {
    "page": lambda request, _deps: reply.file("index.html", request),
    "dashboards_page": lambda request, _deps, **_name: reply.file("dashboards.html", request),
    "runbook_page": lambda request, _deps, name: _text_page(request, runbooks.named(name)),
    "guide_page": lambda request, _deps, name: _text_page(request, runbooks.guide(name)),
    "static": lambda request, _deps, name: reply.file(name, request),
    "healthz": lambda _request, _deps: flask.Response("ok", mimetype="text/plain"),
    "me": lambda request, _deps: _me(request),
    "backfills": lambda request, deps: reply.json(deps().backfills.all(), request),
    "models": lambda request, deps: reply.json(deps().views.models(), request),
    "model": lambda request, deps, name: reply.json(deps().model_settings.one(name), request),
    "put_model": lambda request, deps, name: reply.json(deps().model_settings.put(request, name)),
    "remove_model": lambda request, deps, name: reply.json(deps().model_settings.remove(request, name)),
    "drift": lambda request, deps, name: reply.json(deps().views.drift(name, _days(request)), request),
    "probes": lambda request, deps: reply.json(deps().views.probes(), request),
    "dashboards": lambda request, deps: reply.json(deps().dashboards.titles(), request),
    "dashboard": lambda request, deps, name: reply.json(deps().dashboards.layout(name), request),
    "tile": lambda request, deps, **which: reply.json(deps().dashboards.tile(request=request, **which), request),
    "runbook": lambda _request, _deps, name: _text(runbooks.named(name)),
    "guide": lambda _request, _deps, name: _text(runbooks.guide(name)),
    "pipelines": lambda request, deps: reply.json(deps().pipelines.all(), request),
    "incidents": lambda request, deps: reply.json(deps().incidents.all(_limit(request)), request),
    "incident": lambda request, deps, incident_id: reply.json(deps().incidents.one(incident_id), request),
    "report": lambda _request, deps, incident_id: reply.markdown(deps().incidents.report(incident_id)),
    "actions": lambda request, deps: reply.json(deps().actions.all(), request),
    "silences": lambda request, deps: reply.json(deps().incidents.silences(), request),
    "about_incident": lambda request, deps, **what: reply.accepted(deps().commands.about_incident(request, **what)),
    "about_action": lambda request, deps, **what: reply.accepted(deps().commands.about_action(request, **what)),
    "silence": lambda request, deps: reply.accepted(deps().commands.silence(request)),
    "unsilence": lambda request, deps: reply.accepted(deps().commands.unsilence(request)),
    "switch": lambda request, deps, verb: reply.accepted(deps().commands.switch(request, verb)),
    "experience": _report,
}
_ASKED = frozenset({"models", "drift", "probes", "tile", "pipelines", "incidents", "actions", "silences"})
"""The endpoints that show what others measured."""

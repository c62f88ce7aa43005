"""Routes of the API, and the responses to errors."""

import logging
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.responses import Response
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from core.errors import AiaError, UnavailableError
from core.incidents.commands import VERBS
from functions.adapters.ports import Data
from functions.api import reply, roles, runbooks, session
from functions.api.body import BodyError
from functions.api.dependencies import MOST_HOURS
from functions.api.deployment import deployment
from functions.api.experience import RETRY_AFTER
from functions.api.pipelines import Pipelines
from functions.api.request import Request
from functions.api.services import Services
from functions.api.views import Views

log = logging.getLogger(__name__)
HEALTH = "/health"
"""For probes, which are nobody."""
_READ_SECONDS, _ACT_SECONDS = 3.0, 30.0
_SLOW: Mapping[str, float] = {
    # A report that is not kept is made from a dozen of statements, and a tile may span a year.
    **dict.fromkeys(("reports_page", "report_page", "report_document", "report_text", "report"), 30.0),
    **dict.fromkeys(("tile", "maintenance_page", "dead_letters", "dead_letter"), 15.0),
}
"""Seconds that a reader waits for the answer of an endpoint; for those of others, and for what acts, see above."""
_MACHINES = ("/v1/", "/api/")
"""The paths that only programs ask for."""
_LONGEST_DAYS = 400
_MOST_INCIDENTS = 1000


def _get(path: str, endpoint: str) -> Rule:
    return Rule(path, endpoint=endpoint, methods=["GET"])


def _post(path: str, endpoint: str) -> Rule:
    return Rule(path, endpoint=endpoint, methods=["POST"])


ROUTES = Map(
    [
        _get("/", "page"),
        _get("/dashboards", "dashboards_page"),
        _get("/dashboards/<name>", "dashboards_page"),
        _get("/response", "response_page"),
        _get("/models", "models_page"),
        _get("/probes", "probes_page"),
        _get("/pipelines", "pipelines_page"),
        _get("/events", "events_page"),
        _get("/incidents", "incidents_page"),
        _get("/incidents/<incident_id>", "incident_page"),
        _get("/models/<name>", "model_page"),
        _get("/maintenance", "maintenance_page"),
        _get("/coverage", "coverage_page"),
        _get("/reports", "reports_page"),
        _get("/reports/<name>/<week>", "report_page"),
        _get("/runbooks/<name>", "runbook_page"),
        _get("/guides/<name>", "guide_page"),
        _get(HEALTH, "healthz"),
        _get("/assets/<path:name>", "static"),  # /static is Flask's own
        _get(session.ENTRY, "enter"),
        _get("/v1/me", "me"),
        _get("/v1/backfills", "backfills"),
        _get("/v1/deployment", "deployment"),
        _get("/v1/models", "models"),
        _get("/v1/models/<name>", "model"),
        Rule("/v1/models/<name>", endpoint="put_model", methods=["PUT"]),
        Rule("/v1/models/<name>", endpoint="remove_model", methods=["DELETE"]),
        _get("/v1/models/<name>/drift", "drift"),
        _get("/v1/models/<name>/overview", "model_overview"),
        _get("/v1/models/<name>/history", "model_history"),
        _get("/v1/models/<name>/distributions", "distributions"),
        _get("/v1/models/<name>/versions", "versions"),
        _get("/v1/models/<name>/versions/<path:before>/diff/<path:after>", "version_difference"),
        _post("/v1/models/<name>/retrain", "retrain"),
        _get("/v1/models/<name>/trainings", "trainings"),
        _get("/v1/models/<name>/experiment", "experiment"),
        _post("/v1/models/<name>/promote", "promote"),
        _post("/v1/models/<name>/rollback", "roll_back"),
        _get("/v1/probes", "probes"),
        _get("/v1/probes/history", "probe_history"),
        _get("/v1/events", "events"),
        _get("/v1/dashboards", "dashboards"),
        _get("/v1/dashboards/<name>", "dashboard"),
        _get("/v1/dashboards/<name>/tiles/<int:index>", "tile"),
        _get("/v1/runbooks/<name>", "runbook"),
        _get("/v1/guides/<name>", "guide"),
        _get("/v1/reports", "reports"),
        _get("/v1/reports/<name>/<week>.txt", "report_text"),
        _get("/v1/reports/<name>/<week>", "report_document"),
        _post("/v1/reports/<name>/<week>/send", "send_report"),
        _get("/v1/pipelines", "pipelines"),
        _get("/v1/rules", "rules"),
        _get("/v1/coverage", "coverage"),
        _get("/v1/on-call", "on_call"),
        _get("/v1/maintenance", "maintenance"),
        _get("/v1/dead-letters", "dead_letters"),
        _get("/v1/dead-letters/<identifier>", "dead_letter"),
        _post("/v1/dead-letters/<identifier>/resend", "send_again"),
        _get("/v1/capacity", "capacity"),
        _get("/v1/recommendations", "recommendations"),
        _post("/v1/recommendations", "decide_recommendation"),
        _get("/v1/compliance", "compliance"),
        _get("/v1/dependencies", "dependencies"),
        _get("/v1/incidents", "incidents"),
        _get("/v1/incidents/search", "incident_search"),
        _get("/v1/incidents/<incident_id>", "incident"),
        _get("/v1/incidents/<incident_id>/report.md", "report"),
        _get("/v1/incidents/<incident_id>/explanation", "explanation"),
        _post(f"/v1/incidents/<incident_id>/<any({', '.join(sorted(VERBS))}):verb>", "about_incident"),
        _get("/v1/actions", "actions"),
        _post("/v1/actions/<path:request_id>/<any(approve, reject):verb>", "about_action"),
        _get("/v1/channels", "channels"),
        _post("/v1/channels/<name>/test", "test_channel"),
        _get("/v1/silences", "silences"),
        _post("/v1/silences", "silence"),
        _post("/v1/silences/end", "unsilence"),
        _post("/v1/automation/<any(halt, resume):verb>", "switch"),
        _post("/api/experience", "experience"),
        _post("/v1/answers", "upload_answers"),
        _get("/survey", "survey"),
        _post("/survey", "answer_survey"),
    ],
    merge_slashes=False,  # a target may have two in a row
)


def endpoint_of(request: Request) -> str:
    """The endpoint of a request; that of an unknown address, or an unknown method of a known one, is empty."""
    try:
        endpoint, _ = _match(request)
    except HTTPException:
        return ""
    return endpoint


def patience(endpoint: str, method: str) -> float:
    """Seconds that the answer of an endpoint is waited for."""
    return _SLOW.get(endpoint, _READ_SECONDS) if method in {"GET", "HEAD"} else _ACT_SECONDS


def answer(request: Request, services: Callable[[], Services], *, role_of: roles.RoleOf | None = None) -> Response:
    """Respond to one request. An invalid request gets an error with the reason; GET changes nothing.

    Args:
        request: with its body, of a person who may read.
        services: opens the services; not called for the page, its files, runbooks, guides and `/health`.
        role_of: gives the role of the person; without it, there are no roles.
    """
    response = _answer(request, services, role_of)
    is_unknown = response.status_code == HTTPStatus.NOT_FOUND and not request.path.startswith(_MACHINES)
    if is_unknown and request.method == "GET" and request.prefers_html:
        response = reply.missing()
    return reply.packed(response, request)


def _match(request: Request) -> tuple[str, Mapping[str, Any]]:
    return ROUTES.bind("").match(request.path, request.method)


def _answer(request: Request, services: Callable[[], Services], role_of: roles.RoleOf | None) -> Response:
    try:
        endpoint, values = _match(request)
        if role_of is not None:
            roles.check(endpoint, request.person, role_of)
        return _record_answer(endpoint, _ENDPOINTS[endpoint](request, services, **values), services)
    except MethodNotAllowed as error:
        allowed = " or ".join(sorted(error.valid_methods or []))
        return reply.error(HTTPStatus.METHOD_NOT_ALLOWED, f"method: must be {allowed}, got {request.method}")
    except HTTPException as error:
        return reply.error(HTTPStatus(error.code or 500), error.description or "")
    except BodyError as error:
        faults = [{"path": fault.path, "allowed": fault.allowed, "given": fault.given} for fault in error.faults]
        return reply.error(HTTPStatus.BAD_REQUEST, str(error), faults=faults, **error.more)
    except LookupError as error:
        return reply.error(HTTPStatus.NOT_FOUND, str(error.args[0]))
    except AiaError as error:
        log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
        starting = {"starting": True} if services().start.is_starting(endpoint) else {}
        return reply.error(HTTPStatus.SERVICE_UNAVAILABLE, str(error), **starting)


def _record_answer(endpoint: str, response: Response, services: Callable[[], Services]) -> Response:
    """Record that the source of an endpoint has answered: if it fails later, it is no longer starting."""
    if endpoint in _ASKED:
        services().start.answered.add(endpoint)
    return response


def _integer(request: Request, name: str, *, default: int, most: int) -> int:
    given = request.args.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and 1 <= int(given) <= most):
        raise BadRequest(f"{name}: must be 1 to {most}, got {given[:80]!r}")
    return int(given)


def _days(request: Request) -> int:
    return _integer(request, "days", default=60, most=_LONGEST_DAYS)


def _hours(request: Request) -> int:
    return _integer(request, "hours", default=24, most=MOST_HOURS)


def _limit(request: Request) -> int:
    return _integer(request, "limit", default=100, most=_MOST_INCIDENTS)


def _pipelines(request: Request, pipelines: Pipelines) -> list[Data]:
    if (running := request.args.get("running")) not in {None, "true"}:
        raise BadRequest(f"running: must be true or not given, got {running[:80]!r}")
    name = request.args.get("name")
    if name is not None:
        return [pipelines.one(name)]
    return pipelines.live() if running else pipelines.all()


def _me(request: Request) -> Response:
    return reply.json({"by": request.person, "runbooks": os.environ.get("AIA_RUNBOOKS_URL") or "/runbooks"})


def _report(request: Request, services: Callable[[], Services]) -> Response:
    try:
        return reply.accepted(services().experience.take(request))
    except UnavailableError as error:
        log.warning("report lost: %s", error)
        return reply.later(str(error), seconds=RETRY_AFTER)


def _model_page(request: Request, views: Views, name: str) -> Response:
    """The page of a model that is monitored, or the page for an unknown address."""
    if name not in views.monitored.all():
        raise LookupError(f"model: no model is called {name[:80]!r}")
    return reply.app_page("model", request)


def _text_page(request: Request, _text: Path) -> Response:
    return reply.app_page("runbook", request)


def _text(path: Path) -> Response:
    return reply.markdown(path.read_text(encoding="utf-8"))


_ENDPOINTS: dict[str, Callable[..., Response]] = {
    "page": lambda request, _services: reply.app_page("index", request),
    "dashboards_page": lambda request, _services, **_name: reply.app_page("dashboards", request),
    "response_page": lambda request, _services: reply.app_page("response", request),
    "models_page": lambda request, _services: reply.app_page("models", request),
    "probes_page": lambda request, _services: reply.app_page("probes", request),
    "pipelines_page": lambda request, _services: reply.app_page("pipelines", request),
    "events_page": lambda request, _services: reply.app_page("events", request),
    "incidents_page": lambda request, _services: reply.app_page("incidents", request),
    "incident_page": lambda request, _services, **_id: reply.app_page("incident", request),
    "model_page": lambda request, services, name: _model_page(request, services().views, name),
    "maintenance_page": lambda request, _services: reply.app_page("maintenance", request),
    "coverage_page": lambda request, _services: reply.app_page("coverage", request),
    "reports_page": lambda request, _services: reply.app_page("reports", request),
    "report_page": lambda _request, services, **which: reply.self_contained(services().reports.page(**which)),
    "runbook_page": lambda request, _services, name: _text_page(request, runbooks.named(name)),
    "guide_page": lambda request, _services, name: _text_page(request, runbooks.guide(name)),
    "static": lambda request, _services, name: reply.file(name, request),
    "healthz": lambda _request, _services: reply.text("ok"),
    "enter": lambda request, _services: session.enter(request, request.person),
    "me": lambda request, _services: _me(request),
    "backfills": lambda request, services: reply.json(services().backfills.all(), request),
    "deployment": lambda request, _services: reply.json(deployment(), request),
    "models": lambda request, services: reply.json(services().views.models(), request),
    "model": lambda request, services, name: reply.json(services().model_settings.one(name), request),
    "put_model": lambda request, services, name: reply.json(services().model_settings.put(request, name)),
    "retrain": lambda request, services, name: reply.json(services().trainings.request(request, name)),
    "remove_model": lambda request, services, name: reply.json(services().model_settings.remove(request, name)),
    "drift": lambda request, services, name: reply.json(services().views.drift(name, _days(request)), request),
    "model_overview": lambda request, services, name: reply.json(services().model_page.overview(name), request),
    "model_history": lambda request, services, name: reply.json(
        services().model_page.history(name, _days(request)), request
    ),
    "distributions": lambda request, services, name: reply.json(services().model_page.distributions(name), request),
    "versions": lambda request, services, name: reply.json(services().versions.all(name), request),
    "version_difference": lambda request, services, name, **which: reply.json(
        services().versions.difference(name, **which), request
    ),
    "trainings": lambda request, services, name: reply.json(services().training_outcomes.of_model(name), request),
    "experiment": lambda request, services, name: reply.json(services().promotions.experiment(name), request),
    "compliance": lambda request, services: reply.json(services().compliance.all(), request),
    "promote": lambda request, services, name: reply.accepted(services().promotions.promote(request, name)),
    "roll_back": lambda request, services, name: reply.accepted(services().promotions.roll_back(request, name)),
    "probes": lambda request, services: reply.json(services().views.probes(), request),
    "probe_history": lambda request, services: reply.json(services().probe_history.all(request), request),
    "events": lambda request, services: reply.json(services().events.page(request), request),
    "dashboards": lambda request, services: reply.json(services().dashboards.titles(), request),
    "dashboard": lambda request, services, name: reply.json(services().dashboards.layout(name), request),
    "tile": lambda request, services, **which: reply.json(
        services().dashboards.tile(request=request, **which), request
    ),
    "runbook": lambda _request, _services, name: _text(runbooks.named(name)),
    "guide": lambda _request, _services, name: _text(runbooks.guide(name)),
    "reports": lambda request, services: reply.json(services().reports.all(), request),
    "report_document": lambda request, services, **which: reply.json(services().reports.one(**which), request),
    "report_text": lambda _request, services, **which: reply.text(services().reports.text(**which)),
    "send_report": lambda request, services, **which: reply.accepted(services().commands.send_report(request, **which)),
    "pipelines": lambda request, services: reply.json(_pipelines(request, services().pipelines), request),
    "coverage": lambda request, services: reply.json(services().coverage.all(), request),
    "rules": lambda request, services: reply.json(services().rules.all(), request),
    "on_call": lambda request, services: reply.json(services().on_call(), request),
    "maintenance": lambda request, services: reply.json(services().maintenance.all(), request),
    "dead_letters": lambda request, services: reply.json(services().maintenance.dead_letters(), request),
    "dead_letter": lambda request, services, **which: reply.json(services().maintenance.dead_letter(**which), request),
    "send_again": lambda request, services, **which: reply.accepted(
        services().maintenance.send_again(request, **which)
    ),
    "capacity": lambda request, services: reply.json(services().capacity.all(), request),
    "recommendations": lambda request, services: reply.json(services().recommendations.all(), request),
    "decide_recommendation": lambda request, services: reply.json(services().recommendations.decide(request)),
    "dependencies": lambda request, services: reply.json(services().dependencies.seen(_hours(request)), request),
    "incidents": lambda request, services: reply.json(services().incidents.all(_limit(request)), request),
    "incident_search": lambda request, services: reply.json(services().incident_search.page(request), request),
    "incident": lambda request, services, incident_id: reply.json(services().incidents.one(incident_id), request),
    "explanation": lambda request, services, incident_id: reply.json(services().explanations.of(incident_id), request),
    "report": lambda _request, services, incident_id: reply.markdown(services().incidents.report(incident_id)),
    "actions": lambda request, services: reply.json(services().actions.all(), request),
    "channels": lambda request, services: reply.json(services().channels.all(), request),
    "test_channel": lambda request, services, name: reply.accepted(services().commands.test_channel(request, name)),
    "silences": lambda request, services: reply.json(services().silences.all(), request),
    "about_incident": lambda request, services, **what: reply.accepted(
        services().commands.about_incident(request, **what)
    ),
    "about_action": lambda request, services, **what: reply.accepted(services().commands.about_action(request, **what)),
    "silence": lambda request, services: reply.accepted(*services().commands.silence(request)),
    "unsilence": lambda request, services: reply.accepted(services().commands.unsilence(request)),
    "switch": lambda request, services, verb: reply.accepted(services().commands.switch(request, verb)),
    "experience": _report,
    "upload_answers": lambda request, services: reply.json({"accepted": services().answers.upload(request)}),
    "survey": lambda request, services: services().survey.show(request),
    "answer_survey": lambda request, services: services().survey.answer(request),
}
_ASKED = frozenset(
    {
        "models",
        "drift",
        "probes",
        "probe_history",
        "events",
        "tile",
        "pipelines",
        "rules",
        "incidents",
        "incident_search",
        "actions",
        "silences",
        "channels",
        "capacity",
    }
)
"""The endpoints that show measurements."""

"""Routes of the API, and the responses to errors."""

import logging
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import flask
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, Unauthorized
from werkzeug.routing import Map, Rule

from core.errors import AiaError, UnavailableError
from core.incidents.commands import VERBS
from functions.adapters.ports import Data
from functions.api import reply, roles, runbooks, session
from functions.api.body import PERSON, BodyError, signed_in
from functions.api.dependencies import MOST_HOURS
from functions.api.deployment import deployment
from functions.api.experience import RETRY_AFTER
from functions.api.pipelines import Pipelines
from functions.api.services import Services
from functions.api.views import Views
from functions.runtime import hosts

log = logging.getLogger(__name__)
HEALTH = "/health"
"""For probes, which are nobody."""
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
        _get("/api/me", "me"),
        _get("/api/backfills", "backfills"),
        _get("/api/deployment", "deployment"),
        _get("/api/models", "models"),
        _get("/api/models/<name>", "model"),
        Rule("/api/models/<name>", endpoint="put_model", methods=["PUT"]),
        Rule("/api/models/<name>", endpoint="remove_model", methods=["DELETE"]),
        _get("/api/models/<name>/drift", "drift"),
        _get("/api/models/<name>/overview", "model_overview"),
        _get("/api/models/<name>/history", "model_history"),
        _get("/api/models/<name>/distributions", "distributions"),
        _get("/api/models/<name>/versions", "versions"),
        _get("/api/models/<name>/versions/<path:before>/diff/<path:after>", "version_difference"),
        _post("/api/models/<name>/retrain", "retrain"),
        _get("/api/models/<name>/trainings", "trainings"),
        _get("/api/models/<name>/experiment", "experiment"),
        _post("/api/models/<name>/promote", "promote"),
        _post("/api/models/<name>/rollback", "roll_back"),
        _get("/api/probes", "probes"),
        _get("/api/probes/history", "probe_history"),
        _get("/api/events", "events"),
        _get("/api/dashboards", "dashboards"),
        _get("/api/dashboards/<name>", "dashboard"),
        _get("/api/dashboards/<name>/tiles/<int:index>", "tile"),
        _get("/api/runbooks/<name>", "runbook"),
        _get("/api/guides/<name>", "guide"),
        _get("/api/reports", "reports"),
        _get("/api/reports/<name>/<week>.txt", "report_text"),
        _get("/api/reports/<name>/<week>", "report_document"),
        _post("/api/reports/<name>/<week>/send", "send_report"),
        _get("/api/pipelines", "pipelines"),
        _get("/api/rules", "rules"),
        _get("/api/coverage", "coverage"),
        _get("/api/on-call", "on_call"),
        _get("/api/maintenance", "maintenance"),
        _get("/api/dead-letters", "dead_letters"),
        _get("/api/dead-letters/<identifier>", "dead_letter"),
        _post("/api/dead-letters/<identifier>/resend", "send_again"),
        _get("/api/capacity", "capacity"),
        _get("/api/recommendations", "recommendations"),
        _post("/api/recommendations", "decide_recommendation"),
        _get("/api/compliance", "compliance"),
        _get("/api/dependencies", "dependencies"),
        _get("/api/incidents", "incidents"),
        _get("/api/incidents/search", "incident_search"),
        _get("/api/incidents/<incident_id>", "incident"),
        _get("/api/incidents/<incident_id>/report.md", "report"),
        _post(f"/api/incidents/<incident_id>/<any({', '.join(sorted(VERBS))}):verb>", "about_incident"),
        _get("/api/actions", "actions"),
        _post("/api/actions/<path:request_id>/<any(approve, reject):verb>", "about_action"),
        _get("/api/channels", "channels"),
        _post("/api/channels/<name>/test", "test_channel"),
        _get("/api/silences", "silences"),
        _post("/api/silences", "silence"),
        _post("/api/silences/end", "unsilence"),
        _post("/api/automation/<any(halt, resume):verb>", "switch"),
        _post("/api/experience", "experience"),
        _post("/api/answers", "upload_answers"),
        _get("/survey", "survey"),
        _post("/survey", "answer_survey"),
    ],
    merge_slashes=False,  # a target may have two in a row
)


def answer(
    request: flask.Request,
    services: Callable[[], Services],
    *,
    identify: Callable[[flask.Request], str] | None = None,
    role_of: roles.RoleOf | None = None,
) -> flask.Response:
    """Respond to one request. An invalid request gets an error with the reason; GET changes nothing.

    Args:
        request: from functions-framework.
        services: opens the services; not called for the page, its files, runbooks, guides and `/health`.
        identify: gives the person who asks, and raises `Unauthorized` where that is not known; without it, nobody is verified.
        role_of: gives the role of that person; without it, there are no roles.
    """
    if found := hosts.refused(request):
        return reply.error(hosts.STATUS[found.reason], found.message)
    response = _unknown(request, identify) or _answer(request, services, role_of)
    if response.status_code == HTTPStatus.NOT_FOUND and not request.path.startswith("/api/") and _is_read(request):
        response = reply.missing()
    return reply.packed(response, request)


def _unknown(request: flask.Request, identify: Callable[[flask.Request], str] | None) -> flask.Response | None:
    """The refusal of a request by nobody who is known; else None, and the person is in the request's environment."""
    if identify is None or request.path == HEALTH:
        return None
    try:
        request.environ[PERSON] = identify(request)
    except Unauthorized as error:
        return reply.error(HTTPStatus.UNAUTHORIZED, error.description or "")
    except UnavailableError as error:
        log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
        return reply.error(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return None


def _is_read(request: flask.Request) -> bool:
    """Whether the request is a browser's navigation, not a script's."""
    return (
        request.method == "GET" and request.accept_mimetypes["text/html"] > request.accept_mimetypes["application/json"]
    )


def _answer(request: flask.Request, services: Callable[[], Services], role_of: roles.RoleOf | None) -> flask.Response:
    try:
        endpoint, values = ROUTES.bind_to_environ(request.environ).match()
        if role_of is not None:
            roles.check(endpoint, signed_in(request), role_of)
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


def _record_answer(endpoint: str, response: flask.Response, services: Callable[[], Services]) -> flask.Response:
    """Record that the source of an endpoint has answered: if it fails later, it is no longer starting."""
    if endpoint in _ASKED:
        services().start.answered.add(endpoint)
    return response


def _integer(request: flask.Request, name: str, *, default: int, most: int) -> int:
    given = request.args.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and 1 <= int(given) <= most):
        raise BadRequest(f"{name}: must be 1 to {most}, got {given[:80]!r}")
    return int(given)


def _days(request: flask.Request) -> int:
    return _integer(request, "days", default=60, most=_LONGEST_DAYS)


def _hours(request: flask.Request) -> int:
    return _integer(request, "hours", default=24, most=MOST_HOURS)


def _limit(request: flask.Request) -> int:
    return _integer(request, "limit", default=100, most=_MOST_INCIDENTS)


def _pipelines(request: flask.Request, pipelines: Pipelines) -> list[Data]:
    if (running := request.args.get("running")) not in {None, "true"}:
        raise BadRequest(f"running: must be true or not given, got {running[:80]!r}")
    name = request.args.get("name")
    if name is not None:
        return [pipelines.one(name)]
    return pipelines.live() if running else pipelines.all()


def _me(request: flask.Request) -> flask.Response:
    return reply.json({"by": signed_in(request), "runbooks": os.environ.get("AIA_RUNBOOKS_URL") or "/runbooks"})


def _report(request: flask.Request, services: Callable[[], Services]) -> flask.Response:
    try:
        return reply.accepted(services().experience.take(request))
    except UnavailableError as error:
        log.warning("report lost: %s", error)
        return reply.later(str(error), seconds=RETRY_AFTER)


def _model_page(request: flask.Request, views: Views, name: str) -> flask.Response:
    """The page of a model that is monitored, or the page for an unknown address."""
    if name not in views.monitored.all():
        raise LookupError(f"model: no model is called {name[:80]!r}")
    return reply.app_page("model", request)


def _text_page(request: flask.Request, _text: Path) -> flask.Response:
    return reply.app_page("runbook", request)


def _text(path: Path) -> flask.Response:
    return reply.markdown(path.read_text(encoding="utf-8"))


_ENDPOINTS: dict[str, Callable[..., flask.Response]] = {
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
    "maintenance_page": lambda _request, services: reply.self_contained(services().maintenance.page()),
    "coverage_page": lambda request, _services: reply.app_page("coverage", request),
    "reports_page": lambda _request, services: reply.self_contained(services().reports.list_page()),
    "report_page": lambda _request, services, **which: reply.self_contained(services().reports.page(**which)),
    "runbook_page": lambda request, _services, name: _text_page(request, runbooks.named(name)),
    "guide_page": lambda request, _services, name: _text_page(request, runbooks.guide(name)),
    "static": lambda request, _services, name: reply.file(name, request),
    "healthz": lambda _request, _services: flask.Response("ok", mimetype="text/plain"),
    "enter": lambda request, _services: session.enter(request, signed_in(request)),
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
    "maintenance": lambda request, services: reply.json(services().maintenance.tasks(), request),
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

"""The addresses of the API: pages and their files, and the operations of `/v1`; and the responses to errors."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from starlette.responses import Response
from werkzeug.exceptions import HTTPException

from core.access import Role
from core.errors import AiaError, UnavailableError
from functions.api import reply, runbooks, session
from functions.api.body import BodyError
from functions.api.experience import RETRY_AFTER
from functions.api.operation import ACT_SECONDS, PREFIX, READ_SECONDS
from functions.api.operations import OPERATIONS
from functions.api.request import Request
from functions.api.services import Services

log = logging.getLogger(__name__)
HEALTH = "/health"
"""For probes, which are nobody."""
_REPORT_SECONDS = 30.0
"""A report that is not kept is made from a dozen of statements."""
_MACHINES = (f"{PREFIX}/", "/api/")
"""The paths that only programs ask for."""
Opened = Callable[[], Services]


class Endpoint(Protocol):
    """What answers at an address."""

    @property
    def name(self) -> str:
        """Of the endpoint."""

    @property
    def method(self) -> str:
        """Of HTTP."""

    @property
    def route(self) -> str:
        """The path as the router reads it."""

    @property
    def role(self) -> Role:
        """Who may ask it."""

    @property
    def patience(self) -> float:
        """Seconds that its answer is waited for."""

    @property
    def once(self) -> bool:
        """Whether a header `Idempotency-Key` makes it happen once."""

    @property
    def shared(self) -> bool:
        """Whether an answer may be given to somebody else as well, whoever asks."""

    def answer(self, request: Request, services: Opened, **path: Any) -> Response:  # noqa: ANN401 - as converted
        """What is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page, a file, or what a page sends.

    Attributes:
        name: of the endpoint.
        route: its path.
        call: answers.
        method: of HTTP.
        patience: seconds that it is waited for.
    """

    name: str
    route: str
    call: Callable[..., Response]
    method: str = "GET"
    patience: float = READ_SECONDS
    role: Role = field(default=Role.VIEWER, init=False)
    once: bool = field(default=False, init=False)
    shared: bool = field(default=True, init=False)

    def answer(self, request: Request, services: Opened, **path: Any) -> Response:  # noqa: ANN401 - as converted
        """As `Endpoint` has it."""
        return self.call(request, services, **path)


def _shown(route: str, name: str, call: Callable[..., Response], **more: Any) -> Shown:  # noqa: ANN401 - fields
    return Shown(name=name, route=route, call=call, **more)


def _page(route: str, template: str = "") -> Shown:
    """A page, by default of the template that its path names."""
    template = template or route.removeprefix("/")
    name = route.strip("/").replace("/", "_").replace("{", "").replace("}", "") or "home"
    return _shown(route, f"{name}_page", lambda request, _services, **_path: reply.app_page(template, request))


def _report(request: Request, services: Opened) -> Response:
    try:
        return reply.accepted(services().experience.take(request))
    except UnavailableError as error:
        log.warning("report lost: %s", error)
        return reply.later(str(error), seconds=RETRY_AFTER)


def _model_page(request: Request, services: Opened, name: str) -> Response:
    """The page of a model that is monitored, or the page for an unknown address."""
    if name not in services().views.monitored.all():
        raise LookupError(f"model: no model is called {name[:80]!r}")
    return reply.app_page("model", request)


def _text_page(request: Request, _text: Path) -> Response:
    return reply.app_page("runbook", request)


PAGES: tuple[Shown, ...] = (
    _page("/", "index"),
    _page("/response"),
    _page("/models"),
    _page("/probes"),
    _page("/pipelines"),
    _page("/events"),
    _page("/dashboards"),
    _page("/dashboards/{name}", "dashboards"),
    _page("/incidents"),
    _page("/incidents/{incident_id}", "incident"),
    _shown("/models/{name}", "model_page", _model_page),
    _page("/maintenance"),
    _page("/coverage"),
    _page("/reports"),
    _shown(
        "/reports/{name}/{week}",
        "report_page",
        lambda _request, services, name, week: reply.self_contained(services().reports.page(name, week)),
        patience=_REPORT_SECONDS,
    ),
    _shown(
        "/runbooks/{name}",
        "runbook_page",
        lambda request, _services, name: _text_page(request, runbooks.named(name)),
    ),
    _shown("/guides/{name}", "guide_page", lambda request, _services, name: _text_page(request, runbooks.guide(name))),
    _page(f"{PREFIX}/docs", "explore"),
    _shown(f"{PREFIX}/openapi.json", "openapi", lambda request, _services: reply.document(request)),
    _shown(HEALTH, "healthz", lambda _request, _services: reply.text("ok")),
    _shown("/assets/{name:path}", "static", lambda request, _services, name: reply.file(name, request)),
    _shown(session.ENTRY, "enter", lambda request, _services: session.enter(request, request.person)),
    _shown("/api/experience", "experience", _report, method="POST", patience=ACT_SECONDS),
    _shown("/survey", "survey", lambda request, services: services().survey.show(request)),
    _shown(
        "/survey",
        "answer_survey",
        lambda request, services: services().survey.answer(request),
        method="POST",
        patience=ACT_SECONDS,
    ),
)
ENDPOINTS: tuple[Endpoint, ...] = (*PAGES, *OPERATIONS)


def answer(endpoint: Endpoint, request: Request, services: Opened, path: dict[str, Any]) -> Response:
    """Respond to one request. An invalid request gets a problem with the reason; GET changes nothing.

    Args:
        endpoint: of the address.
        request: with its body, of a person who may ask it.
        services: opens the services; not called for pages, their files, runbooks, guides and `/health`.
        path: the parameters of the path.
    """
    return as_page(_answer(endpoint, request, services, path), request)


def as_page(response: Response, request: Request) -> Response:
    """The response; for a person who has followed a link to nothing, the page that says so."""
    is_unknown = response.status_code == HTTPStatus.NOT_FOUND and not request.path.startswith(_MACHINES)
    return reply.missing() if is_unknown and request.method == "GET" and request.prefers_html else response


def _answer(endpoint: Endpoint, request: Request, services: Opened, path: dict[str, Any]) -> Response:
    try:
        return endpoint.answer(request, services, **path)
    except HTTPException as error:
        return reply.error(HTTPStatus(error.code or 500), error.description or "")
    except BodyError as error:
        faults = [{"path": fault.path, "allowed": fault.allowed, "given": fault.given} for fault in error.faults]
        return reply.error(HTTPStatus.BAD_REQUEST, str(error), faults=faults, **error.more)
    except LookupError as error:
        return reply.error(HTTPStatus.NOT_FOUND, str(error.args[0]))
    except AiaError as error:
        log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
        starting = {"starting": True} if services().start.is_starting(endpoint.name) else {}
        return reply.later(str(error), seconds=1, **starting)

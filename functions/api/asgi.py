"""The API as an ASGI application: who may ask what is decided and the body is read before any thread is taken.

`Admission` stands before everything, also before connections that stay open; `Endpoints` has each request with an answer computed by
blocking services in the threads of `Work`.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.exceptions import Unauthorized

from core.errors import UnavailableError
from functions.adapters import logs
from functions.api import reply, roles
from functions.api.request import Request, of_scope
from functions.api.routes import HEALTH, answer, endpoint_of, patience
from functions.api.services import Services
from functions.api.work import Work
from functions.runtime import hosts

log = logging.getLogger(__name__)
LARGEST = 2_000_000
"""Bytes of a body: answers to a survey are the largest, and each command is bounded closer."""
READ_SECONDS = 10.0
"""Time that a body may take; it takes no thread meanwhile."""
_KEYS_SECONDS = 8.0
"""Time that identifying a person may take: the keys of Identity-Aware Proxy are fetched now and then."""
_PERSON = "person"
Identify = Callable[[Request], str]
"""The verified person of a request; raises `Unauthorized` where that is not known."""


def application(
    services: Callable[[], Services], *, identify: Identify | None = None, role_of: roles.RoleOf | None = None
) -> Starlette:
    """The application.

    Args:
        services: opens the services; not called for the page, its files, runbooks, guides and `/health`.
        identify: gives the person who asks; without it, nobody is verified.
        role_of: gives the role of that person; without it, there are no roles.
    """
    work = Work()
    endpoints = Endpoints(services=services, role_of=role_of, work=work)
    return Starlette(routes=[Mount("", endpoints)], middleware=[Middleware(Admission, identify=identify, work=work)])


@dataclass(slots=True)
class Admission:
    """Refuses what another site's page asks for, and who is not known; the person is in the state of the connection.

    Attributes:
        app: what is asked.
        identify: as of `application`.
        work: its threads.
    """

    app: ASGIApp
    identify: Identify | None
    work: Work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection on, or refuse it; a WebSocket that is refused is closed with 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request = of_scope(scope)
        logs.set_function("api")
        logs.set_trace(
            request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context", ""),
            os.environ.get("GOOGLE_CLOUD_PROJECT", ""),
        )
        refusal = await self._refusal(request, scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, request: Request, scope: Scope) -> Response | None:
        if found := hosts.refused(request):
            return reply.error(hosts.STATUS[found.reason], found.message)
        state = scope.setdefault("state", {})
        state[_PERSON] = ""
        if self.identify is None or request.path == HEALTH:
            return None
        try:
            state[_PERSON] = await self.work.run("identity", partial(self.identify, request), patience=_KEYS_SECONDS)
        except Unauthorized as error:
            return reply.error(HTTPStatus.UNAUTHORIZED, error.description or "")
        except UnavailableError as error:
            log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
            return reply.error(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Answers requests by the table of routes.

    Attributes:
        services: as of `application`.
        role_of: as of `application`.
        work: computes the answers.
    """

    services: Callable[[], Services]
    role_of: roles.RoleOf | None
    work: Work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an invalid one gets an error with the reason."""
        request = of_scope(scope)
        request.person = scope["state"][_PERSON]
        try:
            request.body = await _body(request, receive)
        except _RefusedBodyError as error:
            await error.response(scope, receive, send)
            return
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = endpoint_of(request)
        call = partial(answer, request, self.services, role_of=self.role_of)
        try:
            response = await self.work.run(endpoint, call, patience=patience(endpoint, request.method))
        except UnavailableError as error:
            log.warning("%s: %s", request.path, error)
            response = reply.later(str(error), seconds=1)
        except Exception:
            log.exception("%s %s: failed", request.method, request.path)
            response = reply.error(HTTPStatus.INTERNAL_SERVER_ERROR, "the request failed; the log says why")
        return response


class _RefusedBodyError(Exception):
    """A body that is not read to its end."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.response = reply.error(status, why)
        self.response.headers["Connection"] = "close"  # what is left of it is not read


async def _body(request: Request, receive: Receive) -> bytes:
    """The body of a request.

    Raises:
        _RefusedBodyError: it is too large, does not arrive in time, or not as long as it says.
    """
    length = request.headers.get("Content-Length", "")
    too_large = _RefusedBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: must be at most {LARGEST} bytes")
    if length.isdigit() and int(length) > LARGEST:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _RefusedBodyError(HTTPStatus.BAD_REQUEST, "body: must be as long as Content-Length says")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST:
                    raise too_large
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise _RefusedBodyError(HTTPStatus.REQUEST_TIMEOUT, f"body: must arrive within {READ_SECONDS:g} s") from error

"""The API as an ASGI application: who may ask what is decided and the body is read before any thread is taken.

`Admission` stands before everything, also before connections that stay open; `Answered` has the answer to each request computed by
blocking services in the threads of `Work`.
"""

import asyncio
import logging
import math
import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as RoutingError
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.exceptions import Forbidden, Unauthorized

from core.access import Role
from core.errors import UnavailableError
from functions.adapters import logs
from functions.adapters.ports import Clock
from functions.api import identity, live, once, reply, roles
from functions.api.addresses import address_of
from functions.api.identity import ADDRESS, AGAIN, CALLER, Caller, Callers, Identify
from functions.api.kept import Kept
from functions.api.limits import ACTS, FAILURES, READS, Limits, Proven
from functions.api.live_hub import Feed, Hub, Take
from functions.api.operation import Operation
from functions.api.request import Request, of_scope
from functions.api.routes import ENDPOINTS, HEALTH, PAGES, Endpoint, Opened, answer, as_page
from functions.api.work import Work
from functions.runtime import hosts

log = logging.getLogger(__name__)
LARGEST = 2_000_000
"""Bytes of a body: answers to a survey are the largest, and each command is bounded closer."""
READ_SECONDS = 10.0
"""Time that a body may take; it takes no thread meanwhile."""
_KEYS_SECONDS = 8.0
"""Time that identifying a person may take: the keys of Identity-Aware Proxy are fetched now and then."""
REQUEST_ID = "X-Request-Id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ROUTES = tuple(Route(one.route, reply.missing, methods=[one.method]) for one in ENDPOINTS)
_PAGES = tuple(Route(one.route, reply.missing) for one in PAGES if one.method == "GET")


@dataclass(frozen=True, slots=True)
class Changes:
    """Where those who watch get the changes from.

    Attributes:
        feed: opens the feed of an instance, at the first of them.
        clock: now.
        heard: hears the topics that changed.
    """

    feed: Callable[[Take], Feed]
    clock: Clock
    heard: Callable[[frozenset[str]], object] = lambda _: None


def application(
    services: Opened,
    *,
    identify: Identify | None = None,
    role_of: roles.RoleOf | None = None,
    verified: bool = True,
    changes: Changes | None = None,
    proxies: int = 0,
) -> Starlette:
    """The application.

    Args:
        services: opens the services; not called for the page, its files, runbooks, guides and `/health`.
        identify: gives the person who asks; without it, nobody is verified.
        role_of: gives the role of that person; without it, there are no roles.
        verified: whether `identify` verifies several people; else it knows one, who runs the local system.
        changes: of what is shown; without it, nobody can watch.
        proxies: before it, as `address_of` has it.
    """
    callers = Callers(identify=identify, verified=verified, services=services)
    work = Work()
    routes: list[BaseRoute] = [*_routes(services, role_of, work)]
    hub = Hub(changes.feed, work, changes.clock, heard=changes.heard) if changes else None
    if hub and changes:
        watched = live.Live(hub, changes.clock)
        routes[:0] = [Route(live.PATH, watched), WebSocketRoute(live.PATH, watched)]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(Admission, callers=callers, work=work, proxies=proxies, failures=Limits(FAILURES))],
        exception_handlers={RoutingError: _unrouted},
    )
    application.router.redirect_slashes = False
    application.state.stop = hub.stop if hub else None
    return application


def _routes(services: Opened, role_of: roles.RoleOf | None, work: Work) -> Iterator[Route]:
    kept, reads, acts = Kept(), Limits(READS), Limits(ACTS)
    for one in ENDPOINTS:
        answered = Answered(
            endpoint=one,
            services=services,
            role_of=role_of,
            work=work,
            limits=acts if one.method != "GET" and isinstance(one, Operation) else reads,
            kept=kept if one.shared else None,
        )
        yield Route(one.route, answered, methods=[one.method])


@dataclass(slots=True)
class Admission:
    """Refuses what another site's page asks for, and who is not known; the person is in the state of the connection.

    Attributes:
        app: what is asked.
        callers: finds out who asks.
        work: its threads.
        proxies: before the API.
        failures: counts credentials that were none, by address.
        proven: those that held.
    """

    app: ASGIApp
    callers: Callers
    work: Work
    proxies: int
    failures: Limits
    proven: Proven = field(default_factory=Proven)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection on, or refuse it; a WebSocket that is refused is closed with 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request = of_scope(scope)
        logs.set_function("api")
        identifier = _identified(request)
        logs.set_trace(
            request.headers.get("traceparent") or request.headers.get("X-Cloud-Trace-Context", ""),
            os.environ.get("GOOGLE_CLOUD_PROJECT", ""),
        )
        refusal = await self._refusal(request, scope)
        send = _with_id(send, identifier)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, request: Request, scope: Scope) -> Response | None:
        check = hosts.refused_to_watch if request.path == live.PATH or scope["type"] == "websocket" else hosts.refused
        if found := check(request):
            return reply.error(hosts.STATUS[found.reason], found.message)
        address = address_of(scope, request.headers, self.proxies)
        state = scope.setdefault("state", {})
        state |= {CALLER: Caller(), ADDRESS: address, AGAIN: partial(self._identify, request)}
        if request.path == HEALTH:
            return None
        shown = identity.credentials(request)
        if shown and (seconds := self.failures.blocked(address)) and not self.proven.has(shown):
            return _too_many("credentials: too many of this address were none in a short time", seconds)
        try:
            state[CALLER] = await self._identify(request)
        except Unauthorized as error:
            if shown:
                self.failures.wait(address)
                self.proven.remove(shown)
            return reply.error(HTTPStatus.UNAUTHORIZED, error.description or "")
        except UnavailableError as error:
            log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
            return reply.error(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if shown and state[CALLER].person:  # what proves nothing is not refused where everybody may read
            self.proven.add(shown)
        return None

    async def _identify(self, request: Request) -> Caller:
        named = partial(self.callers.of, request)
        return await self.work.run(identity.source_of(request), named, patience=_KEYS_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Answers the requests to one endpoint.

    Attributes:
        endpoint: answers, and says who may ask it.
        services: as of `application`.
        role_of: as of `application`.
        work: computes the answers.
        limits: of callers, for what this endpoint does.
        kept: the newest answers, for when this one does not come in time; None where they are not for everybody who may read.
        fault: the problem of the newest call, which may have come too late for whoever asked; empty after one that was answered.
    """

    endpoint: Endpoint
    services: Opened
    role_of: roles.RoleOf | None
    work: Work
    limits: Limits
    kept: Kept | None
    fault: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an invalid one gets a problem with the reason."""
        request = of_scope(scope)
        caller: Caller = scope["state"][CALLER]
        request.person, request.verified, request.unproven = caller.person, caller.verified, caller.unproven
        request.token, request.token_until = caller.token, caller.until if caller.token else None
        request.role = partial(self._role, caller)
        try:
            refusal = self._too_often(request, scope)
            if refusal is None:
                request.body = await _body(request, receive)
        except _RefusedBodyError as error:
            refusal = error.response
        await (refusal or await self._answer(request, scope["path_params"]))(scope, receive, send)

    def _too_often(self, request: Request, scope: Scope) -> Response | None:
        caller = request.person or scope["state"][ADDRESS]
        seconds = self.limits.wait(caller)
        return _too_many("requests: too many of this caller in a short time", seconds) if seconds else None

    async def _answer(self, request: Request, path: dict[str, Any]) -> Response:
        endpoint = self.endpoint
        try:
            return await self.work.run(endpoint.name, partial(self._respond, request, path), patience=endpoint.patience)
        except UnavailableError as error:
            log.warning("%s: %s", request.path, error)
            before = self.fault.get("detail")
            why = f"{error}; before: {before}" if before else str(error)
            return (self.kept.newest(request) if self.kept else None) or reply.later(why, seconds=1)
        except Exception:
            log.exception("%s %s: failed", request.method, request.path)
            return reply.error(HTTPStatus.INTERNAL_SERVER_ERROR, "the request failed; the log says why")

    def _role(self, caller: Caller) -> Role:
        """What a caller may do: what the person may, and no more than the token says."""
        own = self.role_of(caller.person) if self.role_of else Role.ADMIN
        return own if caller.role is None else min(own, caller.role)

    def _respond(self, request: Request, path: dict[str, Any]) -> Response:
        try:
            roles.check(self.endpoint.role, request.person, request.role)
        except Forbidden as error:
            return reply.error(HTTPStatus.FORBIDDEN, error.description or "")
        respond = partial(answer, self.endpoint, request, self.services, path)
        if self.endpoint.once and once.HEADER in request.headers:
            return reply.packed(self.services().once.answer(request, respond), request)
        response = respond()
        self.fault.clear()
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and reply.is_problem(response):
            self.fault.update(msgspec.json.decode(response.body))
        response = reply.packed(response, request)
        if self.kept:
            self.kept.keep(request, response)
        return response


def _too_many(why: str, seconds: float) -> Response:
    response = reply.error(HTTPStatus.TOO_MANY_REQUESTS, why)
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response


def _unrouted(request: HTTPConnection, error: Exception) -> Response:
    """The answer where there is no endpoint of that path, or none of that method."""
    asked = of_scope(request.scope)
    if isinstance(error, RoutingError) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        known = sorted(
            {method for route in _ROUTES if route.path_regex.match(asked.path) for method in route.methods or ()}
        )
        response = reply.error(
            HTTPStatus.METHOD_NOT_ALLOWED, f"method: must be {' or '.join(known)}, got {asked.method}"
        )
        response.headers["Allow"] = ", ".join(known)
        return response
    page = asked.path.rstrip("/")
    if page != asked.path and asked.method in {"GET", "HEAD"} and any(route.path_regex.match(page) for route in _PAGES):
        query = request.url.query
        return reply.moved(quote(page) + (f"?{query}" if query else ""))
    return as_page(reply.error(HTTPStatus.NOT_FOUND, f"path: there is nothing at {asked.path[:80]!r}"), asked)


def _identified(request: Request) -> str:
    """The id of a request: the one that it has, where it is one, or else a new one; its logs and problems have it."""
    given = request.headers.get(REQUEST_ID, "")
    identifier = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
    logs.set_request_id(identifier)
    return identifier


def _with_id(send: Send, identifier: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (REQUEST_ID.lower().encode(), identifier.encode())]
        await send(message)

    return sending


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

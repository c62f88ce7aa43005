"""One HTTP request of a probe, and its answer; the body is read up to 64 KiB, and proxies of the environment are not used."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Url

from core.health import ProbeReason, ProbeResult
from functions.adapters.net import Deadline, Refuses, connected, headers
from functions.adapters.probes import failure, tls

BODY = 64 * 1024
FAULTS = (OSError, http.client.HTTPException, HTTPError)
"""What a request may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        url: where it goes.
        refuses: says which addresses it must not go to.
        method: of HTTP.
        headers: besides those of every request.
        body: of the request.
        context: whose certificates are trusted; those of the machine where there is none.
    """

    url: Url
    refuses: Refuses
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer; the body may be cut."""

    status: int
    location: str | None
    body: str = field(repr=False)
    expires_at: datetime | None


def answer(request: Request, deadline: Deadline) -> Answer:
    """The answer to a request; redirects are not followed. Raises one of `FAULTS`."""
    with connected(request.url, deadline, request.refuses, request.context) as (connection, socket):
        expires_at = tls.expiry(socket) if isinstance(socket, ssl.SSLSocket) else None
        connection.request(
            request.method,
            request.url.request_uri,
            body=request.body,
            headers=headers(request.url) | dict(request.headers),
            preload_content=False,
        )
        response = connection.getresponse()
        body, location = _body(response).decode(errors="replace"), response.headers.get("Location")
        return Answer(status=response.status, location=location, body=body, expires_at=expires_at)


def _body(response: urllib3.HTTPResponse) -> bytes:
    body = b""
    try:
        while len(body) < BODY and (part := response.read(BODY - len(body))):
            body += part
    except ValueError as error:  # urllib3 on a chunk of negative size
        raise http.client.HTTPException(str(error)) from error
    return body


def completed(answer: Answer, deadline: Deadline) -> ProbeResult:
    """The result of a request that was answered, before it is compared with what is expected."""
    return replace(
        failure.passed(f"HTTP {answer.status}", deadline),
        status=answer.status,
        body=answer.body,
        certificate_expires_at=answer.expires_at,
    )


def shown(url: Url) -> str:
    """The URL without its credentials, query and fragment."""
    return url._replace(auth=None, query=None, fragment=None).url


def failed_by(error: BaseException, where: str, deadline: Deadline) -> ProbeResult:
    """The result of a request that ended with one of `FAULTS`."""
    if isinstance(error, OSError):
        return failure.failed_by(error, where, deadline)
    return failure.failed(_why(error), where, deadline)


def _why(error: BaseException) -> ProbeReason:
    """The reason behind an error; urllib3 wraps errors of the network."""
    if isinstance(error, OSError):
        return failure.why(error)
    if isinstance(error, http.client.IncompleteRead):
        return ProbeReason.CLOSED_EARLY
    return _why(error.__cause__) if error.__cause__ else ProbeReason.BAD_ANSWER

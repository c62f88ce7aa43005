"""HTTP probe: whether a URL answers, with which status and body, and how long it takes.

Redirects are followed, up to five, unless a redirect is itself the expected answer; never from https to http, and
credentials go to no other origin. The body is read up to 64 KiB. Proxies of the environment are not used.

With `auth: google` an identity token of the function's account is sent, unless the URL is a loopback address, where
no service requires it, and none could be trusted with it. So the same settings work on a laptop.
"""

import http.client
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urljoin

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from core.health import ProbeReason, ProbeResult, judge
from core.settings import HttpProbe
from core.settings.network import is_loopback
from functions.adapters.net import PORTS, Deadline, address, connected, headers, trusting
from functions.adapters.probes import tls
from functions.adapters.probes.failure import failed, why
from functions.adapters.probes.identity import NoTokenError, Tokens

REDIRECTS = 5
BODY = 64 * 1024
TOKENS = Tokens()
_REDIRECT = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    location: str | None
    body: str
    expires_at: datetime | None


def check(probe: HttpProbe, tokens: Tokens = TOKENS) -> ProbeResult:
    """Get the URL, and compare the response with the expectations of the settings."""
    trusting()  # loaded now, because it must not count as latency of the target
    whole = Deadline(probe.timeout.total_seconds())
    asked = [parse_url(probe.url)]
    try:
        bearer = _bearer(probe, asked[0], tokens, whole)
        deadline = Deadline(whole.left())  # the time for the token does not count either
    except (NoTokenError, TimeoutError) as error:
        result = failed(ProbeReason.NO_TOKEN, _where(asked[0]), whole)
        return replace(result, detail=f"{result.detail}: {error}")
    while True:
        answer = _request(asked[-1], deadline, bearer if _origin(asked[-1]) == _origin(asked[0]) else {})
        if isinstance(answer, ProbeResult):
            return answer
        if answer.status not in _REDIRECT or answer.location is None or answer.status == probe.expect.status:
            return judge(_result(answer, deadline), status=probe.expect.status, body=probe.expect.body)
        onward = _redirect(asked, answer.location)
        if isinstance(onward, ProbeReason):
            return replace(failed(onward, _where(asked[-1]), deadline), certificate_expires_at=answer.expires_at)
        asked.append(onward)


def _bearer(probe: HttpProbe, url: Url, tokens: Tokens, deadline: Deadline) -> dict[str, str]:
    """The authorization header, if the settings ask for one."""
    if probe.auth is None or is_loopback(address(url)[0]):
        return {}
    origin = url._replace(path=None, query=None).url
    return {"Authorization": f"Bearer {tokens.get(probe.audience or origin, deadline)}"}


def _request(url: Url, deadline: Deadline, bearer: dict[str, str]) -> _Answer | ProbeResult:
    try:
        return _get(url, deadline, bearer)
    except ssl.SSLCertVerificationError as error:
        result = failed(why(error), _where(url), deadline)
        return replace(result, certificate_expires_at=tls.refused_expiry(*address(url), deadline))
    except (OSError, http.client.HTTPException, HTTPError) as error:
        return failed(_why(error), _where(url), deadline)


def _get(url: Url, deadline: Deadline, bearer: dict[str, str]) -> _Answer:
    with connected(url, deadline) as (connection, socket):
        expires_at = tls.expiry(socket) if isinstance(socket, ssl.SSLSocket) else None
        connection.request("GET", url.request_uri, headers=headers(url) | bearer, preload_content=False)
        response = connection.getresponse()
        body, location = _body(response).decode(errors="replace"), response.headers.get("Location")
        return _Answer(status=response.status, location=location, body=body, expires_at=expires_at)


def _body(response: urllib3.HTTPResponse) -> bytes:
    body = b""
    while len(body) < BODY and (part := response.read(BODY - len(body))):
        body += part
    return body


def _result(answer: _Answer, deadline: Deadline) -> ProbeResult:
    return ProbeResult(
        ok=True,
        reason=ProbeReason.OK,
        latency=deadline.spent(),
        detail=f"HTTP {answer.status}",
        certificate_expires_at=answer.expires_at,
        status=answer.status,
        body=answer.body,
    )


def _redirect(asked: Sequence[Url], location: str) -> Url | ProbeReason:
    """The target of a redirect, or the reason why it is not followed."""
    first, last = asked[0], asked[-1]
    try:
        url = parse_url(urljoin(last._replace(auth=None).url, location))._replace(auth=None, fragment=None)
    except (LocationParseError, ValueError):
        return ProbeReason.REDIRECT_REFUSED
    if url.scheme not in PORTS or not url.host or (last.scheme == "https" and url.scheme == "http"):
        return ProbeReason.REDIRECT_REFUSED
    if _origin(url) == _origin(first):
        url = url._replace(auth=first.auth)
    if url in asked:
        return ProbeReason.REDIRECT_LOOP
    return url if len(asked) <= REDIRECTS else ProbeReason.TOO_MANY_REDIRECTS


def _origin(url: Url) -> tuple[str | None, str, int]:
    return (url.scheme, *address(url))


def _where(url: Url) -> str:
    """The URL without its credentials, query and fragment."""
    return url._replace(auth=None, query=None, fragment=None).url


def _why(error: BaseException) -> ProbeReason:
    """The reason behind an error; urllib3 wraps errors of the network."""
    if isinstance(error, OSError):
        return why(error)
    if isinstance(error, http.client.IncompleteRead):
        return ProbeReason.CLOSED_EARLY
    return _why(error.__cause__) if error.__cause__ else ProbeReason.BAD_ANSWER

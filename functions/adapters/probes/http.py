"""HTTP probe: whether a URL answers, with which status and body, and how long it takes.

Redirects are followed, up to five, unless a redirect is itself the expected answer; never from https to http, and
credentials go to no other origin. Each redirect is subject to the same check of its address as the URL itself.

With `auth: google` an identity token of the function's account is sent, unless the URL is a loopback address, where
no service requires it, and none could be trusted with it. So the same settings work on a laptop.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from core.health import ProbeReason, ProbeResult, judge
from core.settings import HttpProbe
from core.settings.network import is_loopback
from functions.adapters.identity import TOKENS, NoTokenError, Tokens
from functions.adapters.net import PORTS, Deadline, address, trusting
from functions.adapters.probes import tls, web
from functions.adapters.probes.failure import failed, failed_by, no_token
from functions.adapters.probes.reach import refuses

REDIRECTS = 5
_REDIRECT = {301, 302, 303, 307, 308}


def check(probe: HttpProbe, tokens: Tokens = TOKENS) -> ProbeResult:
    """Get the URL, and compare the response with the expectations of the settings."""
    trusting()  # loaded now, because it must not count as latency of the target
    whole = Deadline(probe.timeout.total_seconds())
    asked = [parse_url(probe.url)]
    try:
        bearer = _bearer(probe, asked[0], tokens, whole)
        deadline = Deadline(whole.left())  # the time for the token does not count either
    except NoTokenError as error:
        return no_token(error, web.shown(asked[0]), whole)
    except TimeoutError as error:
        return failed_by(error, web.shown(asked[0]), whole)
    while True:
        headers = bearer if _origin(asked[-1]) == _origin(asked[0]) else {}
        answer = _answer(web.Request(url=asked[-1], refuses=refuses(probe), headers=headers), deadline)
        if isinstance(answer, ProbeResult):
            return answer
        if answer.status not in _REDIRECT or answer.location is None or answer.status == probe.expect.status:
            return judge(web.completed(answer, deadline), status=probe.expect.status, body=probe.expect.body)
        onward = _redirect(asked, answer.location)
        if isinstance(onward, ProbeReason):
            return replace(failed(onward, web.shown(asked[-1]), deadline), certificate_expires_at=answer.expires_at)
        asked.append(onward)


def _bearer(probe: HttpProbe, url: Url, tokens: Tokens, deadline: Deadline) -> Mapping[str, str]:
    """The authorization header, if the settings ask for one."""
    if probe.auth is None or is_loopback(address(url)[0]):
        return {}
    origin = url._replace(path=None, query=None).url
    return {"Authorization": f"Bearer {tokens.get(probe.audience or origin, deadline)}"}


def _answer(request: web.Request, deadline: Deadline) -> web.Answer | ProbeResult:
    where = web.shown(request.url)
    try:
        return web.answer(request, deadline)
    except ssl.SSLCertVerificationError as error:
        expires_at = tls.refused_expiry(*address(request.url), deadline, request.refuses)
        return replace(failed_by(error, where, deadline), certificate_expires_at=expires_at)
    except web.FAULTS as error:
        return web.failed_by(error, where, deadline)


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

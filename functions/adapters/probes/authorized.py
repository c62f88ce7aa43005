"""A request of a probe that shows the access token of the function's account; none to this machine, where nobody is trusted with it."""

import ssl
from dataclasses import dataclass, field, replace

from urllib3.util import Url

from core.health import ProbeResult, judge
from core.settings.network import is_loopback
from core.settings.probes import ConnectingProbe
from functions.adapters.net import Deadline, address, trusting
from functions.adapters.probes import web
from functions.adapters.probes.failure import passed
from functions.adapters.probes.identity import NoTokenError, Tokens, no_token
from functions.adapters.probes.reach import refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to an API.

    Attributes:
        url: of the method, over https or on this machine.
        method: of HTTP.
        body: JSON.
        context: whose certificates are trusted; those of the machine where there is none.
    """

    url: Url
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None


def call(probe: ConnectingProbe, one: Call, tokens: Tokens) -> ProbeResult:
    """The result of a request, with the body of the answer; its status must be 200 to 299.

    The time for the token does not count as latency.
    """
    trusting()  # loaded now, for the same reason
    whole = Deadline(probe.timeout.total_seconds())
    try:
        headers = {"Content-Type": "application/json"} if one.body else {}
        if not is_loopback(address(one.url)[0]):
            headers["Authorization"] = f"Bearer {tokens.access(whole)}"
        deadline = Deadline(whole.left())
    except (NoTokenError, TimeoutError) as error:
        return no_token(error, probe.where, whole)
    request = web.Request(
        url=one.url,
        refuses=refuses(probe),
        method=one.method,
        headers=headers,
        body=one.body,
        context=one.context,
    )
    try:
        answer = web.answer(request, deadline)
    except web.FAULTS as error:
        return web.failed_by(error, probe.where, deadline)
    result = passed(f"HTTP {answer.status}", deadline)
    return judge(
        replace(result, status=answer.status, body=answer.body, certificate_expires_at=answer.expires_at), status=None
    )

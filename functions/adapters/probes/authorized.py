"""A request of a probe to an API, with the access token of the function's account."""

from dataclasses import replace

from core.health import ProbeResult, judge
from core.settings.probes import ConnectingProbe
from functions.adapters.identity import NoTokenError, Tokens
from functions.adapters.net import Deadline, trusting
from functions.adapters.probes import web
from functions.adapters.probes.failure import no_token


def call(probe: ConnectingProbe, request: web.Request, tokens: Tokens) -> ProbeResult:
    """The result of a request, with the body of the answer; its status must be 200 to 299.

    The time for the token does not count as latency.
    """
    trusting()  # loaded now, for the same reason
    whole = Deadline(probe.timeout.total_seconds())
    try:
        headers = {**request.headers, **tokens.authorization(request.url, whole)}
        deadline = Deadline(whole.left())
    except NoTokenError as error:
        return no_token(error, probe.where, whole)
    except TimeoutError as error:
        return web.failed_by(error, probe.where, whole)
    try:
        answer = web.answer(replace(request, headers=headers), deadline)
    except web.FAULTS as error:
        return web.failed_by(error, probe.where, deadline)
    return judge(web.completed(answer, deadline))

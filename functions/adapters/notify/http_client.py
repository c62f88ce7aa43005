"""Requests with JSON, and which response statuses are retried.

408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
no answer in time       not now
"""

import http.client
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse
from urllib3.util import parse_url

from core.errors import LimitedError, UnavailableError
from core.events import stamp
from core.rate import LONGEST_BLOCK
from functions.adapters import request_deadline
from functions.adapters.net import Deadline, connected, headers

LONGEST_ANSWER = 16 * 1024
"""Bytes; more of an answer is not read."""
PATIENCE = timedelta(seconds=30)
"""How long to wait after a 429 without `Retry-After`."""
TOO_MANY = 429
_PASSING = frozenset({408, 425, TOO_MANY})
_BROKEN = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; its body is empty if it was not requested or could not be read."""

    status: int
    retry_after: str
    body: bytes


def post(
    name: str, url: str, body: bytes, *, seconds: float, says: dict[str, str] | None = None, heed: bool = True
) -> Answer:
    """POST a JSON body to a channel.

    Args:
        name: of the channel, for the error.
        url: where to; it may hold a secret.
        body: JSON.
        seconds: the timeout of a request, including a slow answer.
        says: additional headers.
        heed: whether to read the body of the response, which may be long or endless.

    Raises:
        UnavailableError: no answer in time; the error has neither the address nor a header.
    """
    most = LONGEST_ANSWER if heed else 0
    return send(f"channel {name}", "POST", url, body, seconds=seconds, says=says, most=most)


def send(
    who: str,
    method: str,
    url: str,
    body: bytes | None,
    *,
    seconds: float,
    says: dict[str, str] | None,
    most: int,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send a request with a JSON body, or with none.

    Args:
        who: is asked, for the error.
        method: of HTTP.
        url: where to; it may hold a secret.
        body: JSON, or None.
        seconds: the timeout of a request, including a slow answer.
        says: additional headers.
        most: bytes of the body of the response that are read.
        context: whose certificates are trusted; those of the machine where there is none.

    Raises:
        UnavailableError: no answer in time; the error has neither the address nor a header.
    """
    limit = Deadline(request_deadline.within(seconds))
    try:
        where = parse_url(url)
        said = headers(where) | {"Content-Type": "application/json; charset=utf-8"} | (says or {})
        with connected(where, limit, context=context) as (connection, _):
            connection.request(method, where.request_uri, body=body, headers=said, preload_content=False)
            response = connection.getresponse()
            answered = _read_body(response, most) if most else b""
            return Answer(response.status, response.headers.get("Retry-After", ""), answered)
    except (HTTPError, http.client.HTTPException, OSError, ValueError, KeyError) as error:
        raise request_deadline.no_answer(f"{who}: no answer ({type(error).__name__})") from None


def check_passing(name: str, answer: Answer, now: datetime) -> None:
    """Raise if the response of a channel says that another attempt may succeed, as `raise_passing` does."""
    raise_passing(f"channel {name}", answer, now)


def raise_passing(who: str, answer: Answer, now: datetime) -> None:
    """Raise if the response says that another attempt may succeed.

    Raises:
        LimitedError: it names an instant to wait for, or is a 429.
        UnavailableError: it is another transient failure.
    """
    if answer.status not in _PASSING and answer.status < _BROKEN:
        return
    until = not_before(answer.retry_after, now)
    if until is None and answer.status == TOO_MANY:
        until = now + PATIENCE
    if until is not None:
        raise LimitedError(f"{who}: answered {answer.status}, until {stamp(until)}", until)
    raise UnavailableError(f"{who}: answered {answer.status}")


def not_before(retry_after: str, now: datetime) -> datetime | None:
    """The instant that a `Retry-After` header names (RFC 9110, 10.2.3), at most an hour away; None when it names none."""
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return now + min(timedelta(seconds=int(given[:6])), LONGEST_BLOCK)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), now + LONGEST_BLOCK)


def _read_body(response: HTTPResponse, most: int) -> bytes:
    """The beginning of the body; empty if it cannot be read, because the status is enough."""
    try:
        return response.read(most, decode_content=False)
    except (HTTPError, http.client.HTTPException, OSError, ValueError):
        return b""

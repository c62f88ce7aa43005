"""A webhook as a channel: each message is POSTed as a JSON object.

2xx                     delivered
408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
no answer in time       not now
anything else           refused: sending it again would not help
"""

import http.client
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from core.errors import UnavailableError
from core.incidents.messages import Message
from functions.adapters.net import Deadline, connected, headers
from functions.adapters.notify.port import Outcome, Receipt
from functions.adapters.ports import Clock

SECONDS = 5.0
"""For all of a request, far below the lease of an effect."""
LONGEST_WAIT = timedelta(hours=1)
_PASSING = frozenset({408, 425, 429})
_encoder = msgspec.json.Encoder()


class Webhook:
    """POSTs each message to one address.

    Args:
        name: the channel's name, for errors and logs.
        url: the address; it may hold a secret, so that it is never logged.
        clock: to keep to a `Retry-After`.
        seconds: until an answer counts as none, however slowly it comes.
    """

    def __init__(self, name: str, url: str, clock: Clock, seconds: float = SECONDS) -> None:
        self._name = name
        self._url = url
        self._clock = clock
        self._seconds = seconds
        self._not_before: datetime | None = None

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        if self._not_before is not None and (wait := self._not_before - self._clock()) > timedelta(0):
            raise UnavailableError(f"channel {self._name}: asked to wait {wait.total_seconds():.0f} s more")
        status, retry_after = self._post(payload(message))
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            return Receipt(Outcome.DELIVERED)
        if status in _PASSING or status >= 500:  # noqa: PLR2004 - HTTP's own boundary
            self._not_before = not_before(retry_after, self._clock())
            raise UnavailableError(f"channel {self._name}: answered {status}")
        return Receipt(Outcome.REFUSED, f"HTTP {status}")

    def _post(self, body: bytes) -> tuple[int, str]:
        try:
            url = parse_url(self._url)
            said = headers(url) | {"Content-Type": "application/json"}
            with connected(url, Deadline(self._seconds)) as (connection, _):
                connection.request("POST", url.request_uri, body=body, headers=said, preload_content=False)
                # The answer's body is not read: nothing in it is needed, and it may be long or never end.
                response = connection.getresponse()
                return response.status, response.headers.get("Retry-After", "")
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise UnavailableError(f"channel {self._name}: no answer ({type(error).__name__})") from None


def payload(message: Message) -> bytes:
    """The body of the request: `key, incident_id, change, severity, title, text, url, at`."""
    fields = msgspec.to_builtins(message)
    del fields["channel"]
    return _encoder.encode(fields)


def not_before(retry_after: str, now: datetime) -> datetime | None:
    """The instant that a `Retry-After` header names (RFC 9110, 10.2.3), at most an hour away; None when it names none."""
    given = retry_after.strip()
    if given.isascii() and given.isdigit():
        return now + min(timedelta(seconds=int(given[:6])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), now + LONGEST_WAIT)

"""Response classes of push endpoints, as Cloud Monitoring names them: https://cloud.google.com/monitoring/api/metrics_gcp."""

from dataclasses import dataclass
from typing import Final

import httpx

SUCCESS: Final = frozenset({102, 200, 201, 202, 204})
_CODES: Final = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "aborted",
    429: "resource_exhausted",
    500: "internal",
    501: "unimplemented",
    503: "unavailable",
    504: "deadline_exceeded",
}
"""As google/rpc/code.proto maps statuses of HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Outcome of a push.

    Attributes:
        response_class: one of those that Pub/Sub's own metrics know.
        response_code: the same, in more detail.
        fault: why the endpoint did not take it, or nothing.
    """

    response_class: str
    response_code: str
    fault: str = ""


ACK: Final = Answer("ack", "success")


def of_status(status: int, endpoint: str) -> Answer:
    """The outcome of a response status.

    >>> of_status(503, "http://127.0.0.1:1/")
    Answer(response_class='remote_server_5xx', response_code='unavailable', fault='http://127.0.0.1:1/: answered 503')
    """
    if status in SUCCESS:
        return ACK
    fault = f"{endpoint}: answered {status}"
    if 500 <= status < 600:  # noqa: PLR2004 - HTTP's own ranges
        return Answer("remote_server_5xx", _CODES.get(status, "internal"), fault)
    if 400 <= status < 500:  # noqa: PLR2004
        return Answer("remote_server_4xx", _CODES.get(status, "failed_precondition"), fault)
    return Answer("invalid", "unknown", fault)


def of_error(error: Exception, endpoint: str) -> Answer:
    """The outcome of a request without a response."""
    fault = f"{endpoint}: {type(error).__name__} {error}".strip()
    if isinstance(error, TimeoutError):
        return Answer("deadline_exceeded", "deadline_exceeded", fault)
    if isinstance(error, httpx.InvalidURL):
        return Answer("invalid", "invalid_argument", fault)
    return Answer("unreachable", "unavailable", fault)

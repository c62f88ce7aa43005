"""Answers of `requests` that are read within a time and a size: by itself the library waits anew for every byte."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests
    import urllib3

_CHUNK = 65_536


class TooLargeError(ValueError):
    """The answer is larger than allowed."""


def fetch(
    session: "requests.Session",
    method: str,
    url: str,
    *,
    seconds: float,
    most: int,
    **given: Any,  # noqa: ANN401 - of requests
) -> tuple[int, bytes]:
    """Status and body of an answer; a body that drips or never ends is not waited for, and redirects are not followed.

    Args:
        session: sends the request.
        method: of HTTP.
        url: where to.
        seconds: for the whole body; the connection and the first line of the answer each have as much.
        most: bytes of the body.
        given: parameters, headers and body.

    Raises:
        TimeoutError: it is not there in time; errors of `requests` and `urllib3` as well.
        TooLargeError: it is larger.
    """
    end = time.monotonic() + seconds
    with session.request(method, url, timeout=seconds, stream=True, allow_redirects=False, **given) as response:
        return response.status_code, _read_body(response.raw, end, most)


def _read_body(stream: "urllib3.BaseHTTPResponse", end: float, most: int) -> bytes:
    body = bytearray()
    while chunk := stream.read1(_CHUNK, decode_content=True):  # what has come, and no waiting for more
        body += chunk
        if len(body) > most:
            raise TooLargeError
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection := getattr(stream.connection, "sock", None):
            connection.settimeout(left)
    return bytes(body)

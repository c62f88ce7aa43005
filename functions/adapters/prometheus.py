"""Prometheus' query API: Prometheus itself in the local system, Cloud Monitoring's on Google Cloud.

A query is evaluated at one instant, or at the instants of a grid. Results are normalised: an instant without a
value is None, and so is one whose value is no finite number.
"""

import functools
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import QueryError, UnavailableError
from functions.adapters import request_deadline
from functions.adapters.bounded_response import TooLargeError, fetch

if TYPE_CHECKING:
    import requests

GOOGLE = "https://monitoring.googleapis.com/v1/projects/{project}/location/global/prometheus"
SCOPES = ("https://www.googleapis.com/auth/monitoring.read",)
PATIENCE = 6.0
"""Seconds for a whole response: well below the polling interval of the page, so that an outage shows soon."""
LARGEST = 16_000_000
"""Bytes of an answer."""
_SHOWN = 300
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: identify the series.
        values: one per requested instant.
    """

    labels: Mapping[str, str]
    values: tuple[float | None, ...]


class _Found(msgspec.Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(msgspec.Struct, rename="camel"):
    status: str = ""
    data: _Data | None = None
    error: Any = ""


class Prometheus:
    """Asks queries.

    Args:
        name: for errors.
        url: its address, without `/api/v1`.
        open_session: opens the HTTP session at the first request.
        patience: seconds that an answer may take in all.
    """

    def __init__(
        self, *, name: str, url: str, open_session: Callable[[], "requests.Session"], patience: float = PATIENCE
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._session = functools.cache(open_session)
        self._patience = patience

    def instant(self, query: str, *, at: int) -> list[Series]:
        """The result of a query at an instant, in seconds since 1970: one value per series.

        Raises:
            QueryError: the query is refused; the same for `range`.
            UnavailableError: no valid answer in time; the same for `range`.
        """
        results = self._query("query", query=query, time=at)
        return [Series(labels=series.metric, values=(_number(series.value[1]),)) for series in results if series.value]

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        """The result of a query at `start` and every `step` seconds after it, until `end`: one value each."""
        results = self._query("query_range", query=query, start=start, end=end, step=step)
        return [Series(labels=series.metric, values=_aligned(series.values, start, end, step)) for series in results]

    def _query(self, what: str, **parameters: str | int) -> list[_Found]:
        status, body = self._fetched(f"{self._url}/api/v1/{what}", parameters)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnavailableError(f"{self._name}: answers {status} and no JSON of Prometheus ({error})") from error
        if status in _REFUSED:
            raise QueryError(f"{self._name}: refuses the query: {_reason(answer.error)}")
        if status != HTTPStatus.OK or answer.status != "success" or answer.data is None:
            raise UnavailableError(f"{self._name}: answers {status}: {_reason(answer.error)}")
        try:
            return _series(answer.data)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnavailableError(f"{self._name}: answers what is no result of a query ({error})") from error

    def _fetched(self, url: str, parameters: Mapping[str, str | int]) -> tuple[int, bytes]:
        """Status and body; a body that drips or never ends is not waited for."""
        import requests  # noqa: PLC0415 - with the first query
        import urllib3  # noqa: PLC0415 - the same
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - the same

        seconds = request_deadline.within(self._patience)
        try:
            return fetch(self._session(), "GET", url, seconds=seconds, most=LARGEST, params=dict(parameters))
        except (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise request_deadline.no_answer(f"{self._name}: does not answer within {seconds:g} s") from error
        except TooLargeError as error:
            raise QueryError(f"{self._name}: answers more than {LARGEST // 1_000_000} MB") from error
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
        ) as error:  # its text has the address, with the credentials that may be in it
            raise request_deadline.no_answer(f"{self._name}: does not answer ({type(error).__name__})") from error
        except GoogleAuthError as error:
            raise UnavailableError(f"{self._name}: nobody to ask it as ({error})") from error


def connect(project: str) -> Prometheus:
    """The one of AIA_PROMETHEUS_URL, or else that of the project in Cloud Monitoring."""
    own = os.environ.get("AIA_PROMETHEUS_URL", "")
    if own:
        return Prometheus(name="Prometheus", url=own, open_session=_unauthenticated)
    return Prometheus(name="Cloud Monitoring", url=GOOGLE.format(project=project), open_session=_authorized)


def _unauthenticated() -> "requests.Session":
    import requests  # noqa: PLC0415 - with the first query

    return requests.Session()


def _authorized() -> "requests.Session":
    import google.auth  # noqa: PLC0415 - with the first query
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415 - the same

    credentials, _ = google.auth.default(scopes=SCOPES)
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # published without types


def _series(data: _Data) -> list[_Found]:
    if data.result_type == "scalar":
        return [_Found(value=msgspec.json.decode(data.result, type=tuple[float, str]))]
    if data.result_type in ("vector", "matrix"):
        return msgspec.json.decode(data.result, type=list[_Found])
    raise ValueError(f"resultType: must be scalar, vector or matrix, got {data.result_type[:_SHOWN]!r}")


def _aligned(points: list[tuple[float, str]], start: int, end: int, step: int) -> tuple[float | None, ...]:
    """Points on their grid.

    >>> _aligned([(60.0, "1.5"), (180.0, "NaN")], 0, 180, 60)
    (None, 1.5, None, None)
    """
    values: list[float | None] = [None] * ((end - start) // step + 1)
    for at, value in points:
        place = round((at - start) / step)
        if 0 <= place < len(values):
            values[place] = _number(value)
    return tuple(values)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError as error:
        raise UnavailableError(f"Prometheus: answers a value that is no number: {text[:_SHOWN]!r}") from error
    return value if math.isfinite(value) else None


def _reason(error: object) -> str:
    """The text of an error: a string from Prometheus, an object with a message from Google."""
    told = error.get("message", "") if isinstance(error, dict) else error
    return str(told)[:_SHOWN] or "no reason given"

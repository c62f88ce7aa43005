"""Web APIs that take and return JSON, with the session that Google's authentication library opens: they need no further client."""

import functools
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from core.errors import QueryError, UnavailableError
from core.text import clean
from functions.adapters import request_deadline
from functions.adapters.bounded_response import TooLargeError, fetch

if TYPE_CHECKING:
    import requests

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
PATIENCE = 10.0
"""Seconds that one request may take."""
LARGEST = 64_000_000
"""Bytes of an answer."""
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

PAGES = 100
"""Pages of a list that are read at most."""
PAGE_SIZE = "100"
"""Entries of a page, or as many as the API gives at once."""

T = TypeVar("T")


class Page(Protocol):
    """A page of a list."""

    @property
    def next_page_token(self) -> str:
        """Of the next page; empty of the last one."""
        ...


P = TypeVar("P", bound=Page)


class JsonApi:
    """An API.

    Args:
        name: of the API, for errors.
        open_session: opens the HTTP session at the first request.
        url: of the API.
        patience: seconds that one request may take.
    """

    def __init__(
        self, name: str, open_session: Callable[[], "requests.Session"], *, url: str, patience: float = PATIENCE
    ) -> None:
        self._name = name
        self._session = functools.cache(open_session)
        self._url = url
        self._patience = patience

    def get(self, path: str, kind: type[T], parameters: Mapping[str, str] | None = None, *, of: str = "") -> T:
        """The decoded answer to a GET; see `post`."""
        return self._send("GET", path, kind, of=of, params=dict(parameters or {}))

    def pages(self, path: str, kind: type[P]) -> Iterator[P]:
        """The pages of a list; see `post`."""
        token = ""
        for _ in range(PAGES):
            page = self.get(path, kind, {"pageSize": PAGE_SIZE} | ({"pageToken": token} if token else {}))
            yield page
            token = page.next_page_token
            if not token:
                return
        raise UnavailableError(f"{self._name}: {path} must fit into {PAGES} pages")

    def post(self, path: str, kind: type[T], body: object, *, of: str = "") -> T:
        """The decoded answer to a POST.

        Args:
            path: of the method, with a leading slash.
            kind: a type of msgspec.
            body: to be encoded as JSON.
            of: what is asked about, for errors; the path where it is not given.

        Raises:
            QueryError: the API refuses: it is not enabled, or a permission is missing.
            UnavailableError: it does not answer, is asked too often, or answers nonsense.
        """
        headers = {"Content-Type": "application/json"}
        return self._send("POST", path, kind, of=of, data=msgspec.json.encode(body), headers=headers)

    def _send(self, method: str, path: str, kind: type[T], *, of: str, **given: Any) -> T:  # noqa: ANN401 - of requests
        import requests  # noqa: PLC0415 - with the first request
        import urllib3  # noqa: PLC0415 - the same
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - the same

        seconds = request_deadline.within(self._patience)
        try:
            status, body = fetch(self._session(), method, f"{self._url}{path}", seconds=seconds, most=LARGEST, **given)
        except (TimeoutError, requests.RequestException, urllib3.exceptions.HTTPError, GoogleAuthError) as error:
            raise request_deadline.no_answer(f"{self._name} does not answer ({type(error).__name__})") from error
        except TooLargeError as error:
            raise UnavailableError(f"{self._name} answers more than {LARGEST // 1_000_000} MB") from error
        return self._decoded(status, body, kind, of or path)

    def _decoded(self, status: int, body: bytes, kind: type[T], of: str) -> T:
        if status in _REFUSED:
            raise QueryError(f"{self._name} refuses {of}: {status}: {_reason(body)}")
        if status != HTTPStatus.OK:
            raise UnavailableError(f"{self._name} answers {status}: {_reason(body)}")
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnavailableError(f"{self._name} answers what is not documented ({error})") from error


def authorized() -> "requests.Session":
    """A session with the credentials of the environment."""
    import google.auth  # noqa: PLC0415 - with the first request
    from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415 - the same

    credentials, _ = google.auth.default(scopes=SCOPES)
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # published without types


def _reason(body: bytes) -> str:
    try:
        told: Any = msgspec.json.decode(body)["error"]["message"]
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
        return "no reason given"
    return clean(str(told))

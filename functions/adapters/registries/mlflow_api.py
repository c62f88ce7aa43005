"""Calls of MLflow's REST API: their timeouts, their repetitions, and their errors as ours.

Source: mlflow.org, "REST API"; error codes are those of `databricks.proto`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry, if_exception_type

from core.errors import ActionError, LimitedError, UnavailableError
from core.settings import MlflowRegistry
from core.text import clean
from functions.adapters import request_deadline
from functions.adapters.notify.http_client import Answer, raise_passing, send

PATIENCE = 5.0
"""Seconds that a call is repeated for while nothing answers, and seconds that each attempt may take."""
LARGEST = 16_000_000
"""Bytes of an answer."""
PAGE = 200
"""Rows of a page of a search."""
_WHO = "mlflow"
_OK = 200
_THERE, _ABSENT = "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"
Json = dict[str, Any]


class _Refusal(msgspec.Struct):
    error_code: str = ""
    message: str = ""


class MlflowApi:
    """Calls an MLflow server.

    Args:
        settings: its URL and token.
        patience: seconds; see `PATIENCE`.
    """

    def __init__(self, settings: MlflowRegistry, *, patience: float = PATIENCE) -> None:
        self._url = f"{settings.url.rstrip('/')}/api/2.0/mlflow/"
        self._headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._patience = patience

    def get(self, path: str, **parameters: str | int) -> Json | None:
        """What there is, or None where there is no such resource.

        Raises:
            ActionError: it is refused, and would be refused again; the same for the other calls.
            UnavailableError: nothing answers, or what is no answer of MLflow; the same for the other calls.
        """
        return self._repeated("GET", f"{path}?{urlencode(parameters)}", None, missing=_ABSENT)

    def create(self, path: str, body: Json) -> Json | None:
        """What was created, or None where it is there; not repeated here, since two calls may create two."""
        return self._once("POST", path, body, missing=_THERE)

    def change(self, path: str, body: Json, *, method: str = "POST") -> None:
        """Change what is there; a repetition changes nothing, and neither does a deletion of what is not there."""
        self._repeated(method, path, body, missing=_ABSENT if method == "DELETE" else "")

    def pages(self, path: str, key: str, most: int = PAGE, /, **parameters: str | int) -> Iterator[Json]:
        """The rows of a search, page by page, each of at most so many rows."""
        token = ""
        while True:
            more = {"page_token": token} if token else {}
            answer = self.get(path, max_results=most, **parameters, **more) or {}
            rows = answer.get(key, [])
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise UnavailableError(f"{_WHO}: {path}: answers what is no list of {key}")
            yield from rows
            token = str(answer.get("next_page_token") or "")
            if not token:
                return

    def _repeated(self, method: str, path: str, body: Json | None, *, missing: str) -> Json | None:
        passing = if_exception_type(UnavailableError)
        retry = Retry(predicate=passing, initial=0.2, maximum=2.0, timeout=request_deadline.within(self._patience))
        try:
            return retry(self._once)(method, path, body, missing=missing)
        except RetryError as error:
            if isinstance(error.cause, UnavailableError):
                raise error.cause from error
            raise

    def _once(self, method: str, path: str, body: Json | None, *, missing: str) -> Json | None:
        given = None if body is None else json.dumps(body).encode()
        answer = send(_WHO, method, self._url + path, given, seconds=self._patience, says=self._headers, most=LARGEST)
        try:
            raise_passing(_WHO, answer, datetime.now(UTC))
        except LimitedError as error:  # whoever waits waits by redelivery, as for every other outage
            raise UnavailableError(str(error)) from error
        return _read(answer, path.partition("?")[0], missing)


@contextmanager
def sensible() -> Iterator[None]:
    """What something that is not MLflow answers reads as an outage: JSON without the fields that MLflow documents.

    Raises:
        UnavailableError: such an answer was read.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UnavailableError(f"{_WHO}: answers what MLflow does not ({error!r})") from error


def _read(answer: Answer, path: str, missing: str) -> Json | None:
    """The body of an answer; None where it says that a resource is there, or absent, as `missing` names it."""
    if answer.status == _OK:
        try:
            return msgspec.json.decode(answer.body, type=Json)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnavailableError(f"{_WHO}: {path}: answers what is no JSON object ({error})") from error
    refusal = _refusal(answer.body)
    if missing and refusal.error_code == missing:
        return None
    said = clean(f"{refusal.error_code} {refusal.message}".strip() or "no reason given")
    raise ActionError(f"{_WHO}: {path}: refused with {answer.status}: {said}")


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Refusal()

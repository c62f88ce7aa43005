"""The API of a running system, as the commands of `aia` call it."""

import getpass
import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

_LOCAL_PORT: Final = "8080"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
PATIENCE_SECONDS: Final = 60.0
_FAULT: Final = 500
"""Statuses of HTTP from here on are faults of the API, not of the request."""
ROOT: Final = "/v1"
Json = dict[str, Any]
Answer = Mapping[str, Any]
"""What the API answers, where a text is made of it: instants are texts, and it may have more than its schema."""
SESSION_FILE: Final = "session-token"
"""The session of `aia local`, in its data folder."""
LOCAL: Final = f"http://127.0.0.1:{_LOCAL_PORT}"
HELP: Final = (
    "The API is that of `aia local` (port AIA_PORT), unless --url or AIA_API_URL names another. Behind IAM or IAP, AIA_API_TOKEN is "
    "the identity token: AIA_API_TOKEN=$(gcloud auth print-identity-token), or a token of `aia tokens`, and then AIA_IAM_TOKEN the identity token. "
    "Of `aia local` it is in the data folder (AIA_DATA)."
)


class RefusedError(click.ClickException):
    """What cannot be done: one line a fault on stderr."""

    exit_code = 2


class UnansweredError(RefusedError):
    """What the API does not answer, or cannot at the moment: nothing is known of what was asked."""

    exit_code = 3


def login() -> str:
    """The account that runs the command, which an API records that knows nobody better; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


def local() -> str:
    """The API of `aia local`, which takes its port from the same variable."""
    return f"http://127.0.0.1:{os.environ.get('AIA_PORT') or _LOCAL_PORT}"


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine.

    Raises:
        ValueError: it is none.
    """
    return urllib.parse.urlsplit(url).hostname in _LOOPBACK


def path(*parts: str | int, **query: str | int | Sequence[str] | None) -> str:
    """The path of a resource, each part of it quoted; parts of the query that are None are left out, and lists have commas.

    >>> path("incidents", "a/b", limit=5, name=None, state=["open", "merged"])
    '/v1/incidents/a%2Fb?limit=5&state=open%2Cmerged'
    """
    told = {
        name: value if isinstance(value, str | int) else ",".join(value)
        for name, value in query.items()
        if value is not None
    }
    address = "/".join((ROOT, *(urllib.parse.quote(str(part), safe="") for part in parts)))
    return f"{address}?{urllib.parse.urlencode(told)}" if told else address


def call(url: str, method: str, path: str, body: Json | None = None, *, patience: float = PATIENCE_SECONDS) -> Any:  # noqa: ANN401 - any JSON value
    """What the API answers, as JSON.

    Args:
        url: address of the API.
        method: of HTTP.
        path: with its query.
        body: of the request.
        patience: seconds to wait for each part of the answer.

    Raises:
        UnansweredError: it does not answer, or cannot at the moment.
        RefusedError: it refuses the request.
    """
    answer = _answer(url, method, path, body, patience)
    try:
        return json.loads(answer)
    except ValueError as error:
        raise _unanswered(url, error) from error


def fetch(url: str, path: str, *, patience: float = PATIENCE_SECONDS) -> bytes:
    """What the API answers, as it is: a page or a text; raises as `call`."""
    return _answer(url, "GET", path, None, patience)


def _answer(url: str, method: str, path: str, body: Json | None, patience: float) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise RefusedError(f"--url: must begin with http:// or https://, got {url!r}")
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("AIA_API_TOKEN") or _local_token(url):
        _one_line("AIA_API_TOKEN", token)
        headers["Authorization"] = f"Bearer {token}"
    if admitted := os.environ.get("AIA_IAM_TOKEN"):
        headers["X-Serverless-Authorization"] = f"Bearer {_one_line('AIA_IAM_TOKEN', admitted)}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=patience) as response:  # noqa: S310 - checked above
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        raise (UnansweredError if error.code >= _FAULT else RefusedError)(_told(error)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unanswered(url, error) from error


def _unanswered(url: str, error: Exception) -> UnansweredError:
    """What to say of an API that does not answer, and what to do."""
    why = getattr(error, "reason", error)
    return UnansweredError(
        f"{url}: does not answer as an API: {why}; start it with `aia local`, or name another one by --url or AIA_API_URL"
    )


def _one_line(name: str, token: str) -> str:
    """A token; what refuses another one would show it."""
    if not (token.isascii() and token.isprintable()):
        raise RefusedError(f"{name}: must be one line of ASCII characters")
    return token


def _local_token(url: str) -> str:
    """The session of `aia local`, from its data folder; sent to the loopback interface only."""
    try:
        if not is_loopback(url):
            return ""
        return Path(os.environ.get("AIA_DATA") or ".aia", SESSION_FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _told(error: urllib.error.HTTPError) -> str:
    """What the API says is wrong."""
    try:
        return str(json.load(error)["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.url}: HTTP {error.code}"

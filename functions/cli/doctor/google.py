"""Google's REST APIs, as the doctor asks them: with the credentials of the person, or without any at another address."""

from collections.abc import Iterator
from typing import Any, Final

import google.auth
import requests
from google.auth import exceptions as auth
from google.auth.transport.requests import AuthorizedSession

Json = dict[str, Any]
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS: Final = 30.0
_REFUSED: Final = 400


class AskError(Exception):
    """Google did not give what was asked for.

    Attributes:
        status: of the answer; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Google:
    """The APIs of one project.

    Args:
        project: its id.
        session: sends requests with credentials.
        endpoint: an address that answers as all APIs, each below its name; Google's own where it is empty.
    """

    def __init__(self, project: str, session: requests.Session, endpoint: str = "") -> None:
        self.project = project
        self._session = session
        self._endpoint = endpoint.rstrip("/")

    def call(self, method: str, service: str, path: str, body: Json | None = None, **query: str) -> Json:
        """What an API answers.

        Raises:
            AskError: it refuses, does not answer, or answers no JSON object.
        """
        base = f"{self._endpoint}/{service}" if self._endpoint else f"https://{service}.googleapis.com"
        try:
            answer = self._session.request(method, f"{base}/{path}", json=body, params=query, timeout=_SECONDS)
        except (requests.RequestException, auth.GoogleAuthError) as error:
            raise AskError(f"{service} does not answer: {type(error).__name__}") from error
        try:
            found = answer.json()
        except ValueError as error:
            raise AskError(f"{service} answers {answer.status_code} without JSON", answer.status_code) from error
        if not isinstance(found, dict):
            raise AskError(f"{service} answers {answer.status_code} with a {type(found).__name__}", answer.status_code)
        if answer.status_code >= _REFUSED:
            raise AskError(f"{service} answers {answer.status_code}: {_message(found)}", answer.status_code)
        return found

    def pages(self, service: str, path: str, key: str, **query: str) -> Iterator[Json]:
        """The entries of a list, page by page; raises as `call`."""
        token = ""
        while True:
            found = self.call("GET", service, path, None, **query, **({"pageToken": token} if token else {}))
            entries = found.get(key, [])
            if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
                raise AskError(f"{service} answers without a list of {key}")
            yield from entries
            token = found.get("nextPageToken", "")
            if not token:
                return


def connect(project: str, endpoint: str = "") -> Google:
    """The APIs by the credentials of the environment, or an endpoint without any.

    Raises:
        AskError: there are no credentials.
    """
    if endpoint:
        return Google(project, requests.Session(), endpoint)
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=project)
    except auth.GoogleAuthError as error:
        raise AskError(f"no credentials: gcloud auth application-default login ({error})") from error
    return Google(project, AuthorizedSession(credentials))  # type: ignore[no-untyped-call] # google-auth has no types here


def _message(found: Json) -> str:
    error = found.get("error")
    return str(error.get("message", "")).partition("\n")[0] if isinstance(error, dict) else str(error)

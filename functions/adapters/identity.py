"""Tokens of the function's own account, from Google's metadata server.

Identity tokens are for targets behind IAM, the access token for Google's APIs. An identity token is for one audience. A token is cached until shortly before it expires, and never logged.
"""

import base64
import binascii
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import quote

from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

from core.settings.network import is_loopback
from functions.adapters.net import Deadline, address, connected, headers

METADATA = "metadata.google.internal"
"""Answers on Cloud Run, Compute Engine and Kubernetes Engine; `GCE_METADATA_HOST` names another, as for Google's clients."""
MARGIN = 300.0
"""Seconds before its expiry at which a token is renewed."""
LONGEST = 16 * 1024
_PATH = "/computeMetadata/v1/instance/service-accounts/default"
_FLAVOR = "Google"


class NoTokenError(Exception):
    """No token is available; the message has the reason, and no secret."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    until: float


class Tokens:
    """The tokens of this instance, by their audience.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, _Token] = {}

    def get(self, audience: str, deadline: Deadline) -> str:
        """A token for an audience.

        Raises:
            NoTokenError: none is available.
        """
        path = f"identity?audience={quote(audience, safe='')}&format=full"
        return self._get(path, lambda: _identity_token(_ask(path, deadline)))

    def access(self, deadline: Deadline) -> str:
        """The access token of the account.

        Raises:
            NoTokenError: none is available.
        """
        return self._get("token", lambda: _access_token(_ask("token", deadline), self._clock()))

    def authorization(self, url: Url, deadline: Deadline) -> dict[str, str]:
        """The header of a request to an API: the access token; none to this machine, where nobody is trusted with it.

        Raises:
            NoTokenError: none is available.
        """
        return {} if is_loopback(address(url)[0]) else {"Authorization": f"Bearer {self.access(deadline)}"}

    def _get(self, path: str, request: Callable[[], _Token]) -> str:
        kept = self._kept.get(path)
        if kept is None or kept.until - MARGIN <= self._clock():
            # Two probes may request one at once: either token is valid.
            self._kept[path] = kept = request()
        return kept.value


TOKENS = Tokens()


def _ask(path: str, deadline: Deadline) -> str:
    host = os.environ.get("GCE_METADATA_HOST", METADATA)
    url = parse_url(f"http://{host}{_PATH}/{path}")
    try:
        with connected(url, deadline) as (connection, _):
            own = headers(url) | {"Metadata-Flavor": _FLAVOR}
            connection.request("GET", url.request_uri, headers=own, preload_content=False)
            response = connection.getresponse()
            body = response.read(LONGEST)
    except (OSError, HTTPException, HTTPError) as error:
        raise NoTokenError(f"the metadata server does not answer ({type(error).__name__})") from error
    if response.status != 200:  # noqa: PLR2004 - HTTP's own number
        raise NoTokenError(f"the metadata server answered {response.status}")
    if response.headers.get("Metadata-Flavor") != _FLAVOR:
        raise NoTokenError("what answered is not the metadata server")
    return body.decode("ascii", errors="replace").strip()


def _access_token(text: str, now: float) -> _Token:
    try:
        found = json.loads(text)
        return _Token(str(found["access_token"]), now + float(found["expires_in"]))
    except (ValueError, TypeError, KeyError):
        raise NoTokenError("the metadata server answered with no token") from None  # the cause would hold the answer


def _identity_token(text: str) -> _Token:
    """The token with its expiry; the audience verifies its signature."""
    try:
        _, payload, _ = text.split(".")
        until = float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise NoTokenError("the metadata server answered with no token") from None  # the cause would hold the answer
    return _Token(text, until)

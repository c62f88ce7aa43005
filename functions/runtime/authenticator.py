"""Authentication of requests: a service that receives webhooks is open to the network, so it authenticates by itself.

Senders of webhooks present a shared token. Pub/Sub presents the OIDC token that Google signs for the service account of
the push subscription; a public service receives it whole, one behind IAM without its signature. Where neither is
configured, every request is accepted: for a service that IAM lets only Pub/Sub reach, and for one machine.
"""

import base64
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import flask

from core.errors import Fault, SettingsError, UnavailableError

if TYPE_CHECKING:
    from google.auth.transport import Request

log = logging.getLogger(__name__)
CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
"""The certificates of the keys that Google signs tokens with."""
_ISSUERS = ("accounts.google.com", "https://accounts.google.com")
_FRESH_SECONDS = 3600
_PATIENCE_SECONDS = 5
_SKEW_SECONDS = 10
_DOTS = 2
_OK = 200


Fetch = Callable[..., Any]
"""Fetches a URL, as `google.auth.transport.Request` does."""


@dataclass(slots=True)
class Cached:
    """Fetches one URL at most once in `seconds`, an hour by default; failures are not cached."""

    fetch: Fetch
    seconds: float = _FRESH_SECONDS
    cached: Any = None
    until: float = 0.0

    def __call__(self, url: str, method: str = "GET", **_: Any) -> Any:  # noqa: ANN401 - the library's own protocol
        """The response, perhaps a cached one."""
        if self.cached is None or time.monotonic() >= self.until:
            answer = self.fetch(url, method=method)
            if answer.status != _OK:
                return answer
            self.cached, self.until = answer, time.monotonic() + self.seconds
        return self.cached


@dataclass(frozen=True, slots=True, kw_only=True)
class PushIdentity:
    """The identity that Pub/Sub pushes with.

    Attributes:
        audience: of its tokens.
        account: the service account of the push subscription; any Google account can get tokens for any audience.
        certificates: the URL of the certificates.
        fetch: fetches them.
    """

    audience: str
    account: str
    certificates: str = CERTIFICATES
    fetch: Fetch = field(default_factory=lambda: Cached(open_fetch()))

    def verify(self, token: str) -> bool:
        """Whether Google signed the token for this audience and account, and it has not expired.

        Raises:
            UnavailableError: the certificates cannot be fetched.
        """
        from google.auth import exceptions  # noqa: PLC0415 - only where Pub/Sub is authenticated
        from google.oauth2 import id_token  # noqa: PLC0415

        try:
            fetch = cast("Request", self.fetch)
            claims = id_token.verify_token(
                token, fetch, self.audience, self.certificates, clock_skew_in_seconds=_SKEW_SECONDS
            )
        except exceptions.TransportError as error:
            raise UnavailableError(f"certificates at {self.certificates}: {error}") from error
        except Exception as error:  # noqa: BLE001 - a token of any shape is refused, and no reason to fail
            log.warning("push token refused: %s", type(error).__name__)
            return False
        return self._matches(claims)

    def _matches(self, claims: Mapping[str, Any]) -> bool:
        verified = claims.get("email_verified") is True and claims.get("iss") in _ISSUERS
        return verified and claims.get("email") == self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Authenticates requests.

    Attributes:
        token: of the senders of webhooks; empty where none is configured.
        push: the identity of Pub/Sub, where one is configured.
    """

    token: str = field(default="", repr=False)
    push: PushIdentity | None = None

    def authenticate(self, request: flask.Request) -> bool:
        """Whether the request has valid credentials: the token or the identity of Pub/Sub.

        Raises:
            UnavailableError: the credentials cannot be verified now.
        """
        if not self.token and self.push is None:
            return True
        scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
        credentials = credentials.strip()
        if scheme.lower() == "basic":
            return self._is_token(_password(credentials))
        if scheme.lower() != "bearer":
            return False
        if self._is_token(credentials.encode("latin-1", "replace")):
            return True
        is_jwt = request.path == "/" and credentials.count(".") == _DOTS
        return self.push is not None and is_jwt and self.push.verify(credentials)

    def _is_token(self, given: bytes) -> bool:
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())


def open_authenticator(environment: Mapping[str, str], *, token: str) -> Authenticator:
    """The authenticator of the environment: `AIA_PUSH_AUDIENCE`, `AIA_PUSH_ACCOUNT` and a token.

    Args:
        environment: the variables.
        token: the variable with the token of other senders.

    Raises:
        SettingsError: there is an audience and no account.
    """
    given, audience = environment.get(token, ""), environment.get("AIA_PUSH_AUDIENCE", "")
    account = environment.get("AIA_PUSH_ACCOUNT", "")
    if audience and not account:
        raise SettingsError((Fault("AIA_PUSH_ACCOUNT", "must be given where AIA_PUSH_AUDIENCE is", account),))
    if not given and not audience:
        log.warning("requests are not authenticated: neither %s nor AIA_PUSH_AUDIENCE is given", token)
    return Authenticator(token=given, push=PushIdentity(audience=audience, account=account) if audience else None)


def _password(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def open_fetch() -> Fetch:
    """Fetches URLs, each within some seconds."""
    from google.auth.transport.requests import Request  # noqa: PLC0415 - only where Pub/Sub is authenticated

    return partial(Request(), timeout=_PATIENCE_SECONDS)

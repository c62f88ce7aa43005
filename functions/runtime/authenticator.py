"""Authentication of requests: a service that receives webhooks is open to the network, so it authenticates by itself.

Senders of webhooks present a shared token. Pub/Sub presents the OIDC token that Google signs for the service account of
the push subscription; a public service receives it whole, one behind IAM without its signature. Where neither is
configured, every request is accepted: for a service that IAM lets only Pub/Sub reach, and for one machine.
"""

import base64
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import flask

from core.errors import Fault, SettingsError
from functions.runtime import tokens
from functions.runtime.tokens import Cached, Fetch, open_fetch

log = logging.getLogger(__name__)
CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
"""The certificates of the keys that Google signs tokens with."""
_ISSUERS = ("accounts.google.com", "https://accounts.google.com")
_SKEW_SECONDS = 10
_DOTS = 2


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
        claims = tokens.verified(
            token, audience=self.audience, keys=self.certificates, fetch=self.fetch, skew=_SKEW_SECONDS
        )
        return claims is not None and self._matches(claims)

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

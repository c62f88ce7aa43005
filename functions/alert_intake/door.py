"""Who may come in: a service that takes webhooks is open to the network, so it asks by itself.

Senders of webhooks prove themselves by a shared token. Pub/Sub proves itself by the OIDC token that Google signs for
the service account of the push subscription; a public service gets it whole, one behind IAM gets it without signature.
Where neither is asked for, the door is open: for a service that IAM lets only Pub/Sub reach, and for one machine.
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
"""Where Google publishes the certificates of the keys that it signs with."""
_ISSUERS = ("accounts.google.com", "https://accounts.google.com")
_FRESH_SECONDS = 3600
_PATIENCE_SECONDS = 5
_SKEW_SECONDS = 10
_DOTS = 2
_OK = 200


Fetch = Callable[..., Any]
"""Fetches an address, as `google.auth.transport.Request` does."""


@dataclass(slots=True)
class Cached:
    """Fetches one address at most once an hour; what is no success is not kept."""

    fetch: Fetch
    kept: Any = None
    until: float = 0.0

    def __call__(self, url: str, method: str = "GET", **_: Any) -> Any:  # noqa: ANN401 - the library's own protocol
        """The answer, perhaps an earlier one."""
        if self.kept is None or time.monotonic() >= self.until:
            answer = self.fetch(url, method=method)
            if answer.status != _OK:
                return answer
            self.kept, self.until = answer, time.monotonic() + _FRESH_SECONDS
        return self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class PushIdentity:
    """Who Pub/Sub is to us.

    Attributes:
        audience: that its tokens must be for.
        account: the service account of the push subscription; anybody at Google can have tokens for any audience.
        certificates: where the certificates are.
        fetch: fetches them.
    """

    audience: str
    account: str
    certificates: str = CERTIFICATES
    fetch: Fetch = field(default_factory=lambda: Cached(_fetcher()))

    def proves(self, token: str) -> bool:
        """Whether Google signed the token for that audience and that account, and it has not expired.

        Raises:
            UnavailableError: the certificates cannot be fetched.
        """
        from google.auth import exceptions  # noqa: PLC0415 - only where Pub/Sub must prove itself
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
        return self._is_ours(claims)

    def _is_ours(self, claims: Mapping[str, Any]) -> bool:
        verified = claims.get("email_verified") is True and claims.get("iss") in _ISSUERS
        return verified and claims.get("email") == self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Lets requests in.

    Attributes:
        token: of the senders of webhooks; none is asked for where it is empty.
        push: who Pub/Sub is, where it must prove itself.
    """

    token: str = field(default="", repr=False)
    push: PushIdentity | None = None

    def admits(self, request: flask.Request) -> bool:
        """Whether the request proves what is asked for: one proof is enough, where there are two.

        Raises:
            UnavailableError: what proves it cannot be checked now.
        """
        if not self.token and self.push is None:
            return True
        scheme, _, proof = request.headers.get("Authorization", "").strip().partition(" ")
        proof = proof.strip()
        if scheme.lower() == "basic":
            return self._knows(_password(proof))
        if scheme.lower() != "bearer":
            return False
        if self._knows(proof.encode("latin-1", "replace")):
            return True
        return self.push is not None and request.path == "/" and proof.count(".") == _DOTS and self.push.proves(proof)

    def _knows(self, given: bytes) -> bool:
        return bool(self.token) and hmac.compare_digest(given, self.token.encode())


def open_door(environment: Mapping[str, str]) -> Door:
    """The door as the environment has it: `AIA_INTAKE_TOKEN`, `AIA_PUSH_AUDIENCE` and `AIA_PUSH_ACCOUNT`.

    Raises:
        SettingsError: there is an audience and no account.
    """
    token, audience = environment.get("AIA_INTAKE_TOKEN", ""), environment.get("AIA_PUSH_AUDIENCE", "")
    account = environment.get("AIA_PUSH_ACCOUNT", "")
    if audience and not account:
        raise SettingsError((Fault("AIA_PUSH_ACCOUNT", "must be given where AIA_PUSH_AUDIENCE is", account),))
    if not token and not audience:
        log.warning("the door is open: neither AIA_INTAKE_TOKEN nor AIA_PUSH_AUDIENCE is given")
    return Door(token=token, push=PushIdentity(audience=audience, account=account) if audience else None)


def _password(proof: str) -> bytes:
    try:
        return base64.b64decode(proof, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _fetcher() -> Fetch:
    from google.auth.transport.requests import Request  # noqa: PLC0415 - only where Pub/Sub must prove itself

    return partial(Request(), timeout=_PATIENCE_SECONDS)

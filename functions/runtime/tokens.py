"""Tokens that Google signs (JWT), verified by its public keys, which are cached."""

import logging
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec

from core.errors import UnavailableError
from functions.adapters import request_deadline

if TYPE_CHECKING:
    from google.auth.transport import Request

log = logging.getLogger(__name__)
_FRESH_SECONDS = 3600
_PATIENCE_SECONDS = 5
_OK = 200


class _Expiring(msgspec.Struct):
    exp: float


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


def verified(token: str, *, audience: str, keys: str, fetch: Fetch, skew: int) -> Mapping[str, Any] | None:
    """The claims of a token; None where it is not signed by one of the keys, for another audience or of another time.

    Args:
        token: of any shape.
        audience: that it must be for.
        keys: the URL of the public keys, or of their certificates.
        fetch: fetches them.
        skew: seconds that the clocks may differ.

    Raises:
        UnavailableError: the keys cannot be fetched.
    """
    from google.auth import exceptions  # noqa: PLC0415 - only where tokens are verified
    from google.oauth2 import id_token  # noqa: PLC0415 - as above

    try:
        claims: Mapping[str, Any] = id_token.verify_token(
            token, cast("Request", fetch), audience, keys, clock_skew_in_seconds=skew
        )
    except exceptions.TransportError as error:
        raise UnavailableError(f"keys at {keys}: {error}") from error
    except Exception as error:  # noqa: BLE001 - a token of any shape is refused, and no reason to fail
        log.warning("token for %s refused: %s", audience, type(error).__name__)
        return None
    return claims


def expiry(token: str) -> datetime | None:
    """When a token that was verified is over; None where it does not say that."""
    try:
        claims = token.split(".")[1]
        told = msgspec.json.decode(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)), type=_Expiring)
        return datetime.fromtimestamp(told.exp, UTC)
    except (IndexError, ValueError, OverflowError, OSError, msgspec.MsgspecError):
        return None


def open_fetch() -> Fetch:
    """Fetches URLs, each within some seconds."""
    from google.auth.transport.requests import Request  # noqa: PLC0415 - only where tokens are verified

    fetched = Request()

    def fetch(url: str, method: str = "GET") -> Any:  # noqa: ANN401 - the library's own protocol
        return fetched(url, method=method, timeout=request_deadline.within(_PATIENCE_SECONDS))

    return fetch

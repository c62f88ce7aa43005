"""Signed tokens in links: `CLAIMS.SIGNATURE`, both in URL-safe base64; the signature is the HMAC-SHA-256 of the claims.

The claims are a JSON object with `expires_at`, in seconds since 1970.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import msgspec

from core.errors import AiaError

LONGEST: Final = 2000
"""Characters of a token."""
LATEST: Final = 253_402_300_799
"""The end of the year 9999, in seconds since 1970: no time in a token is later."""
PAGE_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a page whose address contains a token: the token is neither sent to other sites nor stored."""


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """Claims that expire.

    Attributes:
        expires_at: seconds since 1970.
    """

    expires_at: Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


Claims = TypeVar("Claims", bound=Expiring)


class LinkError(AiaError):
    """A link is not one of ours, or has expired; the message says which, for the person who followed it."""


def sign(claims: Expiring, secret: str) -> str:
    """The token of claims."""
    text = _text(msgspec.json.encode(claims))
    return f"{text}.{_signature(text, secret)}"


def verify(token: str, secret: str, kind: type[Claims], now: datetime) -> Claims:
    """The claims of a token.

    Raises:
        LinkError: it was not signed with the secret, is of another kind, or has expired.
    """
    try:
        claims = msgspec.json.decode(_verified(token, secret), type=kind)
    except ValueError as error:
        raise LinkError("This link is not valid.") from error
    if now >= datetime.fromtimestamp(claims.expires_at, UTC):
        raise LinkError("This link has expired.")
    return claims


def _verified(token: str, secret: str) -> bytes:
    claims, _, signature = token.partition(".")
    if len(token) > LONGEST or not token.isascii() or not hmac.compare_digest(_signature(claims, secret), signature):
        raise LinkError("This link is not valid.")
    return base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))


def _signature(claims: str, secret: str) -> str:
    return _text(hmac.new(secret.encode(), claims.encode(), hashlib.sha256).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

"""Signed tokens in links: `CLAIMS.SIGNATURE`, both in URL-safe base64; the signature is the HMAC-SHA-256 of the claims."""

import base64
import hashlib
import hmac

from core.errors import AiaError

LONGEST = 2000
"""Characters of a token."""


class LinkError(AiaError):
    """A link is not one of ours, or has expired; the message says which, for the person who followed it."""


def sign(claims: bytes, secret: str) -> str:
    """The token of claims."""
    text = _text(claims)
    return f"{text}.{_signature(text, secret)}"


def verified(token: str, secret: str) -> bytes:
    """The claims of a token.

    Raises:
        LinkError: it was not signed with the secret.
    """
    claims, _, signature = token.partition(".")
    if len(token) > LONGEST or not token.isascii() or not hmac.compare_digest(_signature(claims, secret), signature):
        raise LinkError("This link is not valid.")
    try:
        return base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    except ValueError as error:
        raise LinkError("This link is not valid.") from error


def _signature(claims: str, secret: str) -> str:
    return _text(hmac.new(secret.encode(), claims.encode(), hashlib.sha256).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

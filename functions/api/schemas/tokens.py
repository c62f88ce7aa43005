"""API tokens."""

from typing import Annotated, NotRequired, TypedDict

from msgspec import Meta

from functions.api.schemas import Instant
from functions.api.schemas.bodies import By


class TokenAsked(TypedDict):
    """A token in the name of who asks: what it is for, what it may do, and for how many days."""

    by: NotRequired[By]
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    role: str
    days: NotRequired[Annotated[int, Meta(ge=1, le=365)]]


class Token(TypedDict):
    """A token without its secret."""

    id: str
    name: str
    role: str
    owner: str
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None


class NewToken(Token):
    """A token, told once."""

    token: str

"""API tokens: what programs act with, in the name of the person who created them, and with at most that person's role.

A token is `aia_ID_SECRET`. The store has the hash of the secret, which is 256 random bits, so that nothing can be guessed from it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.exceptions import Conflict, Forbidden, Unauthorized

from core.access import Role
from core.errors import ConflictError
from functions.adapters.ports import Clock, Data, Document, Store
from functions.adapters.store import every, is_key
from functions.api.body import Fields, read
from functions.api.cache import Cache
from functions.api.request import Request

COLLECTION = "api_tokens"
PREFIX = "aia_"
MOST_DAYS, DAYS = 365, 90
"""How long a token may hold, and how long it does where nobody says."""
MOST = 200
"""Tokens that are not over."""
KNOWN_SECONDS = 15.0
"""How long an instance keeps what it has read of a token: a revoked one is refused by all of them after that."""
_USED_EVERY = timedelta(hours=1)
"""How exact the instant of the last use is."""
_SHOWN = ("name", "role", "owner", "created_at", "expires_at", "used_at", "revoked_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has shown a token.

    Attributes:
        id: of the token.
        person: who created it.
        role: of the token.
        verified: whether the identity of that person was verified then.
        until: when the token expires.
    """

    id: str
    person: str
    role: Role
    verified: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """Creates, lists, revokes and checks tokens.

    Attributes:
        store: has them.
        clock: now.
    """

    store: Store
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def holder(self, token: str) -> Holder:
        """Whose token it is.

        Raises:
            Unauthorized: it is none, has expired, or was revoked.
            UnavailableError: the store does not answer.
        """
        identifier, _, secret = token.removeprefix(PREFIX).partition("_")
        found = self._known(identifier)
        if found is None or not hmac.compare_digest(found.data["hash"], _hash(secret)):
            raise Unauthorized("token: must be one that `aia tokens create` gave")
        now, data = self.clock(), found.data
        if data["revoked_at"] is not None or data["expires_at"] <= now:
            what = "was revoked" if data["revoked_at"] is not None else "has expired"
            raise Unauthorized(f"token: must hold, {data['name']!r} {what}")
        if (parent := data.get("parent")) and not self._holds(parent):
            raise Unauthorized(f"token: must hold, that which created {data['name']!r} was revoked")
        if data["used_at"] is None or now - data["used_at"] >= _USED_EVERY:
            self._use(found, now)
        role = Role[data["role"].upper()]
        return Holder(
            id=identifier, person=data["owner"], role=role, verified=data["verified"], until=data["expires_at"]
        )

    def all(self) -> list[Data]:
        """Every token without its secret, the newest first."""
        found = sorted(every(self.store, COLLECTION), key=lambda one: one.data["created_at"], reverse=True)
        return [_shown(one) for one in found]

    def create(self, request: Request, role_of: Callable[[], Role]) -> Data:
        """Create a token in the name of who asks; the only time that it is shown.

        Raises:
            BodyError: the body is invalid.
            Conflict: there are as many tokens as are allowed.
            Forbidden: its role is higher than that of who asks, or who asks is a token that another one created.
        """
        fields = read(request)
        fields.only("by", "name", "role", "days")
        name, owner = fields.named("name"), fields.by()
        role = fields.choice("role", tuple(one.name.lower() for one in Role))
        days = fields.whole("days", least=1, most=MOST_DAYS, default=DAYS)
        fields.check()
        if Role[role.upper()] > role_of():
            raise Forbidden(f"role: must not be higher than your own, {role_of().name.lower()}, got {role}")
        now = self.clock()
        expires_at = min(now + timedelta(days=days), request.token_until or datetime.max.replace(tzinfo=UTC))
        if request.token and self._parent(request.token):
            raise Forbidden("token: must be of a person, or one that a person created, to create others")
        held = [one for one in self.all() if one["revoked_at"] is None and one["expires_at"] > now]
        if len(held) >= MOST:
            raise Conflict(f"tokens: must be at most {MOST}, {len(held)} hold; revoke one first")
        return self._written(fields, name=name, owner=owner, role=role, expires_at=expires_at, parent=request.token)

    def revoke(self, request: Request, identifier: str) -> Data:
        """Revoke a token.

        Raises:
            BodyError: the body is invalid.
            LookupError: there is none.
        """
        fields: Fields = read(request)
        fields.only("by", "note")
        by = fields.by()
        fields.check()
        found = self._read(identifier)
        if found is None:
            raise LookupError(f"token: none has the id {identifier[:80]!r}")
        if found.data["revoked_at"] is None:
            found = self.store.replace(found, COLLECTION, found.data | {"revoked_at": self.clock(), "revoked_by": by})
        return _shown(found)

    def _written(self, fields: Fields, **told: Any) -> Data:  # noqa: ANN401 - fields of the document
        identifier, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        data = told | {"hash": _hash(secret), "verified": fields.verified, "created_at": self.clock()}
        document = self.store.create(COLLECTION, identifier, data | {"used_at": None, "revoked_at": None})
        return _shown(document) | {"token": f"{PREFIX}{identifier}_{secret}"}

    def _read(self, identifier: str) -> Document | None:
        return self.store.get(COLLECTION, identifier) if is_key(identifier) else None

    def _known(self, identifier: str) -> Document | None:
        return self._cache(("token", identifier), lambda: self._read(identifier), seconds=KNOWN_SECONDS)

    def _holds(self, identifier: str) -> bool:
        found = self._known(identifier)
        return found is not None and found.data["revoked_at"] is None

    def _parent(self, identifier: str) -> str:
        """The token that created one; empty where a person did."""
        found = self._known(identifier)
        return (found.data.get("parent") or "") if found else ""

    def _use(self, found: Document, now: datetime) -> None:
        try:
            self.store.replace(found, COLLECTION, found.data | {"used_at": now})
        except ConflictError:
            return  # another instance has just written it, or somebody has revoked it


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _shown(document: Document) -> Data:
    return {"id": document.key} | {name: document.data[name] for name in _SHOWN}

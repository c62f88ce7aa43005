"""The header `Idempotency-Key`: a request that is sent again under its key gets the answer of the first time, for a day.

The key is claimed in the store before the operation, and the answer is saved after it. A claim of a request that was killed in between is
taken over when it is old; the commands of people carry deterministic ids as far as they can, so that the second time has the effect of once.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from starlette.responses import Response

from core.errors import AiaError, ConflictError
from functions.adapters.ports import Clock, Data, Document, Store
from functions.api import reply
from functions.api.request import Request

log = logging.getLogger(__name__)
HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
COLLECTION = "api_requests"
KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=1)
"""How long a request may take before another one under its key takes its place."""
LONGEST = 200
"""Characters of a key."""
_FAILED = 500
"""Statuses from here on are not kept: sent again, the request is tried again."""


@dataclass(frozen=True, slots=True)
class Once:
    """Answers a request once for its key.

    Attributes:
        store: has the claims and answers.
        clock: now.
    """

    store: Store
    clock: Clock

    def answer(self, request: Request, respond: Callable[[], Response]) -> Response:
        """The answer of the first request under this key, or that of this one.

        Raises:
            UnavailableError: the store does not answer; nothing was done.
        """
        key = request.headers.get(HEADER, "")
        if not 1 <= len(key) <= LONGEST or not key.isprintable():
            return reply.error(
                HTTPStatus.BAD_REQUEST, f"{HEADER}: must be 1 to {LONGEST} printable characters, got {key[:80]!r}"
            )
        name, print_ = _digest(request.person, key), _digest(request.method, request.path, request.body)
        known, now = self.store.get(COLLECTION, name), self.clock()
        if known is None or known.data["expires_at"] <= now:
            claim = self._claim(name, known, print_, now)
        elif known.data["fingerprint"] != print_:
            return reply.error(HTTPStatus.UNPROCESSABLE_ENTITY, f"{HEADER}: was used for another request")
        elif known.data["answer"] is not None:
            return _kept(known.data["answer"])
        else:
            claim = self._claim(name, known, print_, now) if known.data["due_at"] <= now else None
        return self._carry_out(claim, respond) if claim else _busy()

    def _claim(self, name: str, known: Document | None, print_: str, now: datetime) -> Document | None:
        """The claim; None where another request has it."""
        data: Data = {"fingerprint": print_, "answer": None, "due_at": now + LEASE, "expires_at": now + KEPT}
        try:
            return self.store.replace(known, COLLECTION, data) if known else self.store.create(COLLECTION, name, data)
        except ConflictError:
            return None

    def _carry_out(self, claim: Document, respond: Callable[[], Response]) -> Response:
        try:
            response = respond()
        except BaseException:
            self._settle(lambda: self.store.delete(claim, COLLECTION))
            raise
        if response.status_code >= _FAILED:
            self._settle(lambda: self.store.delete(claim, COLLECTION))
            return response
        told = {
            "status": response.status_code,
            "type": response.headers["Content-Type"],
            "body": bytes(response.body).decode(),
            "location": response.headers.get("Location", ""),
        }
        self._settle(lambda: self.store.replace(claim, COLLECTION, claim.data | {"answer": told}))
        return response

    def _settle(self, write: Callable[[], object]) -> None:
        """Write the outcome of a claim; where that fails, the caller still receives the outcome."""
        try:
            write()
        except AiaError as error:
            log.warning("%s: %s: what was answered is not kept: %s", HEADER, COLLECTION, error)


def _kept(told: Data) -> Response:
    response = reply.raw(told["body"], told["type"], status=told["status"])
    response.headers[REPLAYED] = "true"
    if location := told.get("location"):
        response.headers["Location"] = location
    return response


def _busy() -> Response:
    response = reply.error(HTTPStatus.CONFLICT, f"{HEADER}: the request of this key is still being carried out")
    response.headers["Retry-After"] = "1"
    return response


def _digest(*parts: str | bytes) -> str:
    whole = b"\0".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hashlib.sha256(whole).hexdigest()

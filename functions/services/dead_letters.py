"""Rows of `ops.dead_letters`, as people and the function `maintenance` read them; a message that was parked twice is one."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from functions.adapters.ports import Data, Warehouse

_FOLDER = Path(__file__).parent
_NEWEST = (_FOLDER / "dead_letters_newest.sql").read_text()
_ONE = (_FOLDER / "dead_letters_one.sql").read_text()
PER_FUNCTION = (_FOLDER / "dead_letters_per_function.sql").read_text()
"""How many messages each function parked in a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be handled.

    Attributes:
        id: of the message and its function.
        received_at: when it was parked first.
        n_parked: how often.
        function: that could not handle it.
        subscription: that delivered it; empty where the envelope is invalid.
        message_id: of Pub/Sub; empty where the envelope is invalid.
        reason: why it could not be handled.
        attributes: of the message.
        data: of the message; None where it cannot be read, or only its beginning is kept.
    """

    id: str
    received_at: datetime
    n_parked: int
    function: str
    subscription: str
    message_id: str
    reason: str
    attributes: dict[str, str]
    data: bytes | None

    @property
    def text(self) -> str:
        """The data as text; what is no UTF-8 is replaced."""
        return (self.data or b"").decode(errors="replace")


def newest(warehouse: Warehouse, since: datetime, most: int) -> list[DeadLetter]:
    """The newest dead letters since an instant, the newest first, without their data."""
    return [_read(row) for row in warehouse.query(_NEWEST, since=since, most=most)]


def find(warehouse: Warehouse, identifier: str) -> DeadLetter | None:
    """A dead letter, or None."""
    return next(map(_read, warehouse.query(_ONE, id=identifier)), None)


def _read(row: Data) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        received_at=row["received_at"],
        n_parked=row["n_parked"],
        function=row["function"],
        subscription=row["subscription"] or "",
        message_id=row["message_id"] or "",
        reason=row["reason"],
        attributes=json.loads(row["attributes"] or "{}"),
        data=_data(row.get("body") or ""),
    )


def _data(body: str) -> bytes | None:
    """The data of the message in the body of a push request, which is kept in base64."""
    try:
        data = json.loads(base64.b64decode(body))["message"]["data"]
        return base64.b64decode(data, validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None

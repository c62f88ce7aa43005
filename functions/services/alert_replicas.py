"""What each of several replicas of a sender says of a condition: it is over when none of them says that it fires.

A document for each condition that a replica told about. It is changed before the finding is published, so that a delivery that is
repeated after a failure gives the same finding again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from core.events import Finding, Status
from functions.adapters.ports import Data, Store
from functions.adapters.store import change_document

COLLECTION: Final = "alert_replicas"
UNREPEATED_FOR: Final = timedelta(days=1)
"""How long the word of a replica counts that does not say until when the alert holds."""
MOST_REPLICAS: Final = 20
_FORGOTTEN_AFTER = timedelta(days=7)
_LATER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Replicated:
    """What one replica says of a condition.

    Attributes:
        finding: without the replica in its kind.
        replica: its name.
    """

    finding: Finding
    replica: str


def merged(store: Store, told: Sequence[Replicated], now: datetime) -> list[Finding | None]:
    """The finding of each, None where it is over at one replica and fires at another.

    Raises:
        UnavailableError: the store does not answer.
        ConflictError: other instances wrote a document every time.
    """
    keys = [hashlib.sha256(one.finding.condition.encode()).hexdigest() for one in told]
    known = store.get_many(COLLECTION, sorted(set(keys))) if keys else {}
    found = list[Finding | None]()
    for key, one in zip(keys, told, strict=True):
        answers: list[Finding | None] = []

        def change(data: Data | None, one: Replicated = one, answers: list[Finding | None] = answers) -> Data | None:
            after, answer = heard(data or {}, one, now)
            answers.append(answer)
            return after

        document = change_document(store, COLLECTION, key, change, known=known.get(key))
        known |= {key: document} if document else {}
        found.append(answers[-1])
    return found


def heard(data: Data, told: Replicated, now: datetime) -> tuple[Data | None, Finding | None]:
    """What is known after a replica spoke, None where that is the same, and the finding to publish, if any.

    A firing is told again for as long as it holds; it is written when half of that is over. It is never about an instant before the
    last end: the replica that told of that end had evaluated the rule earlier.
    """
    finding, ended = told.finding, data.get("ended")
    others = [one for one in data.get("replicas", []) if one["name"] != told.replica and one["until"] > now]
    if finding.status is Status.RESOLVED:
        ended = max(filter(None, (ended, finding.observed_at)))
        answer = None if others else replace(finding, observed_at=ended)
        return _changed(data, others, ended, now), answer
    answer = replace(finding, observed_at=ended + _LATER) if ended and finding.observed_at <= ended else finding
    until = finding.holds_until or now + UNREPEATED_FOR
    own = next((one for one in data.get("replicas", []) if one["name"] == told.replica), None)
    if own and own["until"] - now > (until - now) / 2:
        return None, answer
    return _changed(data, [*others, {"name": told.replica, "until": until}][-MOST_REPLICAS:], ended, now), answer


def _changed(data: Data, replicas: list[Data], ended: datetime | None, now: datetime) -> Data | None:
    if (data.get("replicas", []), data.get("ended")) == (replicas, ended):
        return None
    forgotten = max([now, *(one["until"] for one in replicas)]) + _FORGOTTEN_AFTER
    return {"replicas": replicas, "ended": ended, "expires_at": forgotten}

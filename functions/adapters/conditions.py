"""Conditions as the store keeps them, each with the findings that the bus does not have yet.

A finding is kept in the very write that makes its transition, and is taken out once the bus has it: so a crash at any
point loses none, and a write that loses against a newer one publishes nothing.
"""

from collections.abc import Sequence
from functools import partial

from core.events import Finding, Status
from core.hysteresis import Condition
from functions.adapters.events import decode, encode
from functions.adapters.ports import Bus, Data, Document, Store
from functions.adapters.store import update

COLLECTION = "conditions"


def read(data: Data | None) -> Condition:
    """The condition that a document holds; a new one where there is none."""
    if data is None:
        return Condition()
    return Condition(status=Status(data["status"]), at=data["at"], streak=data["streak"], since=data["since"])


def write(condition: Condition, before: Data | None, source: str, *findings: Finding) -> Data:
    """The document of a condition: with the findings that wait from before, and new ones.

    Args:
        condition: what to remember.
        before: the document it takes the place of, if there is one.
        source: who counts it.
        findings: to be published.
    """
    unsent = [*(before["unsent"] if before else ()), *(encode(finding).decode() for finding in findings)]
    return {
        "source": source,
        "status": condition.status,
        "at": condition.at,
        "streak": condition.streak,
        "since": condition.since,
        "unsent": unsent,
        "has_unsent": bool(unsent),
    }


def publish(store: Store, bus: Bus, document: Document) -> None:
    """Publish the findings that wait in a condition's document, in order, and take them out."""
    unsent = document.data["unsent"]
    for text in unsent:
        bus.publish("findings", decode(text.encode(), Finding))
    if unsent:
        update(store, COLLECTION, document.key, partial(_sent, unsent))


def _sent(sent: Sequence[str], data: Data | None) -> Data | None:
    if data is None:
        return None
    unsent = [text for text in data["unsent"] if text not in sent]
    return data | {"unsent": unsent, "has_unsent": bool(unsent)}

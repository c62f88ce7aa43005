"""What changed: a topic and the key of what to read again, and the entries of the log that has them in their order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple


class Topic(StrEnum):
    """What a client may watch."""

    INCIDENTS = "incidents"
    ACTIONS = "actions"
    PIPELINES = "pipelines"
    VERDICTS = "verdicts"
    PROBES = "probes"
    PROMOTIONS = "promotions"
    SILENCES = "silences"
    MODELS = "models"
    """Windows of models were scored, or a request to train one was answered."""
    MAINTENANCE = "maintenance"
    """A task of upkeep went on, or a dead letter was parked or sent again."""


TOPICS: Final[Mapping[str, Topic]] = {
    "incidents": Topic.INCIDENTS,
    "actions": Topic.ACTIONS,
    "guards": Topic.ACTIONS,
    "pipelines": Topic.PIPELINES,
    "conditions": Topic.VERDICTS,
    "probes": Topic.PROBES,
    "promotions": Topic.PROMOTIONS,
    "silences": Topic.SILENCES,
    "trainings": Topic.MODELS,
    "train_answers": Topic.MODELS,
    "maintenance": Topic.MAINTENANCE,
    "dead_letters": Topic.MAINTENANCE,
}
"""The topic of each collection of the store that readers are shown; dead letters are rows of the warehouse."""
EFFECTS: Final[Mapping[str, Topic]] = {"drift_score_shard:": Topic.MODELS, "dead-letter:": Topic.MAINTENANCE}
"""The topic of effects that leave nothing in the store but their entry in the ledger, by the beginning of its key."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DIGITS = 16
_LONGEST = 80
_ID = re.compile(rf"[0-9]{{{_DIGITS}}}-[A-Za-z0-9]{{0,{_LONGEST}}}")


class Changed(NamedTuple):
    """What to read again: a topic, and the key of the document, as in `incidents` and an incident's id."""

    topic: str
    key: str


def change_of(collection: str, key: str) -> Changed | None:
    """What is sent to readers about a document that was written or deleted; None where they are not shown it."""
    return Changed(TOPICS[collection], key) if collection in TOPICS else None


def effect_of(key: str) -> Changed | None:
    """What is sent to readers about an effect that was confirmed in the ledger.

    >>> effect_of("dead-letter:a1")
    Changed(topic=<Topic.MAINTENANCE: 'maintenance'>, key='a1')
    """
    found = next((start for start in EFFECTS if key.startswith(start)), None)
    return Changed(EFFECTS[found], key.removeprefix(found)) if found else None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log.

    Attributes:
        id: as of `entry_id`; the same on every instance.
        changes: what changed.
    """

    id: str
    changes: tuple[Changed, ...]


def entry_id(at: datetime, token: str = "") -> str:
    """The id of an entry: ids are ordered as the instants are.

    Args:
        at: when it was written.
        token: tells entries of one microsecond apart; empty for an id that comes before all of them.

    >>> entry_id(datetime(2026, 1, 1, tzinfo=UTC), "ab12")
    '1767225600000000-ab12'
    """
    return f"{(at - _EPOCH) // _MICROSECOND:0{_DIGITS}d}-{token}"


def instant_of(entry: str) -> datetime:
    """The instant of an id.

    Raises:
        ValueError: it is none.
    """
    if not _ID.fullmatch(entry):
        raise ValueError(f"id: must be one that was sent, got {entry[:_LONGEST]!r}")
    return _EPOCH + int(entry.partition("-")[0]) * _MICROSECOND


def earlier(entry: str, by: timedelta) -> str:
    """An id that comes before every entry of the instant so long before an id."""
    return entry_id(max(instant_of(entry) - by, _EPOCH))


def topics_of(text: str) -> frozenset[str]:
    """The topics that a client names, separated by commas; all for an empty text.

    Raises:
        ValueError: there is no such topic.
    """
    named = frozenset(part.strip() for part in text.split(",") if part.strip())
    known = frozenset(str(topic) for topic in Topic)
    if unknown := sorted(named - known):
        raise ValueError(f"topics: must be of {', '.join(sorted(known))}, got {unknown[0][:_LONGEST]!r}")
    return named or known


def merged(entries: Iterable[Entry], topics: frozenset[str]) -> dict[Changed, None]:
    """What entries say of some topics, each change once, in the order of its newest entry."""
    found: dict[Changed, None] = {}
    for entry in entries:
        for change in entry.changes:
            if change.topic in topics:
                found.pop(change, None)
                found[change] = None
    return found

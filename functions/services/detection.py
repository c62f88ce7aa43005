"""The tracker of every detector: counts verdicts, and publishes the findings.

The state of a condition and the findings that the bus does not have yet are one document, written at once. So nothing
is lost, whatever is delivered again and wherever the process ends:

    before the write      nothing happened; the verdict is delivered again
    after the write       the verdict counts as old when it is delivered again, and the finding is published then
    while publishing      the finding is published again, under the same id
    before it is removed  the same

A write that loses against another one is computed again from what won.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import EllipsisType

import msgspec

from core.detection import ConditionState, Observation, step
from core.events import Finding
from functions.adapters.events import decode, encode
from functions.adapters.ports import Bus, Data, Document, Store
from functions.adapters.store import change_document, every

COLLECTION = "conditions"
TOPIC = "findings"
Snapshot = Mapping[str, Document]
"""Conditions as they were read, by their keys."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """Keeps the states of conditions, and publishes findings.

    Attributes:
        store: has the conditions.
        bus: takes the findings.
    """

    store: Store
    bus: Bus

    def track(self, observation: Observation, *, known: Document | EllipsisType | None = ...) -> ConditionState:
        """Count a verdict, and publish the unsent findings of its condition; idempotent.

        Args:
            observation: the verdict.
            known: its condition as it was just read, None where there is none: the store is not read again unless somebody
                else wrote it since.

        Returns:
            The state of the condition.

        Raises:
            UnavailableError: the store or the bus does not answer; the verdict must be delivered again.
            ConflictError: concurrent writes won every time.
        """
        key = observation.spec.key
        document = change_document(self.store, COLLECTION, key, partial(_counted, observation), known=known)
        if document is not None:
            self._publish(document)
        return state_of(document.data if document else {})

    def record(self, observation: Observation, known: Snapshot | None = None) -> ConditionState:
        """Count a verdict, and leave its finding to `publish_unsent`; idempotent.

        Args:
            observation: the verdict.
            known: conditions that were just read; the store is not read again unless somebody else wrote the condition since.

        Returns:
            The state of the condition.
        """
        key, count = observation.spec.key, partial(_counted, observation)
        read = known.get(key) if known is not None else ...
        document = change_document(self.store, COLLECTION, key, count, known=read)
        return state_of(document.data if document else {})

    def publish_unsent(self, source: str) -> None:
        """Publish every unsent finding of a detector, also those of earlier deliveries."""
        for document in every(self.store, COLLECTION, where={"source": source, "has_unsent": True}):
            self._publish(document)

    def read(self, source: str) -> Snapshot:
        """The stored conditions of a detector."""
        return {document.key: document for document in every(self.store, COLLECTION, where={"source": source})}

    def forget(self, keys: Iterable[str], known: Snapshot) -> bool:
        """Delete conditions, except firing ones and those with unsent findings.

        Args:
            keys: of the conditions.
            known: the conditions, as they were read.

        Returns:
            Whether all of them are deleted.
        """
        documents = [known[key] for key in keys if key in known]
        over = [document for document in documents if not _is_open(document.data)]
        for document in over:
            self.store.delete(document, COLLECTION)
        return len(over) == len(documents)

    def _publish(self, document: Document) -> None:
        unsent = document.data.get("unsent", ())
        for text in unsent:
            self.bus.publish(TOPIC, decode(text.encode(), Finding))
        if unsent:
            change_document(self.store, COLLECTION, document.key, partial(_sent, unsent), known=document)


@dataclass(slots=True)
class Verdicts:
    """Verdicts on the conditions of many targets at one instant, read at once, and written where they change something.

    A verdict that agrees with what is known of its condition is not written, and neither is its instant: a steady
    target costs no write. So a condition does not say how new the newest verdict on it was, and one that is
    delivered late has to be told in another way. A detector that uses this claims each instant of a target in the
    ledger before it reads the conditions, and a verdict that would change something counts only when no later instant of its
    target has been claimed. Every verdict on a later instant was preceded by its claim; so what counts is what would count
    if every verdict had been written, where instants that nothing is known of are written as well. Of two
    instants that are handled at the same moment the older one does not count, as if it had come second.

    Attributes:
        known: the conditions as they were read.
    """

    known: Snapshot = field(default_factory=dict)
    _given: dict[str, list[Observation]] = field(default_factory=dict)

    def conclude(self, observation: Observation) -> ConditionState:
        """Take a verdict, to be counted by `count`.

        Returns:
            The state of the condition by what is known of it.
        """
        self._given.setdefault(observation.spec.target, []).append(observation)
        return step(self._state(observation), observation)[0]

    def read(self, store: Store, keys: Iterable[str]) -> None:
        """Read conditions by one request, none for no keys; `UnavailableError` when the store does not answer."""
        wanted = list(keys)
        self.known = store.get_many(COLLECTION, wanted) if wanted else {}

    def keys(self) -> list[str]:
        """The conditions on which there are verdicts."""
        return [one.spec.key for given in self._given.values() for one in given]

    def has_news(self, target: str) -> bool:
        """Whether a verdict on a target changes something, by what is known."""
        return any(map(self._is_news, self._given.get(target, ())))

    def count(self, tracker: Tracker, target: str, *, is_late: Callable[[], bool]) -> None:
        """Count the verdicts on a target that change something, and publish what they do; safe to call again.

        Args:
            tracker: counts them one by one, each from what the store has of its condition by then.
            target: whose verdicts were taken.
            is_late: whether a later instant of the target has been claimed; asked once, and only if need be.

        Raises:
            UnavailableError: store or bus does not answer; the verdicts must come again.
            ConflictError: others wrote a condition all the time.
        """
        news = [one for one in self._given.get(target, ()) if self._is_news(one)]
        if not news or is_late():
            return
        for observation in news:
            tracker.track(observation, known=self.known.get(observation.spec.key))

    def _is_news(self, observation: Observation) -> bool:
        """Whether a verdict changes more than the instant, or a finding waits to be published."""
        found = self.known.get(observation.spec.key)
        before = self._state(observation)
        after, findings = step(before, observation)
        return _news(after) != _news(before) or bool(findings) or bool(found and found.data["has_unsent"])

    def _state(self, observation: Observation) -> ConditionState:
        found = self.known.get(observation.spec.key)
        return state_of(found.data if found else {})


def _is_open(data: Data) -> bool:
    """Whether something of the condition is yet to be resolved or published."""
    state = state_of(data)
    return state.firing or state.unknown_told or bool(data["has_unsent"])


def _news(state: ConditionState) -> tuple[object, ...]:
    """What of a state is more than the instant of the newest verdict."""
    return state.status, state.streak, state.severity, state.unknown_since, state.unknown_told


def state_of(data: Data) -> ConditionState:
    """The state in a document of the collection; for an empty one, that of a new condition."""
    return msgspec.convert(data, ConditionState, builtin_types=(datetime,))


def _counted(observation: Observation, data: Data | None) -> Data | None:
    before = data or {}
    state = state_of(before)
    after, findings = step(state, observation)
    if after is state:
        return None
    unsent = [*before.get("unsent", ()), *(encode(finding).decode() for finding in findings)]
    kept: Data = msgspec.to_builtins(after, builtin_types=(datetime,))
    return kept | {"source": observation.spec.source, "unsent": unsent, "has_unsent": bool(unsent)}


def _sent(sent: Sequence[str], data: Data | None) -> Data | None:
    if data is None:
        return None
    unsent = [text for text in data["unsent"] if text not in sent]
    return data | {"unsent": unsent, "has_unsent": bool(unsent)}

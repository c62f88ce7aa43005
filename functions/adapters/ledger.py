"""The ledger: an external effect is claimed before it is performed, and confirmed afterwards.

An effect with one key is performed once, for any number of requests from any number of instances. Only a crash (or a
store that stops answering) between the effect and its confirmation repeats it, after the lease has ended; the receiver
must tolerate that, as PagerDuty does by its dedup_key and a table by its row key.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from enum import StrEnum

from core.errors import AiaError, BusyError, ConflictError
from core.events import stamp
from core.ledger import ClaimDecision, ClaimState, ClaimVerdict, Entry, claim, confirm, release
from functions.adapters import request_deadline
from functions.adapters.logs import fields
from functions.adapters.ports import Clock, Data, Document, Store
from functions.adapters.store import change_document, every

COLLECTION = "ledger"
LEASE = timedelta(minutes=2)
_PAGE = 500
_SCANNED = 10
"""Entries that are read at once in search of later ones; mostly there are none."""
log = logging.getLogger(__name__)


class EffectOutcome(StrEnum):
    """Outcome of an effect."""

    PERFORMED = "performed"
    SKIPPED = "skipped"
    """It had been performed before."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on an effect that the holder performs by itself, as where many effects end together.

    Attributes:
        ledger: where it is.
        key: of the effect.
        attempt: the holder.
        document: of the ledger, as the claim was written: it is confirmed or released without being read again, unless
            somebody else wrote it since.
    """

    ledger: "Ledger"
    key: str
    attempt: str
    document: Document

    def confirm(self, covers: Iterable[str] | None = None) -> None:
        """Say that the effect has been performed.

        Args:
            covers: the names of what it was performed on; None for all that were claimed.

        Raises:
            UnavailableError: the store does not answer.
        """
        self.ledger.confirm(self, covers)

    def release(self) -> None:
        """Let others perform the effect, since it failed; never raises."""
        self.ledger.release(self)


class Ledger:
    """Performs effects once.

    Args:
        store: where the entries are.
        clock: for the leases; the clocks of all instances must agree to well within a lease.
        owner: the name of the instance, for logs.
    """

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner

    def once(self, key: str, effect: Callable[[], None], *, lease: timedelta = LEASE) -> EffectOutcome:
        """Perform the effect unless it has been performed; when it fails, the claim is released and the error raised.

        Args:
            key: identifies the effect; the same for every attempt.
            effect: performs it.
            lease: how long other instances may not try; longer than the effect takes.

        Raises:
            BusyError: another instance is performing it; the error names the key and the end of the lease.
            UnavailableError: the store does not answer; the effect may have been performed.
        """
        mine = self.claim(key, lease=lease)
        if mine is None:
            return EffectOutcome.SKIPPED
        try:
            effect()
        except BaseException:
            mine.release()
            raise
        mine.confirm()
        return EffectOutcome.PERFORMED

    def claim(self, key: str, *, lease: timedelta = LEASE, covers: Iterable[str] = ()) -> Claim | None:
        """Claim an effect, to be confirmed or released by the caller; None when it has been performed.

        Args:
            key: what the effect is, as for `once`.
            lease: how long nobody else may try; longer than the effect may take.
            covers: the names of what the effect is on, where it is on several things at once.

        Raises:
            BusyError: somebody else performs it right now.
            UnavailableError: the store does not answer.
        """
        return self._claim(key, self._attempt(), lease, tuple(covers))

    def covered(self, name: str, *, prefix: str, after: str) -> frozenset[str]:
        """What claims with later keys of the same beginning cover, up to the first that covers a name.

        Args:
            name: the name that is looked for.
            prefix: the beginning of the keys.
            after: the keys that follow this one are later.

        Returns:
            The names that were seen; `name` is among them where a later claim covers it.

        Raises:
            UnavailableError: the store does not answer.
        """
        seen: set[str] = set()
        for document in every(self._store, COLLECTION, after=after, page=_SCANNED):
            if name in seen or not document.key.startswith(prefix):
                break
            seen.update(document.data.get("covers", ()))
        return frozenset(seen)

    def confirm(self, claim: Claim, covers: Iterable[str] | None = None) -> None:
        """See `Claim.confirm`."""
        names = None if covers is None else tuple(covers)

        def decide(entry: Entry | None) -> ClaimDecision:
            return confirm(entry, owner=claim.attempt, now=self._clock(), covers=names)

        with request_deadline.closing():  # else an effect that took all the time would be repeated
            decision, _ = self._decide(claim.key, decide, known=claim.document)
        if decision.verdict is ClaimVerdict.CONFIRMED_LATE:
            said = fields(key=claim.key, owner=claim.attempt)
            log.warning("the lease ended before the effect: %s", claim.key, extra=said)

    def release(self, claim: Claim) -> None:
        """See `Claim.release`: when that fails, the error of the effect matters more, and the lease will end."""
        try:
            with request_deadline.closing():
                self._release(claim)
        except AiaError as error:
            said = fields(key=claim.key, owner=claim.attempt)
            log.warning("not released: %s: %s", claim.key, error, extra=said)

    def alone(self, key: str, effect: Callable[[], None], *, lease: timedelta = LEASE) -> None:
        """Perform the effect while no other instance does; it may be repeated.

        Whether it is due at all is known elsewhere, for example from a document that the effect itself writes.

        Args:
            key: identifies the effect; no key of `once`.
            effect: performs it.
            lease: how long other instances may not try; longer than the effect takes.

        Raises:
            BusyError: another instance is performing it; the error names the key and the end of the lease.
            UnavailableError: the store does not answer.
        """
        with self.held(key, lease=lease):
            effect()

    @contextmanager
    def held(self, key: str, *, lease: timedelta = LEASE) -> Iterator[Callable[[], None]]:
        """A claim on an effect of many steps, as for `alone`; what is given renews the lease, before each step.

        Args:
            key: identifies the effect; no key of `once`.
            lease: how long other instances may not try after it was renewed; longer than a step takes.

        Raises:
            BusyError: another instance is performing it, also when the lease is renewed too late.
            UnavailableError: the store does not answer.
        """
        attempt = self._attempt()
        mine = self._held(key, attempt, lease)

        def renew() -> None:
            nonlocal mine
            mine = self._held(key, attempt, lease)

        try:
            yield renew
        finally:
            mine.release()

    def _held(self, key: str, attempt: str, lease: timedelta) -> Claim:
        mine = self._claim(key, attempt, lease)
        if mine is None:
            raise ConflictError(f"{key}: has been performed once and for all")
        return mine

    def purge(self, *, days: int = 30) -> int:
        """Delete the entries that expired on one of the last days; Firestore's TTL policy does it by itself.

        Returns:
            The number of deleted entries.
        """
        today = self._clock().astimezone(UTC).date()
        return sum(self._forget((today - timedelta(days=ago)).isoformat()) for ago in range(1, days + 1))

    def _forget(self, day: str) -> int:
        forgotten = 0
        while documents := self._store.find(COLLECTION, where={"expires_on": day}, limit=_PAGE):
            for document in documents:
                try:
                    self._store.delete(document, COLLECTION)
                    forgotten += 1
                except ConflictError:
                    log.info("released or claimed by another instance: %s", document.key)
        return forgotten

    def _attempt(self) -> str:
        """The unique name of an attempt."""
        return f"{self._owner}/{uuid.uuid4().hex[:12]}"

    def _claim(self, key: str, attempt: str, lease: timedelta, covers: tuple[str, ...] = ()) -> Claim | None:
        """The claim of the attempt, by one write where nobody else has claimed; None if the effect has been performed."""

        def decide(entry: Entry | None) -> ClaimDecision:
            return claim(entry, owner=attempt, now=self._clock(), lease=lease, covers=covers)

        try:
            decision, document = self._decide(key, decide, known=None)
        except ConflictError as error:
            raise BusyError(f"{key}: too many claim it at once") from error
        if decision.verdict is ClaimVerdict.BUSY and decision.entry:
            raise BusyError(f"{key}: claimed by {decision.entry.owner} until {stamp(decision.entry.until)}")
        if decision.verdict is ClaimVerdict.TAKEN_OVER:
            log.warning("claim taken over: %s", key, extra=fields(key=key, owner=attempt))
        return Claim(self, key, attempt, document) if decision.mine and document else None

    def _decide(
        self, key: str, decide: Callable[[Entry | None], ClaimDecision], *, known: Document | None
    ) -> tuple[ClaimDecision, Document | None]:
        """Decide over the document as it is known, or as it is where that is out of date; what was decided, and the document."""
        taken: list[ClaimDecision] = []

        def change(data: Data | None) -> Data | None:
            held = _entry(data)
            decision = decide(held)
            taken.append(decision)
            return _data(decision.entry) if decision.entry and decision.entry != held else None

        document = change_document(self._store, COLLECTION, key, change, known=known)
        return taken[-1], document

    def _release(self, claim: Claim) -> None:
        try:
            self._store.delete(claim.document, COLLECTION)
        except ConflictError:
            document = self._store.get(COLLECTION, claim.key)
            if document and release(_entry(document.data), owner=claim.attempt).verdict is ClaimVerdict.RELEASED:
                self._store.delete(document, COLLECTION)


def _data(entry: Entry) -> Data:
    # The store queries by equality only, so the day is a separate field, which `purge` queries.
    return asdict(entry) | {"expires_on": entry.expires_at.astimezone(UTC).date().isoformat()}


def _entry(data: Data | None) -> Entry | None:
    if data is None:
        return None
    kept = {name: value for name, value in data.items() if name != "expires_on"}
    return Entry(**kept | {"state": ClaimState(kept["state"]), "covers": tuple(kept.get("covers", ()))})

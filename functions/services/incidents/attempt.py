"""One attempt to deliver the effects of a group: it claims queues, and saves what is done, in the document of the group."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import EllipsisType

from core.errors import BusyError
from core.events import IncidentDecision, stamp
from core.incidents.claims import Wanted, claim_queues, holders, release_queues
from core.incidents.due import due_at
from core.incidents.effects import refusal_effects
from core.incidents.outbox import Effect, IncidentGroup, QueueClaim, add_records, delivery_queues, remove_effects
from core.incidents.policy import IncidentPolicy
from functions.adapters import request_deadline
from functions.adapters.ports import Clock, Data, Document, Store
from functions.adapters.store import change_document
from functions.services.incidents.delivery import DeliveryResult
from functions.services.incidents.documents import GROUPS, Silences, group_data, load_group
from functions.services.incidents.records import delivered

LEASE = timedelta(seconds=30)
"""Longer than any effect takes; after a crash, the effects that were not saved as done are repeated when it ends."""
Known = Document | EllipsisType | None
"""The document as it was just written; an ellipsis where it is to be read."""


def everything(_: str) -> bool:
    """Every delivery queue."""
    return True


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt.

    Attributes:
        store: has the group.
        clock: now.
        policy: the incident policy.
        silences: those that people made.
        group: as saved last.
        document: of the group.
        wanted: which delivery queues, by name.
        by: the name of the attempt.
        stopped: the queues that failed or reached a limit: this attempt does not try them again.
        publish: publishes records, and says whether the bus took them; None where they wait for their turn.
    """

    store: Store
    clock: Clock
    policy: IncidentPolicy
    silences: Silences
    group: IncidentGroup
    document: Known = ...
    wanted: Wanted = everything
    by: str = field(default_factory=lambda: uuid.uuid4().hex)
    stopped: set[str] = field(default_factory=set)
    publish: Callable[[Sequence[IncidentDecision]], bool] | None = None

    def queues(self) -> list[Sequence[Effect]]:
        """The wanted queues, those of messages last: what is published does not wait for a slow channel."""
        queues = [queue for queue in delivery_queues(self.group.pending) if self.wanted(queue[0].queue)]
        return sorted(queues, key=lambda queue: queue[0].message is not None)

    def held(self) -> list[Sequence[Effect]]:
        """The wanted queues that this attempt holds."""
        held = holders(self.group)
        mine = {name for name, claim in held.items() if claim.by == self.by}
        return [queue for queue in self.queues() if queue[0].queue in mine]

    def take(self) -> list[DeliveryResult]:
        """Claim the wanted queues, unless the decision has claimed them.

        Returns:
            A result for each queue that another attempt holds.
        """
        if len(self.held()) < len(self.queues()):
            self._change(self._claimed)
        held = holders(self.group)
        names = [queue[0].queue for queue in self.queues()]
        others = [held[name] for name in names if name in held and held[name].by != self.by]
        return [DeliveryResult(queue=claim.queue, error=BusyError(self._claimed_by(claim))) for claim in others]

    def settle(self, results: Sequence[DeliveryResult]) -> None:
        """Save what is done, release what stopped, and hold what is still pending."""
        done = {key for result in results for key in result.done}
        refused = [refusal for result in results for refusal in result.refused]
        self.stopped |= {result.queue for result in results if result.error or result.limited}
        at = self.clock()
        # A refusal makes another revision, which its record names. Without one, records that the bus takes now need no write.
        told = () if refused else tuple(delivered(self.group.pending, self.group, results, at))
        published = bool(told) and self.publish is not None and self.publish(told)

        def settled(before: IncidentGroup) -> IncidentGroup:
            after = self._record_refusals(remove_effects(before, done), before, refused, at)
            records = () if published else delivered(before.pending, after, results, at)
            return self._claimed(add_records(after, records))

        with request_deadline.closing():  # else what took all the time would be told again
            self._change(settled)

    def release(self) -> None:
        """Release what is still held."""
        if any(claim.by == self.by for claim in self.group.claims):
            with request_deadline.closing():
                self._change(lambda before: release_queues(before, self.by))

    def _claimed(self, group: IncidentGroup) -> IncidentGroup:
        def goes_on(queue: str) -> bool:
            return self.wanted(queue) and queue not in self.stopped

        return claim_queues(group, self.by, goes_on, now=self.clock(), lease=LEASE)

    def _claimed_by(self, claim: QueueClaim) -> str:
        return f"{self.group.state.name}, {claim.queue}: claimed by {claim.by} until {stamp(claim.until)}"

    def _change(self, change: Callable[[IncidentGroup], IncidentGroup]) -> None:
        name = self.group.state.name

        def changed(data: Data | None) -> Data | None:
            before = load_group(name, data)
            after = change(before)
            if after == before:
                return None
            return group_data(replace(after, due_at=due_at(after, self.clock(), self.policy)))

        document = change_document(self.store, GROUPS, name, changed, known=self.document)
        self.document, self.group = document, load_group(name, document.data if document else None)

    def _record_refusals(
        self, group: IncidentGroup, before: IncidentGroup, refused: Iterable[tuple[Effect, str]], at: datetime
    ) -> IncidentGroup:
        """Record refusals, in the order of their keys, as a replay does, and hand on to the next tiers."""
        pending = {effect.key for effect in before.pending}
        for effect, detail in sorted(refused, key=lambda one: one[0].key):
            if effect.key in pending and effect.message is not None:
                message, policy = effect.message, self.policy
                group = refusal_effects(
                    group,
                    message.incident_id,
                    channel=message.channel,
                    detail=detail,
                    now=at,
                    policy=policy,
                    silences=self.silences,
                ).group
        return group

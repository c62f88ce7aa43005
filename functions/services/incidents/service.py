"""Incident service: a decision is saved with its effects in one write, and then its effects are dispatched.

Each group of targets has one document. The decision and its effects are saved in one write; only then are the effects
performed, and a performed effect is removed from the document. So a crash at any point is repaired by the next delivery
of this event or of another one of the group, or by the sweep:

    before the write       nothing happened; the event is delivered again
    after the write        the event is a duplicate, and the pending effects are performed when the claim on them ends
    during an effect       the same: of each queue at most one message is repeated, with the same key
    after the removal      everything is done

The write also claims the delivery queues for whoever made it, so that nobody else performs the same effects; opening an incident
takes one read and one write of its group, one write that removes what is done, and one of the incident's copy.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from core.errors import AiaError, BusyError, DeadlineError, UnavailableError
from core.events import IncidentDecision
from core.incidents.claims import Wanted
from core.incidents.measured import UsualRevenue
from core.incidents.model import GroupState
from core.incidents.outbox import IncidentGroup, next_effects
from core.incidents.policy import IncidentPolicy, incident_policy
from core.settings import Settings
from functions.adapters import logs
from functions.adapters.answer_links import AnswerLinks
from functions.adapters.ledger import Ledger
from functions.adapters.notify.channel import Answers, open_channels
from functions.adapters.ports import BulkBus, Clock, Metrics, Store
from functions.adapters.store import change_document
from functions.services.cached import Cached
from functions.services.detection import Tracker
from functions.services.incidents.attempt import Attempt, everything
from functions.services.incidents.channel_tests import ChannelTests
from functions.services.incidents.delivery import (
    DECISIONS,
    NOTIFY,
    DeliveryResult,
    Dispatcher,
    FailingChannels,
    RunAll,
    delivery_observation,
    failing_channels,
    in_threads,
)
from functions.services.incidents.documents import GROUPS, Silences, load_group, usual_revenues
from functions.services.incidents.transaction import Decide, Transaction

log = logging.getLogger(__name__)
RETRIED_FOR = timedelta(minutes=2)
"""For this time a failed message fails the event, which is redelivered within seconds; later the sweep retries it."""
ROUNDS = 20
"""A message of each channel is sent in a round; refusals are recorded and published in a further one."""
PATIENCE = 2.0
"""Seconds that a thread waits for another one at the same group: a channel that hangs must not block the others."""
_LOCKS = tuple(Lock() for _ in range(64))


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentService:
    """Decides over incidents, saves the decisions and dispatches their effects.

    Attributes:
        store: keeps the groups and the copies of the incidents.
        dispatcher: performs effects.
        metrics: counts.
        clock: now.
        policy: the incident policy.
        failing: the channels that fail.
        silences: those that people made.
        usual: the usual revenue of orders.
        channel_tests: sends test messages.
        run_all: runs deliveries in parallel.
    """

    store: Store
    dispatcher: Dispatcher
    metrics: Metrics
    clock: Clock
    policy: IncidentPolicy
    failing: FailingChannels
    silences: Silences
    usual: Cached[UsualRevenue]
    channel_tests: ChannelTests
    run_all: RunAll = in_threads

    def execute(self, decide: Decide, *, at: datetime, about: IncidentDecision) -> None:
        """Decide over a group, save the decision, dispatch all pending effects of the group and record both; idempotent.

        Args:
            decide: the decision.
            at: the instant of the event decided on.
            about: the event and its group, for the record.

        Raises:
            BusyError: another instance is working on the same group or effect.
            UnavailableError: a dependency does not answer; all other pending effects are performed.
        """
        name = about.incident_group
        with _exclusive(name):
            attempt = self._attempt(IncidentGroup(state=GroupState(name=name)))
            # Not in a sweep, where a bus that does not answer would take the time of the messages.
            attempt.publish = lambda records: self.dispatcher.publish(records) is None
            try:
                transaction = self.commit(name, decide, at=at, by=attempt.by, about=about)
            except UnavailableError:
                self._release(attempt)
                raise
            attempt.group, attempt.document = transaction.group, transaction.document
            results = self._deliver(attempt)
        if not transaction.recorded:
            self.record(
                replace(transaction.about or about, revision=transaction.group.revision, decided_at=transaction.now)
            )
        _raise([result.error for result in results if result.error and not _is_left(result, self.clock())])

    def record(self, decision: IncidentDecision) -> None:
        """Publish the record of a decision that entails nothing.

        Raises:
            UnavailableError: the bus does not answer.
        """
        self.dispatcher.bus.publish_all(DECISIONS, [decision])

    def commit(
        self, name: str, decide: Decide, *, at: datetime | None, by: str = "", about: IncidentDecision | None = None
    ) -> Transaction:
        """Decide over a group and save the decision with its effects, without dispatching them; see `execute`.

        Args:
            name: of the group.
            decide: the decision.
            at: the instant of the event decided on; None where only time has passed.
            by: the attempt that claims the delivery queues with the same write; empty where none does.
            about: the event, for the record.
        """
        transaction = Transaction(
            name=name,
            decide=decide,
            at=at,
            by=by,
            policy=self.policy,
            clock=self.clock,
            silences=self.silences,
            usual=self.usual,
            about=about,
        )
        transaction.document = change_document(self.store, GROUPS, name, transaction)
        self._record(transaction)
        return transaction

    def load(self, name: str) -> IncidentGroup:
        """A group as it is saved now."""
        document = self.store.get(GROUPS, name)
        return load_group(name, document.data if document else None)

    def dispatch(self, group: IncidentGroup, wanted: Wanted = everything) -> list[DeliveryResult]:
        """Perform the pending effects of a group.

        Args:
            group: as saved.
            wanted: which delivery queues, by name.

        Returns:
            The last result of each queue.
        """
        return self._deliver(self._attempt(group, wanted))

    def _attempt(self, group: IncidentGroup, wanted: Wanted = everything) -> Attempt:
        return Attempt(
            store=self.store,
            clock=self.clock,
            policy=self.policy,
            silences=self.silences,
            group=group,
            wanted=wanted,
        )

    def _deliver(self, attempt: Attempt) -> list[DeliveryResult]:
        """Claim the queues and perform their effects, until nothing is pending or all that is has failed."""
        if not attempt.queues():
            return []
        busy, found = attempt.take(), dict[str, DeliveryResult]()
        for _ in range(ROUNDS):
            if not attempt.held():
                break
            found |= self._deliver_next(attempt)
        attempt.release()
        return [*found.values(), *busy]

    def _deliver_next(self, attempt: Attempt) -> dict[str, DeliveryResult]:
        """Perform the next effects of each queue; a message that was sent is saved as such while other channels take their time."""
        group, queues = attempt.group, attempt.held()
        found, unsaved = dict[str, DeliveryResult](), list[DeliveryResult]()
        for results in self.run_all([partial(self.dispatcher.deliver, group, next_effects(queue)) for queue in queues]):
            self._track(results)
            found |= {result.queue: result for result in results}
            unsaved += results
            if len(found) < len(queues) and any(result.done and result.queue.startswith(NOTIFY) for result in results):
                unsaved = _settled_early(attempt, unsaved)
        attempt.settle(unsaved)
        return found

    def _release(self, attempt: Attempt) -> None:
        """Release what a decision has claimed whose write was perhaps not answered; else it waits until the claims end."""
        try:
            attempt.document = self.store.get(GROUPS, attempt.group.state.name)
            attempt.group = load_group(attempt.group.state.name, attempt.document.data if attempt.document else None)
            attempt.release()
        except AiaError as error:
            log.warning("not released: %s: %s", attempt.group.state.name, error)

    def track_delivery(self, channel: str, *, fault: str, final: bool = False) -> None:
        """Track the condition of a channel after a delivery; see `channels.delivery_observation`."""
        observation = delivery_observation(channel, fault=fault, final=final, at=self.clock())
        Tracker(self.dispatcher.store, self.dispatcher.bus).track(observation)
        self.failing.invalidate()

    def _record(self, transaction: Transaction) -> None:
        name, reason = transaction.name, transaction.decision.reason
        changes = [change.change.value for change in transaction.changes]
        details = logs.fields(group=name, reason=reason)
        log.info("%s: %s", name, ", ".join(changes) or f"no change ({reason})", extra=details)
        for change in changes:
            self.metrics.count("aia_incident_changes_total", change=change)
        for effect in transaction.dropped:
            log.error("%s: backlog limit reached, effect dropped", effect.queue, extra=logs.fields(key=effect.key))
            self.dispatcher.count_dropped(effect)

    def _track(self, results: Sequence[DeliveryResult]) -> None:
        """Track channels that fail or recover; an error here must not block anything else."""
        for result in results:
            name = result.queue.removeprefix(NOTIFY)
            fault = result.refused[-1][1] if result.refused else str(result.error or "")
            known = name in self.dispatcher.channels
            if not known or isinstance(result.error, (BusyError, DeadlineError)) or not (fault or result.done):
                continue
            try:
                if fault or name in self.failing():
                    self.track_delivery(name, fault=fault, final=bool(result.refused))
            except AiaError as error:
                log.warning("delivery to %s not tracked: %s", name, error)


@contextmanager
def _exclusive(name: str) -> Iterator[None]:
    """Serialize the threads of this process that work on a group: otherwise one finds the claim of another and gives up."""
    lock = _LOCKS[hash(name) % len(_LOCKS)]
    acquired = lock.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if acquired:
            lock.release()


def _settled_early(attempt: Attempt, results: list[DeliveryResult]) -> list[DeliveryResult]:
    """Save what is done while more is being done; what could not be saved, to be saved with the rest."""
    try:
        attempt.settle(results)
    except AiaError as error:
        log.warning("saved later: %s: %s", attempt.group.state.name, error)
        return results
    return []


def _is_left(result: DeliveryResult, now: datetime) -> bool:
    """Whether the sweep retries it: a channel that is down for long must not delay the delivery of findings."""
    return result.queue.startswith(NOTIFY) and result.since is not None and now - result.since > RETRIED_FOR


def _raise(failures: Sequence[AiaError]) -> None:
    if not failures:
        return
    error = next((failure for failure in failures if not isinstance(failure, BusyError)), failures[0])
    text = "; ".join(dict.fromkeys(str(failure) for failure in failures))
    raise (BusyError if isinstance(error, BusyError) else UnavailableError)(text)


def incident_service(
    settings: Settings, *, store: Store, bus: BulkBus, metrics: Metrics, clock: Clock
) -> IncidentService:
    """The incident service of a function, by its settings and its environment.

    Args:
        settings: the settings.
        store: has the groups and the incidents.
        bus: receives changes, requests for actions, and the record of the decisions.
        metrics: of the function.
        clock: now.
    """
    url = os.environ.get("AIA_API_URL", "")
    if not url:
        log.warning("AIA_API_URL is not set: messages have no link to their incident")
    channels = open_channels(settings.channels, clock, store, _answers(settings, clock))
    return IncidentService(
        store=store,
        dispatcher=Dispatcher(store=store, bus=bus, channels=channels, metrics=metrics, clock=clock),
        metrics=metrics,
        clock=clock,
        policy=incident_policy(settings, url, os.environ.get("AIA_RUNBOOKS_URL", "")),
        failing=failing_channels(store, clock),
        silences=Silences(store, clock),
        usual=usual_revenues(store, clock),
        channel_tests=ChannelTests(
            store=store,
            ledger=Ledger(store, clock, "channel_tests"),
            channels=channels,
            kinds={channel.name: channel.kind for channel in settings.channels},
            url=url,
            clock=clock,
        ),
    )


def _answers(settings: Settings, clock: Clock) -> Answers:
    """How people may answer a message where they read it: as `command_intake` takes answers."""
    intake, url = settings.command_intake, os.environ.get("AIA_COMMAND_INTAKE_URL", "")
    if intake.links and not url:
        log.warning("AIA_COMMAND_INTAKE_URL is not set: mails have no links to answer with")
    links = AnswerLinks(settings.accounts, intake.links.secret, url, clock) if intake.links and url else None
    return Answers(slack=intake.slack is not None, links=links)

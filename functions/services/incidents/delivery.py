"""Delivery of pending effects: queues in parallel, the effects of a queue in order.

A channel that fails has a condition; its findings are notified through the other channels.
"""

import contextvars
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, ConditionState, Hysteresis, Observation, Outcome, Verdict
from core.errors import AiaError, LimitedError, UnavailableError
from core.events import IncidentDecision, Severity
from core.incidents.lifecycle import ENDINGS
from core.incidents.outbox import RECORD, Effect, IncidentGroup, coalesce
from core.metrics import HISTOGRAMS
from functions.adapters import logs
from functions.adapters.notify.channel import Channel, DeliveryOutcome, Receipt
from functions.adapters.ports import BulkBus, Clock, Data, Metrics, Store
from functions.adapters.store import change_document
from functions.services.cached import Cached
from functions.services.detection import COLLECTION, state_of
from functions.services.incidents.documents import INCIDENTS, incident_data

SOURCE = "incidents"
KIND = "delivery"
FIRE_AFTER = 3
"""Failures in a row; one refusal for good is enough, because its message is lost."""
RUNBOOK = "system.md#channels"
MAX_AGE = timedelta(seconds=20)
log = logging.getLogger(__name__)
CHANGES, ACTIONS, FINDINGS, DECISIONS = "incidents", "actions", "findings", "incident-decisions"
"""Topics."""
NOTIFY = "notify:"
"""Prefix of the delivery queues of channels."""
TOGETHER = 0.25
"""Seconds within which results are saved by one write."""
FailingChannels = Cached[Mapping[str, bool]]
RunAll = Callable[[Sequence[Callable[[], "DeliveryResult"]]], "Iterable[list[DeliveryResult]]"]


class DeliveryReason(StrEnum):
    """Reason of a verdict on a delivery."""

    TAKEN = "taken"
    FAILED = "failed"
    """The channel does not answer; the message is sent again."""
    REFUSED = "refused"
    """The message was refused for good."""


def delivery_observation(channel: str, *, fault: str, final: bool = False, at: datetime) -> Observation:
    """The result of a delivery as an observation of the channel's condition.

    Args:
        channel: the name.
        fault: the channel's answer, or empty where it took the message.
        final: whether the message was refused for good.
        at: the instant.
    """
    verdict = Verdict(
        outcome=Outcome.of(bad=bool(fault)),
        reason=(DeliveryReason.REFUSED if final else DeliveryReason.FAILED) if fault else DeliveryReason.TAKEN,
        summary=f"{channel} does not deliver notifications: {fault}"
        if fault
        else f"{channel} delivers notifications again",
        severity=Severity.ERROR,
    )
    return Observation(spec=_spec(channel, fire_after=1 if final else FIRE_AFTER), verdict=verdict, at=at)


def failing_channels(store: Store, clock: Clock) -> FailingChannels:
    """The channels whose condition fires, or whose last delivery failed; cached for some seconds.

    By name, whether a message was refused for good: then only a delivery shows that the channel works again.
    """

    def read(_: Mapping[str, bool]) -> Mapping[str, bool]:
        documents = store.find(COLLECTION, where={"source": SOURCE})
        states = {_name(document.key): state_of(document.data) for document in documents}
        return {name: state.reason == DeliveryReason.REFUSED for name, state in states.items() if _fails(state)}

    return Cached(read=read, first={}, max_age=MAX_AGE, clock=clock)


def _spec(channel: str, fire_after: int) -> ConditionSpec:
    return ConditionSpec(
        target=f"channel/{channel}",
        kind=KIND,
        source=SOURCE,
        runbook=RUNBOOK,
        hysteresis=Hysteresis(fire_after=fire_after),
    )


def _name(key: str) -> str:
    return key.removeprefix("channel/").removesuffix(f":{KIND}")


def _fails(state: ConditionState) -> bool:
    return state.firing or state.streak > 0


@dataclass(slots=True)
class DeliveryResult:
    """Result of dispatching one delivery queue.

    Attributes:
        queue: its name.
        done: the keys of the effects performed.
        refused: the messages that a channel refused for good, with its answers.
        merged: the keys of those whose message was sent as a part of a later one.
        error: the error that stopped the queue; a retry may succeed.
        since: when the effect that failed was decided.
        limited: the rate limit that stopped the queue; no error.
    """

    queue: str = ""
    done: list[str] = field(default_factory=list)
    refused: list[tuple[Effect, str]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    error: AiaError | None = None
    since: datetime | None = None
    limited: LimitedError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Performs effects.

    Attributes:
        store: takes the copies of incidents.
        bus: takes the changes, the requests for actions, and the record of the decisions.
        channels: by name.
        metrics: counts the messages by outcome, and measures how long they take.
        clock: now.
    """

    store: Store
    bus: BulkBus
    channels: dict[str, Channel]
    metrics: Metrics
    clock: Clock

    def deliver(self, group: IncidentGroup, effects: Sequence[Effect]) -> DeliveryResult:
        """Perform effects of a delivery queue, which the caller has claimed, in order up to the first that fails.

        The error is returned, not raised: it does not affect the other queues.
        """
        result = DeliveryResult(queue=effects[0].queue)
        if result.queue == RECORD:
            return self._publish_records(effects, result)
        for joined in coalesce(effects):
            result.since = joined[0].since
            details = logs.fields(key=joined[-1].key, queue=result.queue)
            try:
                receipt = self._perform(group, joined[-1])
                self._measure(joined, delivered=receipt.outcome is DeliveryOutcome.DELIVERED)
            except LimitedError as error:
                result.limited = error
                return result
            except AiaError as error:
                result.error = error
            except Exception as error:
                log.exception("unexpected error", extra=details)
                result.error = UnavailableError(f"{result.queue}: unexpected {type(error).__name__}")
            if result.error:
                self._count(joined[-1], "failed")
                log.warning("delivery failed, retried later: %s", result.error, extra=details)
                return result
            result.done += [effect.key for effect in joined]
            result.merged += [effect.key for effect in joined[:-1]]
            if receipt.outcome is DeliveryOutcome.REFUSED:
                result.refused.append((joined[-1], receipt.detail))
        return result

    def _publish_records(self, effects: Sequence[Effect], result: DeliveryResult) -> DeliveryResult:
        """Publish records of decisions in one request."""
        result.error = self.publish([effect.record for effect in effects if effect.record])
        if result.error is None:
            result.done = [effect.key for effect in effects]
        return result

    def publish(self, records: Sequence[IncidentDecision]) -> AiaError | None:
        """Publish records in one request; the error, if the bus does not take them."""
        try:
            self.bus.publish_all(DECISIONS, records)
        except AiaError as error:
            log.warning("records not published, retried later: %s", error)
            return error
        return None

    def _perform(self, group: IncidentGroup, effect: Effect) -> Receipt:
        if effect.queue == "copy":
            self._copy(group, effect)
        elif effect.change is not None:
            self.bus.publish(CHANGES, effect.change)
        elif effect.finding is not None:
            self.bus.publish(FINDINGS, effect.finding)
        elif effect.request is not None:
            self._copy(group, effect)  # where the action runner finds that it was requested
            self.bus.publish(ACTIONS, effect.request)
        elif effect.message is not None:
            receipt = self._send(effect)
            self._count(effect, receipt.outcome)
            return receipt
        return Receipt(DeliveryOutcome.DELIVERED)

    def _send(self, effect: Effect) -> Receipt:
        message = effect.message
        channel = self.channels.get(message.channel) if message else None
        if message is None or channel is None:
            return Receipt(DeliveryOutcome.REFUSED, "the settings no longer name this channel")
        receipt = channel.send(message)
        if receipt.outcome is DeliveryOutcome.REFUSED:
            log.error("refused: %s", receipt.detail, extra=logs.fields(key=effect.key, queue=effect.queue))
        return receipt

    def _copy(self, group: IncidentGroup, effect: Effect) -> None:
        copy = incident_data(group, effect.incident_id)
        if copy is None:
            return

        def newer(data: Data | None) -> Data | None:
            return None if data is not None and data["revision"] >= group.revision else copy

        known = None if effect.first else ...
        change_document(self.store, INCIDENTS, effect.incident_id, newer, known=known)

    def count_dropped(self, effect: Effect) -> None:
        """Count a message that is never sent: its receiver was not notified in any time, unless it says that something is over."""
        self._count(effect, "superseded")
        if effect.message is not None and effect.message.change not in ENDINGS:
            self._measure((effect,), delivered=False)

    def _measure(self, joined: Sequence[Effect], *, delivered: bool) -> None:
        """Measure the time since the finding behind the oldest message was published."""
        message, since = joined[-1].message, min((one.published_at for one in joined if one.published_at), default=None)
        if message is None or since is None:
            return
        value = max((self.clock() - since).total_seconds(), 0.0) if delivered else math.inf
        for name, by, labels in HISTOGRAMS["aia_notification_seconds"].increments(value):
            self.metrics.count(name, by, channel=message.channel, severity=message.severity.value, **labels)

    def _count(self, effect: Effect, outcome: str) -> None:
        if effect.message is not None:
            self.metrics.count("aia_notifications_total", channel=effect.message.channel, outcome=outcome)


def in_threads(deliveries: Sequence[Callable[[], DeliveryResult]]) -> Iterator[list[DeliveryResult]]:
    """Run deliveries in threads; their logs keep the trace of the request. The results come as they are there."""
    if len(deliveries) < 2:  # noqa: PLR2004 - nothing to run in parallel
        yield [deliver() for deliver in deliveries]
        return
    with ThreadPoolExecutor(max_workers=len(deliveries)) as pool:
        running = {pool.submit(contextvars.copy_context().run, deliver) for deliver in deliveries}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            soon, running = wait(running, timeout=TOGETHER)
            done |= soon
            yield [future.result() for future in done]

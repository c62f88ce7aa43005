"""Notification channels: the port, the rate limit that all instances share through the store, and how the settings open them."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from core.errors import AiaError, ConflictError, LimitedError
from core.events import Severity, stamp
from core.incidents.lifecycle import ENDINGS
from core.incidents.messages import Message
from core.rate import Bucket, RateDecision, RateReason, block, burst_of, take
from core.reports.message import ReportMessage
from core.settings import Channel as Setting
from functions.adapters.logs import fields
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update

S = TypeVar("S", bound=Setting)
COLLECTION = "rates"
_CROWDED = timedelta(seconds=2)
"""How long to wait after too many concurrent writes of the count."""
_WHY = {
    RateReason.BLOCKED: "asked to wait",
    RateReason.SPACED: "the message before was a moment ago",
    RateReason.SPENT: "the messages of this minute are sent",
    RateReason.RESERVED: "what is left of this minute is for critical messages",
}
log = logging.getLogger(__name__)


class DeliveryOutcome(StrEnum):
    """Outcome of a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Response of a channel.

    Attributes:
        outcome: delivered, or refused for good: sending it again would not help.
        detail: for the timeline of the incident; has no secret in it.
    """

    outcome: DeliveryOutcome
    detail: str = ""


class Links(Protocol):
    """Makes links by which a person answers."""

    def knows(self, address: str) -> bool:
        """Whether an address is that of a person."""
        ...

    def __call__(self, address: str, message: Message) -> tuple[tuple[str, str], ...]:
        """The links for an address, with their labels."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How people may answer a message where they read it.

    Attributes:
        slack: whether buttons in Slack answer.
        links: makes the links of mails; None where there are none.
    """

    slack: bool = False
    links: Links | None = None


NO_ANSWERS = Answers()


class Channel(Protocol):
    """A notification channel."""

    def send(self, message: Message) -> Receipt:
        """Send one message; the receiver recognises a repeated one by its key.

        Raises:
            LimitedError: not before an instant, which it names: the rate is exhausted, or the receiver asked to wait.
            UnavailableError: the channel does not accept it now; the error names the channel, and never its address,
                which may have a secret in it.
        """
        ...


@runtime_checkable
class PlainTextChannel(Protocol):
    """A channel that can send a message as text alone: without markup, blocks, facts or buttons."""

    def send_plain_text(self, message: Message) -> Receipt:
        """Send one message as text; raises as `send` does."""
        ...


@runtime_checkable
class ReportChannel(Protocol):
    """A channel that takes reports."""

    def send_report(self, message: ReportMessage) -> Receipt:
        """Send one report, as text alone where it is `plain`; raises as `send` does."""
        ...


def send_report(channel: Channel, message: ReportMessage) -> Receipt:
    """Send a report through a channel; one that takes none refuses it."""
    if isinstance(channel, ReportChannel):
        return channel.send_report(message)
    return Receipt(DeliveryOutcome.REFUSED, "takes no reports")


class PlainTextRetry:
    """Sends a message once more as plain text where the receiver refuses it for good: it may refuse its form only.

    Args:
        channel: the channel.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, message: Message) -> Receipt:
        """Send the message, if need be as text."""
        first = self._channel.send(message)
        if first.outcome is not DeliveryOutcome.REFUSED or not isinstance(self._channel, PlainTextChannel):
            return first
        return _better(first, self._channel.send_plain_text(message))

    def send_report(self, message: ReportMessage) -> Receipt:
        """Send the report, if need be as text."""
        first = send_report(self._channel, message)
        if first.outcome is not DeliveryOutcome.REFUSED or not isinstance(self._channel, ReportChannel):
            return first
        return _better(first, self._channel.send_report(replace(message, plain=True)))


def _better(first: Receipt, second: Receipt) -> Receipt:
    """The receipt of a message that was refused at first and then sent as text."""
    if second.outcome is DeliveryOutcome.DELIVERED:
        return Receipt(DeliveryOutcome.DELIVERED, f"as plain text, since it was refused: {first.detail}")
    return (
        first if second.detail == first.detail else replace(first, detail=f"{first.detail}; as text: {second.detail}")
    )


def one_call(_: Message) -> int:
    """The usual number of calls of a message."""
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a channel uses beside its settings.

    Attributes:
        clock: to read a `Retry-After`.
        seconds: the timeout of a message.
        store: keeps what a channel must remember, for all instances.
        answers: how people may answer.
    """

    clock: Clock
    seconds: float
    store: Store
    answers: Answers = NO_ANSWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind(Generic[S]):
    """A kind of channels.

    Attributes:
        open: creates a channel from its settings; nothing is connected yet.
        seconds: the usual timeout, far below the lease of an effect.
        gap: the least time between two messages.
        calls: how many calls of `per_minute` a message takes.
    """

    open: Callable[[S, Context], Channel]
    seconds: float = 5.0
    gap: timedelta = timedelta(0)
    calls: Callable[[Message], int] = one_call


class Limited:
    """Sends a message when the rate allows it.

    A quarter of the burst is reserved for critical messages; their resolutions may wait.

    Args:
        channel: the limited channel.
        name: the channel's name; instances that share it and the store share the count.
        store: has the count.
        clock: all instances must agree on it to well within a minute.
        per_minute: how many calls may be made in any 60 seconds.
        gap: the least time between two messages.
        calls: the number of calls of a message; at most the burst is counted.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        name: str,
        store: Store,
        clock: Clock,
        per_minute: int,
        gap: timedelta = timedelta(0),
        calls: Callable[[Message], int] = one_call,
    ) -> None:
        self._channel = channel
        self._name = name
        self._store = store
        self._clock = clock
        self._per_minute = per_minute
        self._burst = burst_of(per_minute)
        self._gap = gap
        self._calls = calls
        self._blocked_until: datetime | None = None

    def send(self, message: Message) -> Receipt:
        """Take a call and send the message.

        Raises:
            LimitedError: the rate is exhausted, or the receiver asked to wait; it names the instant.
            UnavailableError: the receiver or the store does not answer.
        """
        urgent = message.severity is Severity.CRITICAL and message.change not in ENDINGS
        return self._limited(lambda: self._channel.send(message), calls=self._calls(message), urgent=urgent)

    def send_report(self, message: ReportMessage) -> Receipt:
        """Take a call and send the report; raises as `send` does."""
        return self._limited(lambda: send_report(self._channel, message), calls=1, urgent=False)

    def _limited(self, send: Callable[[], Receipt], *, calls: int, urgent: bool) -> Receipt:
        self._take(calls, urgent=urgent)
        try:
            return send()
        except LimitedError as error:
            self._block(error.until)
            raise

    def _take(self, calls: int, *, urgent: bool) -> None:
        now = self._clock()
        if self._blocked_until is not None and now < self._blocked_until:
            raise self._not_before(RateReason.BLOCKED, self._blocked_until)
        decision = self._decide(0 if urgent else self._burst // 4, min(calls, self._burst))
        if not decision.allowed:
            raise self._not_before(decision.reason, decision.until)

    def _decide(self, reserve: int, calls: int) -> RateDecision:
        decisions: list[RateDecision] = []

        def change(data: Data | None) -> Data | None:
            held = _bucket(data)
            decision = take(
                held,
                now=self._clock(),
                per_minute=self._per_minute,
                burst=self._burst,
                reserve=reserve,
                calls=calls,
                gap=self._gap,
            )
            decisions.append(decision)
            return None if decision.bucket == held else asdict(decision.bucket)

        try:
            update(self._store, COLLECTION, self._name, change)
        except ConflictError:
            until = self._clock() + _CROWDED
            raise LimitedError(f"channel {self._name}: too many send at once, until {stamp(until)}", until) from None
        return decisions[-1]

    def _block(self, until: datetime) -> None:
        """Make every instance wait; if the store does not answer, at least this one."""
        self._blocked_until = until
        try:
            update(self._store, COLLECTION, self._name, lambda data: asdict(block(_bucket(data), until)))
        except AiaError as error:
            log.warning(
                "pause not shared with other instances: %s", error, extra=fields(channel=self._name, until=stamp(until))
            )

    def _not_before(self, reason: RateReason, until: datetime) -> LimitedError:
        return LimitedError(f"channel {self._name}: {_WHY[reason]}, until {stamp(until)}", until)


def _bucket(data: Data | None) -> Bucket:
    held = data or {}
    return Bucket(full_at=held.get("full_at"), last=held.get("last"), blocked_until=held.get("blocked_until"))


def open_channels(
    settings: Iterable[Setting], clock: Clock, store: Store, answers: Answers = NO_ANSWERS
) -> dict[str, Channel]:
    """The channels of the settings, by name; nothing is connected yet.

    Args:
        settings: of the channels.
        clock: for `Retry-After`, and for the rates.
        store: counts the rates, for all instances together.
        answers: how people may answer.
    """
    return {setting.name: _open(setting, clock, store, answers) for setting in settings}


def kind_of(setting: Setting) -> ChannelKind[Any]:
    """The kind of a channel; its module is imported now, so that only deployments that use a kind pay for it."""
    return cast("ChannelKind[Any]", import_module(f"functions.adapters.notify.{setting.kind}").KIND)


def _open(setting: Setting, clock: Clock, store: Store, answers: Answers) -> Channel:
    kind = kind_of(setting)
    context = Context(clock=clock, seconds=kind.seconds, store=store, answers=answers)
    channel = PlainTextRetry(kind.open(setting, context))
    if not setting.per_minute:
        return channel
    return Limited(
        channel,
        name=setting.name,
        store=store,
        clock=clock,
        per_minute=setting.per_minute,
        gap=kind.gap,
        calls=kind.calls,
    )

"""Channels that fail: a condition for each channel, whose findings are notified through the other channels."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, ConditionState, Hysteresis, Observation, Outcome, Verdict
from core.events import Severity
from functions.adapters.ports import Clock, Store
from functions.services.detection import COLLECTION, state_of

SOURCE = "incidents"
KIND = "delivery"
FIRE_AFTER = 3
"""Failures in a row; one refusal for good is enough, because its message is lost."""
RUNBOOK = "system.md#channels"
MAX_AGE = timedelta(seconds=20)


class DeliveryReason(StrEnum):
    """DeliveryReason of a verdict."""

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


class FailingChannels:
    """The channels whose condition fires, or whose last delivery failed; cached for some seconds.

    Args:
        store: keeps the conditions.
        clock: for the age of the cache.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read_at: datetime | None = None
        self._cached: Mapping[str, bool] = {}

    def __call__(self) -> Mapping[str, bool]:
        """By name, whether a message was refused for good: then only a delivery shows that the channel works again."""
        now = self._clock()
        if self._read_at is None or not timedelta(0) <= now - self._read_at < MAX_AGE:
            documents = self._store.find(COLLECTION, where={"source": SOURCE})
            states = {_name(document.key): state_of(document.data) for document in documents}
            self._cached = {
                name: state.reason == DeliveryReason.REFUSED for name, state in states.items() if _fails(state)
            }
            self._read_at = now
        return self._cached

    def invalidate(self) -> None:
        """Read the conditions again at the next call."""
        self._read_at = None


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

"""Channels that do not take messages are a fault of their own: a condition, whose findings go to the other channels."""

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
"""Failures in a row; of refusals for good one is enough, for the message is lost."""
RUNBOOK = "system.md#channels"
FRESH = timedelta(seconds=20)


class Reason(StrEnum):
    """Why the verdict is what it is."""

    TAKEN = "taken"
    FAILED = "failed"
    """The channel does not answer; the message is sent again."""
    REFUSED = "refused"
    """The message was refused for good."""


def delivered(channel: str, *, fault: str, final: bool = False, at: datetime) -> Observation:
    """How a delivery to a channel went.

    Args:
        channel: the name.
        fault: what it answered, or empty where it takes messages.
        final: whether the message was refused for good.
        at: when.
    """
    verdict = Verdict(
        outcome=Outcome.of(bad=bool(fault)),
        reason=(Reason.REFUSED if final else Reason.FAILED) if fault else Reason.TAKEN,
        summary=f"{channel} does not take messages: {fault}" if fault else f"{channel} takes messages again",
        severity=Severity.ERROR,
    )
    return Observation(spec=_spec(channel, fire_after=1 if final else FIRE_AFTER), verdict=verdict, at=at)


class FailingChannels:
    """The channels that are known not to take messages, or failed of late; read again at most every few seconds.

    Args:
        store: where it is remembered.
        clock: for how long what was read counts as fresh.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read_at: datetime | None = None
        self._known: Mapping[str, bool] = {}

    def __call__(self) -> Mapping[str, bool]:
        """By name, whether a message was refused for good: then only one that is taken shows that it works again."""
        now = self._clock()
        if self._read_at is None or not timedelta(0) <= now - self._read_at < FRESH:
            found = self._store.find(COLLECTION, where={"source": SOURCE})
            states = {_name(one.key): state_of(one.data) for one in found}
            self._known = {name: state.reason == Reason.REFUSED for name, state in states.items() if _fails(state)}
            self._read_at = now
        return self._known

    def forget(self) -> None:
        """Read again when asked next."""
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

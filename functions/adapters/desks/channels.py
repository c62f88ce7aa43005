"""Channels that do not take messages are a fault of their own: a finding, which the other channels tell of."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from core.events import Finding, Severity, Status
from core.hysteresis import observe
from functions.adapters import conditions
from functions.adapters.ports import Bus, Clock, Data, Store
from functions.adapters.store import update

log = logging.getLogger(__name__)
SOURCE = "incidents"
KIND = "delivery"
FIRE_AFTER = 3
"""Failures in a row; of refusals for good one is enough, for the message is lost."""
RUNBOOK = "system.md#channels"
FRESH = timedelta(seconds=20)


def report(store: Store, bus: Bus, channel: str, *, fault: str, final: bool = False, at: datetime) -> None:
    """Count how it went with a channel, and publish what that changes.

    Args:
        store: remembers it.
        bus: takes the finding.
        channel: the name.
        fault: what it answered, or empty where it takes messages.
        final: whether the message was refused for good.
        at: when.
    """
    key = f"channel/{channel}:{KIND}"
    update(store, conditions.COLLECTION, key, partial(_count, channel, fault, at, final))
    found = store.get(conditions.COLLECTION, key)
    if found is not None:
        conditions.publish(store, bus, found)


def publish_unsent(store: Store, bus: Bus) -> None:
    """Publish what the bus did not take when it was found."""
    for found in store.find(conditions.COLLECTION, where={"source": SOURCE, "has_unsent": True}):
        conditions.publish(store, bus, found)


class Troubled:
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
            found = self._store.find(conditions.COLLECTION, where={"source": SOURCE})
            self._known = {_name(one.key): one.data.get("final", False) for one in found if _troubled(one.data)}
            self._read_at = now
        return self._known

    def forget(self) -> None:
        """Read again when asked next."""
        self._read_at = None


def _name(key: str) -> str:
    return key.removeprefix("channel/").removesuffix(f":{KIND}")


def _troubled(data: Data) -> bool:
    return data["status"] == Status.FIRING or bool(data["streak"])


def _count(channel: str, fault: str, at: datetime, final: bool, data: Data | None) -> Data | None:  # noqa: FBT001 - partial
    before = conditions.read(data)
    fire_after = 1 if final else FIRE_AFTER
    after = observe(before, holds=bool(fault), at=at, fire_after=fire_after, recover_after=1)
    if after is before:
        return None
    told = () if after.status is before.status else (_finding(channel, fault, after.status, at),)
    return conditions.write(after, data, SOURCE, *told) | {"final": final}


def _finding(channel: str, fault: str, status: Status, at: datetime) -> Finding:
    says = f"{channel} does not take messages: {fault}" if fault else f"{channel} takes messages again"
    return Finding(
        target=f"channel/{channel}",
        kind=KIND,
        status=status,
        severity=Severity.ERROR,
        observed_at=at,
        source=SOURCE,
        summary=says,
        runbook=RUNBOOK,
    )

"""Performing what is pending: every lane at once, the effects of a lane one after the other, each through the ledger."""

import contextvars
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from core.errors import AiaError, BusyError, LimitedError, UnavailableError
from core.incidents.outbox import Desk, Effect, combined
from functions.adapters import logs
from functions.adapters.desks.documents import INCIDENTS, incident_data
from functions.adapters.ledger import Ledger
from functions.adapters.ledger import Outcome as Done
from functions.adapters.notify.port import Channel, Outcome, Receipt
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.adapters.store import update

log = logging.getLogger(__name__)
CHANGES, ACTIONS = "incidents", "actions"
NOTIFY = "notify:"
"""What the names of the lanes of channels begin with."""
LEASE = timedelta(seconds=30)
"""Longer than any effect takes; a crashed one is repeated after it."""
Spread = Callable[[Sequence[Callable[[], "Lane"]]], "Iterable[Lane]"]


@dataclass(slots=True)
class Lane:
    """How far the effects of one lane came.

    Attributes:
        name: of the lane.
        done: the keys of what is done.
        refused: what a channel refused for good, and what it said.
        error: what ended it; a retry may heal that.
        since: when what ended it was decided.
        limited: what ended it is a limit: it goes on when that allows, and is no fault.
    """

    name: str = ""
    done: list[str] = field(default_factory=list)
    refused: list[tuple[Effect, str]] = field(default_factory=list)
    error: AiaError | None = None
    since: datetime | None = None
    limited: LimitedError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs effects.

    Attributes:
        store: takes the copies of incidents.
        bus: takes the changes and the requests for actions.
        channels: by name.
        ledger: sees to it that an effect happens once.
        metrics: counts what came of the messages.
    """

    store: Store
    bus: Bus
    channels: dict[str, Channel]
    ledger: Ledger
    metrics: Metrics

    def lane(self, desk: Desk, effects: Sequence[Effect]) -> Lane:
        """Perform the effects of a lane in order, up to the first that does not succeed.

        A fault that a retry may heal ends the lane and is handed back: the other lanes do not suffer from it.
        """
        lane = Lane(name=effects[0].lane)
        for group in sorted(combined(effects), key=_urgency):
            lane.since = group[0].since
            try:
                receipt = self._perform(desk, group)
            except LimitedError as error:
                lane.limited = error
                return lane
            except BusyError as error:
                lane.error = error
                return lane
            except AiaError as error:
                lane.error = error
            except Exception as error:
                log.exception("broken", extra=logs.fields(key=group[-1].key, lane=lane.name))
                lane.error = UnavailableError(f"{lane.name}: broken ({type(error).__name__})")
            if lane.error:
                self._count(group[-1], "failed")
                log.warning("not done yet: %s", lane.error, extra=logs.fields(key=group[-1].key, lane=lane.name))
                return lane
            lane.done += [effect.key for effect in group]
            if receipt is not None and receipt.outcome is Outcome.REFUSED:
                lane.refused.append((group[-1], receipt.detail))
        return lane

    def _perform(self, desk: Desk, group: Sequence[Effect]) -> Receipt | None:
        last = group[-1]
        if last.lane == "copy":
            self._copy(desk, last)
            return None
        receipts: list[Receipt] = []
        self._once(list(dict.fromkeys(effect.key for effect in group)), lambda: receipts.append(self._act(last)))
        if not receipts:
            return None
        self._count(last, receipts[0].outcome)
        return receipts[0]

    def _once(self, keys: Sequence[str], act: Callable[[], None]) -> None:
        """Act once for all of these keys, of which every one is claimed before; not where the last one's is done."""
        first, rest = keys[0], keys[1:]
        inner = partial(self._once, rest, act) if rest else act
        if self.ledger.once(first, inner, lease=LEASE) is Done.SKIPPED and rest:
            self._once(rest, act)

    def _act(self, effect: Effect) -> Receipt:
        if effect.change is not None:
            self.bus.publish(CHANGES, effect.change)
        elif effect.request is not None:
            self.bus.publish(ACTIONS, effect.request)
        elif effect.message is not None:
            return self._send(effect)
        return Receipt(Outcome.DELIVERED)

    def _send(self, effect: Effect) -> Receipt:
        message = effect.message
        channel = self.channels.get(message.channel) if message else None
        if message is None or channel is None:
            return Receipt(Outcome.REFUSED, "the settings name no such channel any more")
        receipt = channel.send(message)
        if receipt.outcome is Outcome.REFUSED:
            log.error("refused: %s", receipt.detail, extra=logs.fields(key=effect.key, lane=effect.lane))
        return receipt

    def _copy(self, desk: Desk, effect: Effect) -> None:
        copy = incident_data(desk, effect.incident_id)
        if copy is None:
            return

        def newer(data: Data | None) -> Data | None:
            return None if data is not None and data["revision"] >= desk.revision else copy

        update(self.store, INCIDENTS, effect.incident_id, newer)

    def _count(self, effect: Effect, outcome: str) -> None:
        if effect.message is not None:
            self.metrics.count("aia_notifications_total", channel=effect.message.channel, outcome=outcome)


def _urgency(group: Sequence[Effect]) -> int:
    """The worst messages first: where only critical ones are let through, they do not wait behind the others."""
    message = group[-1].message
    return -message.severity.rank if message else 0


def at_once(lanes: Sequence[Callable[[], Lane]]) -> list[Lane]:
    """Run the lanes in threads of their own; their logs keep the trace of the request."""
    if len(lanes) < 2:  # noqa: PLR2004 - nothing to run beside
        return [lane() for lane in lanes]
    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        futures = [pool.submit(contextvars.copy_context().run, lane) for lane in lanes]
        return [future.result() for future in futures]

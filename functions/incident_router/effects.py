"""Performing what is pending: every lane at once, the effects of a lane one after the other, each through the ledger."""

import contextvars
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from core.errors import AiaError, BusyError, UnavailableError
from core.incidents.outbox import Effect
from functions.adapters import logs
from functions.adapters.ledger import Ledger
from functions.adapters.notify.port import Channel, Outcome, Receipt
from functions.adapters.ports import Bus, Metrics

log = logging.getLogger(__name__)
TOPIC = "incidents"
LEASE = timedelta(seconds=30)
"""Longer than any effect takes; a crashed one is repeated after it."""
Spread = Callable[[Sequence[Callable[[], "Lane"]]], "Iterable[Lane]"]


@dataclass(slots=True)
class Lane:
    """How far the effects of one lane came."""

    done: list[str] = field(default_factory=list)
    refused: list[tuple[Effect, str]] = field(default_factory=list)
    error: AiaError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Performs effects.

    Attributes:
        bus: takes the changes.
        channels: by name.
        ledger: sees to it that an effect happens once.
        metrics: counts what came of the messages.
    """

    bus: Bus
    channels: dict[str, Channel]
    ledger: Ledger
    metrics: Metrics

    def lane(self, effects: Sequence[Effect]) -> Lane:
        """Perform the effects in order, up to the first that does not succeed.

        A fault that a retry may heal ends the lane and is handed back: the other lanes do not suffer from it.
        """
        lane = Lane()
        for effect in effects:
            try:
                receipt = self._perform(effect)
            except BusyError as error:
                lane.error = error
                return lane
            except AiaError as error:
                lane.error = error
            except Exception as error:
                log.exception("broken", extra=logs.fields(key=effect.key, lane=effect.lane))
                lane.error = UnavailableError(f"{effect.lane}: broken ({type(error).__name__})")
            if lane.error:
                self._count(effect, "failed")
                log.warning("not done yet: %s", lane.error, extra=logs.fields(key=effect.key, lane=effect.lane))
                return lane
            lane.done.append(effect.key)
            if receipt is not None and receipt.outcome is Outcome.REFUSED:
                lane.refused.append((effect, receipt.detail))
        return lane

    def _perform(self, effect: Effect) -> Receipt | None:
        receipts: list[Receipt] = []
        self.ledger.once(effect.key, lambda: receipts.append(self._act(effect)), lease=LEASE)
        if not receipts:
            return None
        self._count(effect, receipts[0].outcome)
        return receipts[0]

    def _act(self, effect: Effect) -> Receipt:
        if effect.message is None:
            self.bus.publish(TOPIC, effect.change)
            return Receipt(Outcome.DELIVERED)
        channel = self.channels.get(effect.message.channel)
        if channel is None:
            return Receipt(Outcome.REFUSED, "the settings name no such channel any more")
        receipt = channel.send(effect.message)
        if receipt.outcome is Outcome.REFUSED:
            log.error("refused: %s", receipt.detail, extra=logs.fields(key=effect.key, lane=effect.lane))
        return receipt

    def _count(self, effect: Effect, outcome: str) -> None:
        if effect.message is not None:
            self.metrics.count("aia_notifications_total", channel=effect.message.channel, outcome=outcome)


def at_once(lanes: Sequence[Callable[[], Lane]]) -> list[Lane]:
    """Run the lanes in threads of their own; their logs keep the trace of the request."""
    if len(lanes) < 2:  # noqa: PLR2004 - nothing to run beside
        return [lane() for lane in lanes]
    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        futures = [pool.submit(contextvars.copy_context().run, lane) for lane in lanes]
        return [future.result() for future in futures]

"""Windows of a log that was there before its model was monitored: scored and stored as any other, and nobody is notified of them."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Event, Finding
from functions.adapters.logs import fields
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score.conditions import Kind
from functions.drift_score.watch import Outside

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Unreported:
    """A bus and metrics that pass nothing on; why a model could not be scored is logged."""

    def publish(self, topic: str, event: Event, **attributes: str) -> None:  # noqa: ARG002 - the port's signature
        if isinstance(event, Finding) and event.kind == Kind.SCORING_FAILED:
            log.warning("%s: %s", event.target, event.summary, extra=fields(target=event.target))

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        """Set nothing: a chart of now shows no past."""

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        """Count nothing."""

    def flush(self) -> None:
        """Send nothing."""


def unreported(outside: Outside) -> Outside:
    """The same tables and profiles, with conditions, findings and gauges that nobody sees."""
    silent = _Unreported()
    return replace(outside, store=SqliteStore(":memory:"), bus=silent, metrics=silent)

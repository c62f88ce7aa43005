"""From a request body to published findings and parked refusals: no alert is lost.

Findings are published before anything is parked, so that a warehouse that is down holds up no alert. Where the bus or
the table of dead letters does not answer, the whole body must be delivered again: its findings have the same ids, and
are duplicates.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.events import Finding
from functions.adapters import logs
from functions.adapters.ports import BulkBus, Metrics
from functions.alert_intake.alert import Outcome, Refusal
from functions.alert_intake.formats import understand
from functions.alert_intake.reading import Json, UnreadableError, decode
from functions.runtime.endpoint import LONGEST_REASON
from functions.runtime.push import Message, Park

log = logging.getLogger(__name__)
NAME = "alert_intake"
TOPIC = "findings"
LARGEST: Final = 8_000_000
"""Bytes of a body that is read: reading takes many times as much memory."""
MOST_LETTERS: Final = 100
"""Refusals of one body that are parked individually; if there are more, the whole body is parked."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Result of processing a body.

    Attributes:
        accepted: how many alerts were published.
        parked: how many were parked.
    """

    accepted: int
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes bodies in.

    Attributes:
        bus: publishes the findings.
        park: parks what cannot be read.
        metrics: counts.
    """

    bus: BulkBus
    park: Park
    metrics: Metrics

    def take(self, body: bytes, *, path: str, now: datetime, message: Message | None = None) -> Taken:
        """Publish every alert in a body, and park what cannot be understood.

        Args:
            body: of any form.
            path: that it was posted to, for the log.
            now: when it was received, in UTC; the same for a redelivery, if known.
            message: the message that carried it, if one did.

        Raises:
            UnavailableError: the bus or the table of dead letters does not answer; the body must be delivered again.
        """
        outcomes = read(body, now)
        findings = [outcome for outcome in outcomes if isinstance(outcome, Finding)]
        refused = [(index, outcome) for index, outcome in enumerate(outcomes) if isinstance(outcome, Refusal)]
        taken = Taken(len(findings), sum(refusal.alerts for _, refusal in refused))
        self.bus.publish_all(TOPIC, findings)
        if len(refused) > MOST_LETTERS:
            told = f"{taken.parked} of {taken.accepted + taken.parked} alerts, first: {refused[0][1].reason}"
            self._park(body, Refusal(told, None, taken.parked), message, None)
        else:
            self._park_each(refused, body, message, alone=len(outcomes) == 1)
        log.info(
            "%d accepted, %d parked", taken.accepted, taken.parked, extra=logs.fields(function=NAME, path=path[:80])
        )
        return taken

    def _park_each(
        self, refused: Sequence[tuple[int, Refusal]], body: bytes, message: Message | None, *, alone: bool
    ) -> None:
        for index, refusal in refused:
            self._park(body if alone else _part(refusal.element, body), refusal, message, None if alone else index)

    def _park(self, part: bytes, refusal: Refusal, message: Message | None, index: int | None) -> None:
        """Keep a part of a body; each part of a message has an id of its own, or they would count as one letter."""
        if message is not None and index is not None:
            message = replace(message, id=f"{message.id}/{index}")
        reason = refusal.reason[:LONGEST_REASON].encode(errors="replace").decode()
        self.park(part, reason, message)
        self.metrics.count("aia_function_requests_total", refusal.alerts, function=NAME, outcome="parked")
        log.warning("parked: %s", reason, extra=logs.fields(function=NAME, message_id=message and message.id))


def read(body: bytes, now: datetime) -> Sequence[Outcome]:
    """The content of a body, in order: at least one finding or refusal."""
    if len(body) > LARGEST:
        return [Refusal(f"body: must be at most {LARGEST} bytes, got {len(body)}", None)]
    try:
        return understand(decode(body), now)
    except UnreadableError as error:
        return [Refusal(str(error), None)]
    except Exception as error:  # a sender gives up on a body that fails each time; parked, a person can still read it
        log.exception("alert not parsed", extra=logs.fields(function=NAME))
        return [Refusal(f"unexpected {type(error).__name__}: {error}", None)]


def _part(element: Json, body: bytes) -> bytes:
    """One element of a body; if it cannot be encoded alone, the whole body."""
    try:
        return json.dumps(element).encode()
    except (ValueError, RecursionError):
        return body

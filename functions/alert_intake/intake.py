"""From a request body to published findings and parked refusals: no alert is lost.

Findings are published before anything is parked, so that a warehouse that is down holds up no alert. Where the bus or
the table of dead letters does not answer, the whole body must be delivered again: its findings have the same ids, and
are duplicates.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from core.errors import UnavailableError
from core.events import Finding, RegistryChange, Status
from core.settings import AlertIntakeSettings
from functions.adapters import logs
from functions.adapters.ports import BulkBus, Metrics, Store
from functions.alert_intake import unheard
from functions.alert_intake.alert import Beat, Ignored, LeftOut, Outcome, Refusal
from functions.alert_intake.envelopes import unwrapped
from functions.alert_intake.format import Format
from functions.alert_intake.formats import FORMATS, UNKNOWN, Content, understand
from functions.alert_intake.reading import Json, UnreadableError, decode
from functions.runtime.endpoint import LONGEST_REASON
from functions.runtime.push import Message, Park
from functions.services import alert_replicas
from functions.services.alert_replicas import Replicated

log = logging.getLogger(__name__)
NAME = "alert_intake"
TOPIC, REGISTRY_TOPIC = "findings", "pipeline-runs"
AT_ONCE: Final = 500
"""Alerts that are read and published together: all of a large body would need much memory."""
MOST_LETTERS: Final = 100
"""Refusals of one body that are parked individually; if there are more, the whole body is parked."""
MOST_SENDERS, OTHER = 50, "other"
"""Senders with a dead man's switch, and the name of those beyond."""
_SAMPLE = 1000


def _unchecked(_body: Json) -> None:
    """Take what is not signed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Result of processing a body.

    Attributes:
        accepted: how many alerts were published.
        parked: how many were parked.
        ignored: how many say nothing of a target.
    """

    accepted: int
    parked: int
    ignored: int


@dataclass(slots=True)
class _Refused:
    """The refusals of a body: all are counted, those that are parked one by one are kept."""

    alerts: int = 0
    count: int = 0
    kept: list[tuple[int, Refusal]] = field(default_factory=list)
    reasons: dict[str, tuple[Refusal, int]] = field(default_factory=dict)

    def add(self, index: int, refusal: Refusal) -> None:
        self.alerts += refusal.alerts
        self.count += 1
        if len(self.kept) < MOST_LETTERS:
            self.kept.append((index, refusal))
        cause = unheard.cause(refusal.reason)
        first, alerts = self.reasons.get(cause, (refusal, 0))
        self.reasons[cause] = first, alerts + refusal.alerts


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes bodies in.

    Attributes:
        bus: publishes the findings.
        park: parks what cannot be read.
        metrics: counts.
        store: opens what remembers the replicas of a sender, at its first use.
        settings: how long alerts hold that are not sent again.
        check: refuses what is not signed as its kind must be; raises as `sns.Signatures.check` does.
        formats: in the order in which they are tried.
        beats: the senders whose dead man's switch was received.
    """

    bus: BulkBus
    park: Park
    metrics: Metrics
    store: Callable[[], Store]
    settings: AlertIntakeSettings = field(default_factory=AlertIntakeSettings)
    check: Callable[[Json], None] = _unchecked
    formats: Sequence[Format] = FORMATS
    beats: set[str] = field(default_factory=set)

    def take(self, body: bytes, *, path: str, now: datetime, message: Message | None = None, fault: str = "") -> Taken:
        """Publish every alert in a body, and park what cannot be understood.

        Args:
            body: of any form.
            path: that it was posted to: names the sender of what is of no known format.
            now: when it was received, in UTC; the same for a redelivery, if known.
            message: the message that carried it, if one did.
            fault: why the body cannot be read at all, if it is known already.

        Raises:
            UnavailableError: the bus or the table of dead letters does not answer; the body must be delivered again.
        """
        content = Content(UNKNOWN, [Refusal(fault, None)]) if fault else read(body, now, self.formats, self.check)
        refused = _Refused()
        counts = Counter[str]()
        for batch in _batches(content.outcomes):
            self._publish(batch, refused, counts, now)
        taken = Taken(counts["accepted"], refused.alerts, counts["ignored"])
        if refused.count:
            self._tell(refused, _sender(content.sender, path), body, now)
            self._park_all(refused, body, message, alone=counts.total() + refused.count == 1)
        said = logs.fields(function=NAME, path=path[:80])
        log.info("%d accepted, %d parked, %d ignored", taken.accepted, taken.parked, taken.ignored, extra=said)
        return taken

    def refuse(self, reason: str, *, path: str, now: datetime) -> None:
        """Publish that a body was refused unread.

        Raises:
            UnavailableError: the bus does not answer.
        """
        self.bus.publish_all(TOPIC, [unheard.finding(_sender(UNKNOWN, path), reason, "", 1, now)])

    def _publish(
        self, batch: Iterable[tuple[int, Outcome]], refused: _Refused, counts: "Counter[str]", now: datetime
    ) -> None:
        findings, notices, changes = list[Finding | Replicated](), list[Finding](), list[RegistryChange]()
        for index, outcome in batch:
            match outcome:
                case Finding() | Replicated():
                    findings.append(outcome)
                case RegistryChange():
                    changes.append(outcome)
                case Refusal():
                    refused.add(index, outcome)
                case LeftOut():
                    notices.append(outcome.finding)
                    self.metrics.count("aia_alerts_left_out_total", outcome.alerts, sender=outcome.finding.source)
                case Beat():
                    counts["accepted"] += 1
                    self._beat(outcome.sender, now)
                case Ignored():
                    counts["ignored"] += 1
                    log.info("ignored: %s", outcome.reason, extra=logs.fields(function=NAME))
        told = self._told(findings, now)
        self.bus.publish_all(TOPIC, [*told, *notices])
        if changes:
            self.bus.publish_all(REGISTRY_TOPIC, changes)
        counts["accepted"] += len(told) + len(changes)
        counts["ignored"] += len(findings) - len(told)

    def _told(self, found: Sequence[Finding | Replicated], now: datetime) -> list[Finding]:
        """The findings, without the ends at one replica of what fires at another; each holds as long as the settings say of its source."""
        holding = [
            replace(one, finding=self._holding(one.finding, now))
            if isinstance(one, Replicated)
            else self._holding(one, now)
            for one in found
        ]
        replicated = [one for one in holding if isinstance(one, Replicated)]
        merged = iter(alert_replicas.merged(self.store(), replicated, now) if replicated else ())
        told = [next(merged) if isinstance(one, Replicated) else one for one in holding]
        return [one for one in told if one is not None]

    def _holding(self, finding: Finding, now: datetime) -> Finding:
        held = self.settings.holds_for.get(finding.source)
        if held is None or finding.status is not Status.FIRING or finding.holds_until is not None:
            return finding
        return replace(finding, holds_until=now + held)

    def _beat(self, sender: str, now: datetime) -> None:
        """Set the time of a sender's newest beat; of too many senders the later ones are one."""
        self.beats.add(sender if len(self.beats) < MOST_SENDERS else OTHER)
        known = sender if sender in self.beats else OTHER
        self.metrics.gauge("aia_watchdog_timestamp_seconds", now.timestamp(), at=now, sender=known)

    def _tell(self, refused: _Refused, sender: str, body: bytes, now: datetime) -> None:
        sample = body[:_SAMPLE].decode(errors="replace")
        told = [
            unheard.finding(sender, first.reason, _shown(first.element) or sample, alerts, now)
            for first, alerts in refused.reasons.values()
        ]
        self.bus.publish_all(TOPIC, told)

    def _park_all(self, refused: _Refused, body: bytes, message: Message | None, *, alone: bool) -> None:
        if refused.count > MOST_LETTERS:
            first = refused.kept[0][1].reason
            self._park(body, Refusal(f"{refused.alerts} alerts, first: {first}", None, refused.alerts), message, None)
            return
        for index, refusal in refused.kept:
            self._park(body if alone else _part(refusal.element, body), refusal, message, None if alone else index)

    def _park(self, part: bytes, refusal: Refusal, message: Message | None, index: int | None) -> None:
        """Keep a part of a body; each part of a message has an id of its own, or they would count as one letter."""
        if message is not None and index is not None:
            message = replace(message, id=f"{message.id}/{index}")
        reason = refusal.reason[:LONGEST_REASON].encode(errors="replace").decode()
        self.park(part, reason, message)
        self.metrics.count("aia_function_requests_total", refusal.alerts, function=NAME, outcome="parked")
        log.warning("parked: %s", reason, extra=logs.fields(function=NAME, message_id=message and message.id))


def read(
    body: bytes, now: datetime, formats: Sequence[Format] = FORMATS, check: Callable[[Json], None] = _unchecked
) -> Content:
    """The content of a body."""
    try:
        given = unwrapped(decode(body))
        check(given)
        return understand(given, now, formats)
    except UnavailableError:
        raise
    except UnreadableError as error:
        return Content(UNKNOWN, [Refusal(str(error), None)])
    except Exception as error:  # as of one alert
        log.exception("body not parsed", extra=logs.fields(function=NAME))
        return Content(UNKNOWN, [Refusal(f"unexpected {type(error).__name__}: {error}", None)])


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[tuple[int, Outcome]]]:
    numbered = iter(enumerate(outcomes))
    while batch := list(islice(numbered, AT_ONCE)):
        yield batch


def _sender(name: str, path: str) -> str:
    """The format, or what the path says of a body of none."""
    return name if name != UNKNOWN else path.strip("/").partition("/")[0][:40] or UNKNOWN


def _part(element: Json, body: bytes) -> bytes:
    """One element of a body; if it cannot be encoded alone, the whole body."""
    try:
        return json.dumps(element).encode()
    except (ValueError, RecursionError):
        return body


def _shown(element: Json) -> str:
    """The beginning of a refused element; empty for none, and for one that cannot be encoded. No more of it is encoded."""
    if element is None:
        return ""
    found = ""
    try:
        for piece in json.JSONEncoder().iterencode(_cut(element)):
            found += piece
            if len(found) >= _SAMPLE:
                break
    except (ValueError, RecursionError):
        return ""
    return found[:_SAMPLE]


def _cut(element: Json) -> Json:
    """The element, its own texts no longer than what is shown."""
    if isinstance(element, str):
        return element[:_SAMPLE]
    if isinstance(element, dict):
        return {
            key: _cut(value) if isinstance(value, str) else value for key, value in islice(element.items(), _SAMPLE)
        }
    return element

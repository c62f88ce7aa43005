"""A foreign alert, and the finding that it becomes: the same rules for all formats."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from core.events import YEARS, Finding, RegistryChange, Severity, Status
from functions.adapters.redact import is_secret
from functions.alert_intake import safe, targets
from functions.alert_intake.reading import IrrelevantError, Json, UnreadableError
from functions.services.alert_replicas import Replicated

log = logging.getLogger(__name__)
UNWATCHED_FOR = timedelta(hours=1)
"""How long a finding holds whose source stopped watching before a recovery was seen."""
UNENDED_FOR = timedelta(days=1)
"""How long a finding holds whose source never says that it is over, unless it is sent again."""
AHEAD = timedelta(days=1)
"""How far ahead of now a clock may be that is believed."""
FARTHEST_END = timedelta(days=30)
"""An end that is farther away says nothing."""
MOST_EVIDENCE = 6
MOST_LABELS = 20
MOST_ALERTS = 20_000
"""Alerts of one body that are read; the others are refused together."""
_LONGEST_NAME = 40
_LONGEST_EVIDENCE = 160
_LATER = timedelta(microseconds=1)
_PREFERRED = ("namespace", "instance", "pod", "container", "region", "zone", "location", "environment", "version")
_SAID_ELSEWHERE = ("alertname", "severity", "priority", "level", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as a format reads it, before sanitising.

    Attributes:
        source: the system that noticed.
        name: of the alert or the rule.
        target: from `targets`, or empty if none is named.
        status: whether it holds.
        severity: how bad it is.
        now: when it came, in UTC.
        started: since when it holds, or None.
        ended: since when it no longer holds, or None.
        holds_until: when it counts as over unless it is repeated, or None.
        identity: further labels that distinguish it on its target, the same when it fires and when it is resolved.
        summary: the first of these that is not empty is the line for people.
        value: the observed number.
        threshold: its limit.
        unit: of both.
        evidence: what supports it, the most important first.
        labels: those that its source gave it, the same when it fires and when it is resolved.
        links: the first of these that is a web address is shown.
        runbook: the address or section, unchecked.
        replica: which of several senders says so, where a label names it.
    """

    source: str
    name: str
    target: str
    status: Status
    severity: Severity
    now: datetime
    started: datetime | None = None
    ended: datetime | None = None
    holds_until: datetime | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    summary: tuple[str, ...] = ()
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    runbook: str = ""
    replica: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be understood, and why.

    Attributes:
        reason: where, and what is allowed.
        element: the parked part of the body.
        alerts: how many alerts that are.
    """

    reason: str
    element: Json
    alerts: int = 1


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is understood and says nothing of a target, as a rule that was paused.

    Attributes:
        reason: in one line, for the log.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Alerts that a sender says it left out.

    Attributes:
        finding: about the sender.
        alerts: how many.
    """

    finding: Finding
    alerts: float


@dataclass(frozen=True, slots=True)
class Beat:
    """An alert that always fires, so that its absence says that alerting does not work.

    Attributes:
        sender: whose alerting works.
    """

    sender: str


Outcome = Finding | Replicated | RegistryChange | Refusal | Ignored | LeftOut | Beat


def each(elements: list[Json], read: Callable[[Json], Alert | Beat], where: str) -> Iterator[Outcome]:
    """Every element as the finding it is, or as a refusal, in their order; those beyond the limit are one refusal.

    One after another, so that the findings of a large body are never all there at once.

    Args:
        elements: of a body.
        read: reads one; raises `UnreadableError`, or `IrrelevantError` where there is nothing to tell.
        where: the place of the list in the body, as in `$.alerts`.
    """
    for index, element in enumerate(islice(elements, MOST_ALERTS)):
        yield _one(element, read, f"{where}[{index}]")
    if len(elements) > MOST_ALERTS:
        reason = f"{where}: must hold at most {MOST_ALERTS} alerts, got {len(elements)}; the first ones are read"
        yield Refusal(reason, elements[MOST_ALERTS:], len(elements) - MOST_ALERTS)


def one(element: Json, read: Callable[[Json], Alert]) -> Iterator[Outcome]:
    """A body that is one alert."""
    yield _one(element, read, "$")


def finding(alert: Alert) -> Finding:
    """The finding that an alert is.

    While it fires it is about the instant it started, so that a repetition is the same finding again; when it is
    resolved, about the instant it ended, which is after the start.
    """
    name = alert.name or "alert"
    target = alert.target or targets.make("alert", alert.name or "unnamed")
    until = alert.holds_until if alert.status is Status.FIRING else None
    return Finding(
        target=target,
        kind=targets.kind(name, alert.identity),
        status=alert.status,
        severity=alert.severity,
        observed_at=_observed_at(alert),
        source=safe.line(alert.source, _LONGEST_NAME) or "webhook",
        summary=next((line for text in alert.summary if (line := safe.line(text))), "")
        or safe.line(f"{name} on {target}"),
        value=alert.value,
        threshold=alert.threshold,
        unit=safe.line(alert.unit.lower(), _LONGEST_NAME),
        evidence=_evidence(alert),
        labels=_labels(alert),
        runbook=safe.runbook(alert.runbook),
        holds_until=until if until and until - alert.now <= FARTHEST_END and until.year in YEARS else None,
    )


def shown(labels: Mapping[str, str], *consumed: str) -> dict[str, str]:
    """The labels that are shown, the most informative first."""
    names = [name for name in _PREFERRED if name in labels]
    names += sorted(name for name in labels if name not in _PREFERRED)
    hidden = {*_SAID_ELSEWHERE, *consumed}
    return {name: labels[name] for name in names if name not in hidden and not name.startswith("__")}


def _one(element: Json, read: Callable[[Json], Alert | Beat], where: str) -> Outcome:
    try:
        found = read(element)
        if isinstance(found, Beat):
            return found
        return Replicated(finding(found), found.replica) if found.replica else finding(found)
    except IrrelevantError as error:
        return Ignored(f"{where}: {error}")
    except UnreadableError as error:
        return Refusal(f"{where}: {error}", element)
    except Exception as error:  # a sender gives up on what fails each time; parked, a person can still read it
        log.exception("alert not parsed")
        return Refusal(f"{where}: unexpected {type(error).__name__}: {error}", element)


def _observed_at(alert: Alert) -> datetime:
    started = _believed(alert.started, alert.now)
    if alert.status is Status.FIRING:
        return started or alert.now
    ended = _believed(alert.ended, alert.now) or alert.now
    return started + _LATER if started and ended <= started else ended


def _believed(instant: datetime | None, now: datetime) -> datetime | None:
    return instant if instant and instant - now <= AHEAD else None


def _labels(alert: Alert) -> dict[str, str]:
    """The labels by which routes may group: those that are no secrets."""
    return dict(islice(_lines(alert.labels), MOST_LABELS))


def _lines(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and texts that are no secrets, each as one short line."""
    given = ((name, text) for name, text in texts.items() if not is_secret(name))
    lines = ((safe.line(name, _LONGEST_NAME), safe.line(text, _LONGEST_EVIDENCE)) for name, text in given)
    return ((name, text) for name, text in lines if name and text)


def _evidence(alert: Alert) -> dict[str, str]:
    link = next((address for text in alert.links if (address := safe.link(text))), "")
    kept = dict(islice(_lines(alert.evidence), MOST_EVIDENCE - bool(link)))
    return kept | {"link": link} if link else kept

"""Records of decisions: each event as it was decided on, and what became of each message and request.

A record is an effect of its decision, saved in the same write. That of an event that entails nothing is published when the event
is handled, and an event whose record the bus does not take is delivered again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from core.events import ActionDecision, Command, DecisionKind, Delivered, Finding, IncidentDecision, stamp
from core.incidents.effects import DecisionEffects
from core.incidents.kept import kept_finding
from core.incidents.measured import KnownOrders
from core.incidents.outbox import Effect, IncidentGroup
from functions.services.incidents.delivery import DeliveryResult


def about(event: Finding | Command | ActionDecision, group: str, published_at: datetime) -> IncidentDecision:
    """The record of an event that is about to be decided on.

    Args:
        event: without secrets.
        group: that is decided over; empty for a silence.
        published_at: when it was published.
    """
    kept = kept_finding(event) if isinstance(event, Finding) else event
    return IncidentDecision(
        kind=DecisionKind(event.TYPE),
        incident_group=group,
        revision=0,
        event_id=event.id,
        target=event.subject if isinstance(event, Command) else event.target,
        # Not `encode`: it sorts the evidence, of which people are told the first pieces.
        event=msgspec.json.encode(kept).decode(),
        published_at=published_at,
        decided_at=published_at,
    )


def about_sweep(scheduled_at: datetime, group: str = "", *, at: datetime) -> IncidentDecision:
    """The record of a sweep, or of one group that it decides over.

    Args:
        scheduled_at: of its tick.
        group: the group; empty for the sweep itself.
        at: the present.
    """
    return IncidentDecision(
        kind=DecisionKind.SWEEP,
        incident_group=group,
        revision=0,
        event_id=f"sweep:{stamp(scheduled_at)}",
        target="",
        event="",
        published_at=scheduled_at,
        decided_at=at,
    )


def known_text(known: KnownOrders) -> str:
    """What a decision knew of orders, as its record has it: JSON, or empty where it knew nothing."""
    return msgspec.json.encode(known).decode() if known.measured or known.losses else ""


def decided(event: IncidentDecision | None, effects: DecisionEffects, now: datetime) -> Iterator[IncidentDecision]:
    """The records of a decision: of its event, and of the messages and requests that are dropped for it.

    Args:
        event: as `about` gives it; None where it is not recorded.
        effects: of the decision.
        now: the instant of the decision.
    """
    if event is not None and effects.group.pending:
        yield replace(event, revision=effects.group.revision, decided_at=now)
    for effect in effects.dropped:
        if effect.message is not None or effect.request is not None:
            yield _delivery(effects.group, effect, "dropped", at=now)


def delivered(
    pending: Sequence[Effect], after: IncidentGroup, results: Sequence[DeliveryResult], at: datetime
) -> Iterator[IncidentDecision]:
    """The records of what was delivered.

    Args:
        pending: the effects before.
        after: the next revision of the group.
        results: of its queues.
        at: the instant.
    """
    done = {key for result in results for key in result.done}
    merged = {key for result in results for key in result.merged}
    refused = {effect.key: detail for result in results for effect, detail in result.refused}
    for effect in pending:
        if effect.key in done and (effect.message is not None or effect.request is not None):
            outcome = "merged" if effect.key in merged else "refused" if effect.key in refused else "delivered"
            yield _delivery(after, effect, outcome, refused.get(effect.key, ""), at=at)


def _delivery(
    group: IncidentGroup, effect: Effect, outcome: str, detail: str = "", *, at: datetime
) -> IncidentDecision:
    return IncidentDecision(
        kind=DecisionKind.DELIVERY,
        incident_group=group.state.name,
        revision=group.revision,
        event_id=effect.key,
        target="",
        event=msgspec.json.encode(_delivered(effect, outcome, detail)).decode(),
        published_at=effect.since,
        decided_at=at,
    )


def _delivered(effect: Effect, outcome: str, detail: str) -> Delivered:
    message, request = effect.message, effect.request
    about = message or request
    return Delivered(
        incident_id=effect.incident_id,
        outcome=outcome,
        target=about.target if about else "",
        channel=message.channel if message else "",
        change=message.change if message else "",
        severity=about.severity if about else "",
        title=message.title if message else "",
        detail=detail,
        action=request.action if request else "",
        mode=request.mode if request else "",
    )

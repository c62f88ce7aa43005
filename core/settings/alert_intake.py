"""The section `alert_intake`: how alerts of other systems are read, whatever their format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from core.settings.kinds import Slug
from core.settings.notes import Items, Pattern, Range

_Label = Annotated[str, Pattern(r"[A-Za-z_][A-Za-z0-9_]{0,79}", "must be the name of a label, as in 'replica'")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertIntakeSettings:
    """Alerts of other systems."""

    holds_for: Mapping[Slug, Annotated[timedelta, Range("5m", "30d")]] = field(default_factory=dict)
    """How long an alert holds unless it is sent again, by its source, as in `alertmanager: 12h`: three times the interval in which that
    system repeats it. After that it is no longer reported, and whether it recovered is not known. Of a source that is not named, it holds
    until it is resolved, or for `incidents.resolve_after`."""
    replica_labels: Annotated[tuple[_Label, ...], Items(unique=True)] = ("prometheus_replica", "__replica__")
    """Labels of Prometheus and Alertmanager that name one of several replicas: alerts that differ only in them are one condition, which
    is over when no replica says that it fires."""

"""The section `reports`: who gets which report, and when."""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated

from core.settings.kinds import Slug, TimeZone
from core.settings.notes import Default, Items, OneOf, Range, Refers
from core.settings.people import DAYS, STAKEHOLDERS

WITHOUT_REPORTS = frozenset({"pagerduty"})
"""Kinds of channels that take no reports: they page people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSchedule:
    """A weekly report to some channels."""

    report: Annotated[str, OneOf(*STAKEHOLDERS)]
    """Which report: that of a stakeholder group."""
    to: Annotated[tuple[Annotated[Slug, Refers("channel")], ...], Items(at_least=1, unique=True)]
    """The channels that get it, each once a week; PagerDuty takes no reports."""
    day: Annotated[str, OneOf(*DAYS)] = "mon"
    """Day of the week on which it is sent."""
    at: Annotated[time, Default("08:00")] = time(8)
    """Time of day at which it is sent, by the local clock."""
    time_zone: TimeZone = "UTC"
    """Time zone of that clock; the week itself is one of `business.time_zone`."""
    wait: Annotated[timedelta, Range("0s", "3d")] = timedelta(hours=12)
    """How long it waits for data that is not complete; then it is sent, and says what is missing."""

"""The section `alert_rules`: when it is a finding that a rule of `infra/alerts` has no data."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from core.events import Severity
from core.settings.notes import Items, NoneAs, Pattern, Range

_RulePattern = Annotated[
    str, Pattern(r"[A-Za-z0-9*]{1,100}", "must be a pattern of the names of rules, as in 'Postgres*'")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRuleSettings:
    """Alert rules whose metric is absent: they cannot fire, and are not known."""

    unused: Annotated[tuple[_RulePattern, ...], Items(unique=True)] = ()
    """Rules about systems that are not there, by pattern: they are not looked at."""
    no_verdict_after: Annotated[timedelta | None, Range("15m", "6d"), NoneAs("never")] = timedelta(days=1)
    """How long a metric that a rule needs may be absent before that is a finding. One that was absent for the last seven days is
    shown as not known, and is no finding: nobody can tell a system that is not there from one that never reported."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""

"""The section `partners`: whose calls are watched, and what they must be like."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from core.events import Severity
from core.settings.kinds import Share, Slug, Streak
from core.settings.notes import Defines, NoneAs, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner that is integrated, by the calls of the last hour in `telemetry.partner_calls`."""

    name: Annotated[Slug, Defines("partner")]
    """Name of the partner, as in the column `partner` and in the target `partner/NAME`."""
    success_ratio: Share | None = None
    """Least share of calls that must succeed."""
    latency: Annotated[timedelta | None, Range("1ms", "10m")] = None
    """Maximum latency of calls, 95th percentile."""
    calls_per_hour: Annotated[int | None, Range(1, 1_000_000_000)] = None
    """Least number of calls in an hour."""
    minimum_calls: Annotated[int, Range(1, 1_000_000)] = 20
    """With fewer calls neither their success nor their latency is known."""
    fail_after: Streak = 2
    """Number of consecutive bad verdicts, five minutes apart, before a finding."""
    recover_after: Streak = 2
    """Number of consecutive good verdicts before it is resolved."""
    severity: Severity = Severity.ERROR
    """Severity of the findings."""
    no_verdict_after: Annotated[timedelta | None, Range("5m", "90d"), NoneAs("never")] = timedelta(days=1)
    """How long nothing may be known of the partner before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""

    @property
    def target(self) -> str:
        """The partner as a target."""
        return f"partner/{self.name}"

"""Health of the integration with a partner: the verdicts on its calls of an hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, NoVerdict, Observation, Outcome, Verdict
from core.settings import Partner
from core.text import number, percent

SOURCE = "telemetry_rollup"


class PartnerKind(StrEnum):
    """Kinds of findings of a partner."""

    ERRORS = "partner_errors"
    SLOW = "partner_slow"
    VOLUME = "partner_volume"


class PartnerReason(StrEnum):
    """Reason of a verdict."""

    WITHIN_LIMIT = "within_limit"
    BEYOND_LIMIT = "beyond_limit"
    TOO_FEW_CALLS = "too_few_calls"
    NO_CALLS_OF_ANY_PARTNER = "no_calls_of_any_partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerCalls:
    """Calls of a partner in an hour.

    Attributes:
        partner: its name.
        calls: their number, each once.
        failures: those that failed.
        seconds: 95th percentile of their latency; None where no call has one.
    """

    partner: str
    calls: int
    failures: int
    seconds: float | None

    @property
    def success_ratio(self) -> float | None:
        """Share of calls that succeeded, 0 to 1; None without calls."""
        return 1 - self.failures / self.calls if self.calls else None


def observations(partner: Partner, calls: PartnerCalls, at: datetime, *, any_calls: bool) -> Iterator[Observation]:
    """The verdicts on what the settings limit.

    Args:
        partner: the settings.
        calls: of the hour before the instant.
        at: the instant.
        any_calls: whether there are calls of any partner in that hour. Where there are none, the calls are probably not reported.
    """
    limited = [kind for kind, limit in _limits(partner).items() if limit is not None]
    for kind in limited:
        yield Observation(
            spec=_spec(partner, kind, watched=kind is limited[0]),
            verdict=_verdict(partner, kind, calls, any_calls=any_calls),
            at=at,
        )


def _limits(partner: Partner) -> dict[PartnerKind, float | None]:
    return {
        PartnerKind.ERRORS: partner.success_ratio,
        PartnerKind.SLOW: partner.latency.total_seconds() if partner.latency else None,
        PartnerKind.VOLUME: partner.calls_per_hour,
    }


def _spec(partner: Partner, kind: PartnerKind, *, watched: bool) -> ConditionSpec:
    return ConditionSpec(
        target=partner.target,
        kind=kind,
        source=SOURCE,
        runbook=f"business.md#{kind}",
        hysteresis=Hysteresis(fire_after=partner.fail_after, recover_after=partner.recover_after),
        no_verdict=NoVerdict(after=partner.no_verdict_after, severity=partner.no_verdict_severity) if watched else None,
    )


def _verdict(partner: Partner, kind: PartnerKind, calls: PartnerCalls, *, any_calls: bool) -> Verdict:
    limit = _limits(partner)[kind] or 0.0
    if kind is PartnerKind.VOLUME:
        if not any_calls:
            return _unknown(partner, PartnerReason.NO_CALLS_OF_ANY_PARTNER, "no calls of any partner are reported")
        text = f"{calls.calls} calls in an hour, at least {limit:g} are expected"
        return _of(partner, float(calls.calls), limit, "", text, bad=calls.calls < limit)
    value = calls.success_ratio if kind is PartnerKind.ERRORS else calls.seconds
    if value is None or calls.calls < partner.minimum_calls:
        return _unknown(partner, PartnerReason.TOO_FEW_CALLS, f"only {calls.calls} calls in an hour")
    if kind is PartnerKind.ERRORS:
        text = f"{percent(value)} of {calls.calls} calls in an hour succeeded, at least {percent(limit)} must"
        return _of(partner, value, limit, "ratio", text, bad=value < limit)
    text = f"95% of {calls.calls} calls in an hour took at most {number(value, 'seconds')}, the limit is {number(limit, 'seconds')}"
    return _of(partner, value, limit, "seconds", text, bad=value > limit)


def _of(partner: Partner, value: float, limit: float, unit: str, text: str, *, bad: bool) -> Verdict:
    return Verdict(
        outcome=Outcome.of(bad=bad),
        reason=PartnerReason.BEYOND_LIMIT if bad else PartnerReason.WITHIN_LIMIT,
        summary=f"{partner.name}: {text}",
        severity=partner.severity,
        value=value,
        threshold=limit,
        unit=unit,
    )


def _unknown(partner: Partner, reason: PartnerReason, text: str) -> Verdict:
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=reason, summary=f"{partner.name}: {text}")

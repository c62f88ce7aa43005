"""Health of partners: the verdicts on their calls."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.detection import Outcome
from core.events import Severity
from core.partners import PartnerCalls, PartnerKind, PartnerReason, observations
from core.settings import Partner

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
BANK = Partner(name="bank", success_ratio=0.99, latency=timedelta(seconds=2), calls_per_hour=50, minimum_calls=20)
CALLS = PartnerCalls(partner="bank", calls=100, failures=1, seconds=2.0)
Found = dict[PartnerKind, tuple[Outcome, PartnerReason]]


def judged(calls: PartnerCalls, partner: Partner = BANK, *, any_calls: bool = True) -> Found:
    found = observations(partner, calls, AT, any_calls=any_calls)
    return {PartnerKind(one.spec.kind): (one.verdict.outcome, PartnerReason(one.verdict.reason)) for one in found}


GOOD, BAD = (Outcome.GOOD, PartnerReason.WITHIN_LIMIT), (Outcome.BAD, PartnerReason.BEYOND_LIMIT)
FEW, NONE = (
    (Outcome.NOT_KNOWN, PartnerReason.TOO_FEW_CALLS),
    (Outcome.NOT_KNOWN, PartnerReason.NO_CALLS_OF_ANY_PARTNER),
)


@pytest.mark.parametrize(
    ("changed", "errors", "slow", "volume"),
    [
        ({}, GOOD, GOOD, GOOD),  # each exactly at its limit or just within
        ({"failures": 2}, BAD, GOOD, GOOD),
        ({"seconds": 2.01}, GOOD, BAD, GOOD),
        ({"seconds": None}, GOOD, FEW, GOOD),
        ({"calls": 50, "failures": 0}, GOOD, GOOD, GOOD),
        ({"calls": 49, "failures": 49}, BAD, GOOD, BAD),
        ({"calls": 19, "failures": 19}, FEW, FEW, BAD),
        ({"calls": 0, "failures": 0, "seconds": None}, FEW, FEW, BAD),
    ],
)
def test_each_limit_has_a_verdict(changed: dict[str, int], errors: object, slow: object, volume: object) -> None:
    found = judged(replace(CALLS, **changed))
    assert found == {PartnerKind.ERRORS: errors, PartnerKind.SLOW: slow, PartnerKind.VOLUME: volume}


def test_nothing_is_bad_where_no_partner_has_calls() -> None:
    none = PartnerCalls(partner="bank", calls=0, failures=0, seconds=None)
    assert judged(none, any_calls=False) == {PartnerKind.ERRORS: FEW, PartnerKind.SLOW: FEW, PartnerKind.VOLUME: NONE}


def test_what_is_not_limited_is_not_judged_and_one_condition_watches_for_no_verdict() -> None:
    slow_only = replace(BANK, success_ratio=None, calls_per_hour=None)
    assert list(judged(CALLS, slow_only)) == [PartnerKind.SLOW]
    assert judged(CALLS, replace(slow_only, latency=None)) == {}
    for partner in (BANK, slow_only):
        watched = [one.spec.no_verdict is not None for one in observations(partner, CALLS, AT, any_calls=True)]
        assert watched.count(True) == 1


def test_a_verdict_says_what_was_measured() -> None:
    [errors, slow, _] = observations(replace(BANK, severity=Severity.CRITICAL), CALLS, AT, any_calls=True)
    assert errors.verdict.summary == "bank: 99% of 100 calls in an hour succeeded, at least 99% must"
    assert (errors.verdict.value, errors.verdict.threshold, errors.verdict.unit) == (0.99, 0.99, "ratio")
    assert slow.verdict.summary == "bank: 95% of 100 calls in an hour took at most 2 s, the limit is 2 s"
    assert (errors.spec.target, errors.verdict.severity) == ("partner/bank", Severity.CRITICAL)
    assert errors.spec.runbook == "business.md#partner_errors"

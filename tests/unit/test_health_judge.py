"""From a probe's results to verdicts on its conditions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.detection import Hysteresis, Observation, Outcome
from core.events import Severity
from core.health import ProbeKind, ProbeReason, ProbeResult, observations
from core.settings import Address, Expect, HttpProbe, TcpProbe, TlsProbe

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SITE = HttpProbe(name="api", every=MINUTE, url="http://h/", expect=Expect(latency=timedelta(seconds=1)))
CERT = TlsProbe(name="web", every=MINUTE, host="h", warn_before=21 * DAY, critical_before=7 * DAY)
UP = ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail="HTTP 200")
DOWN = ProbeResult(ok=False, reason=ProbeReason.REFUSED, latency=0.1, detail="refused: http://h/")


def shows(left: timedelta) -> ProbeResult:
    return replace(UP, certificate_expires_at=AT + left)


def kinds(seen: tuple[Observation, ...]) -> dict[ProbeKind, bool]:
    """Whether each condition is bad."""
    return {ProbeKind(one.spec.kind): one.verdict.outcome is Outcome.BAD for one in seen}


def test_a_good_answer_says_up_and_not_slow() -> None:
    assert kinds(observations(SITE, UP, AT)) == {ProbeKind.ENDPOINT_DOWN: False, ProbeKind.SLOW: False}


def test_a_slow_answer_is_slow_and_not_down() -> None:
    seen = observations(SITE, replace(UP, latency=1.5), AT)
    assert kinds(seen) == {ProbeKind.ENDPOINT_DOWN: False, ProbeKind.SLOW: True}
    slow = seen[1].verdict
    assert (slow.value, slow.threshold, slow.unit) == (1.5, 1.0, "seconds")


def test_an_answer_that_takes_exactly_what_is_allowed_is_not_slow() -> None:
    assert not kinds(observations(SITE, replace(UP, latency=1.0), AT))[ProbeKind.SLOW]


def test_what_does_not_answer_is_down_and_says_nothing_of_speed() -> None:
    assert kinds(observations(SITE, replace(DOWN, latency=9.0), AT)) == {ProbeKind.ENDPOINT_DOWN: True}


def test_without_an_expected_latency_nothing_is_slow() -> None:
    probe = TcpProbe(name="db", every=MINUTE, address=Address(host="h", port=1))
    assert kinds(observations(probe, replace(UP, latency=99.0), AT)) == {ProbeKind.ENDPOINT_DOWN: False}


def test_down_counts_as_the_settings_say() -> None:
    probe = replace(SITE, fail_after=4, recover_after=5)
    found = {one.spec.hysteresis for one in observations(probe, UP, AT)}
    assert found == {Hysteresis(fire_after=4, recover_after=5)}


def test_the_dates_of_a_certificate_do_not_flap() -> None:
    probe = replace(CERT, fail_after=4, recover_after=5)
    assert observations(probe, shows(DAY), AT)[-1].spec.hysteresis == Hysteresis()


@pytest.mark.parametrize(
    ("left", "outcome", "severity"),
    [
        (22 * DAY, Outcome.GOOD, Severity.WARNING),
        (21 * DAY, Outcome.BAD, Severity.WARNING),
        (8 * DAY, Outcome.BAD, Severity.WARNING),
        (7 * DAY, Outcome.BAD, Severity.CRITICAL),
        (-DAY, Outcome.BAD, Severity.CRITICAL),
    ],
)
def test_a_certificate_warns_and_then_is_critical(left: timedelta, outcome: Outcome, severity: Severity) -> None:
    seen = observations(CERT, shows(left), AT)[-1]
    assert (seen.spec.kind, seen.verdict.outcome, seen.verdict.severity) == (
        ProbeKind.CERTIFICATE_EXPIRING,
        outcome,
        severity,
    )
    assert seen.verdict.value == left.total_seconds()


@pytest.mark.parametrize(
    ("left", "words"), [(2 * DAY, "expires in 2.0 days, on 2026-01-04"), (-DAY, "expired 1.0 days ago, on 2026-01-01")]
)
def test_a_certificate_tells_its_date(left: timedelta, words: str) -> None:
    assert observations(CERT, shows(left), AT)[-1].verdict.summary == f"the certificate of web {words}"


def test_a_refused_certificate_is_down_and_still_counts_its_days() -> None:
    expired = replace(DOWN, reason=ProbeReason.CERTIFICATE_EXPIRED, certificate_expires_at=AT - DAY)
    assert kinds(observations(CERT, expired, AT)) == {
        ProbeKind.ENDPOINT_DOWN: True,
        ProbeKind.CERTIFICATE_EXPIRING: True,
    }


def test_no_certificate_says_nothing_of_its_days() -> None:
    assert kinds(observations(CERT, DOWN, AT)) == {ProbeKind.ENDPOINT_DOWN: True}


def test_the_certificate_of_an_http_probe_is_another_probes_business() -> None:
    assert ProbeKind.CERTIFICATE_EXPIRING not in kinds(observations(SITE, shows(DAY), AT))


def test_a_verdict_names_its_condition_and_what_the_probe_saw() -> None:
    [down, *_] = observations(SITE, DOWN, AT)
    assert (down.spec.key, down.spec.runbook) == ("probe/api:endpoint_down", "probes.md#endpoint_down")
    assert (down.at, down.verdict.severity) == (AT, Severity.CRITICAL)
    assert down.verdict.summary == "api is down: refused: http://h/"
    assert (down.verdict.reason, down.verdict.evidence) == (ProbeReason.REFUSED, {"detail": "refused: http://h/"})

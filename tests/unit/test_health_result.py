"""What counts as the expected answer, when a probe is due, how available a target was, and where a probe looks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health import ProbeReason, ProbeResult, availability, due, judge
from core.settings import Address, DnsProbe, HttpProbe, Probe, TcpProbe, TlsProbe

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def answer(status: int, body: str = "") -> ProbeResult:
    return ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail=f"HTTP {status}", status=status, body=body)


def test_a_result_is_ok_exactly_when_its_reason_says_so() -> None:
    with pytest.raises(ValueError, match="reason: must be ok exactly when ok, got timeout with ok=True"):
        ProbeResult(ok=True, reason=ProbeReason.TIMEOUT, latency=0.0, detail="")
    with pytest.raises(ValueError, match="got ok with ok=False"):
        ProbeResult(ok=False, reason=ProbeReason.OK, latency=0.0, detail="")


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        (200, None, ProbeReason.OK),
        (299, None, ProbeReason.OK),
        (199, None, ProbeReason.WRONG_STATUS),
        (300, None, ProbeReason.WRONG_STATUS),
        (404, 404, ProbeReason.OK),
        (200, 404, ProbeReason.WRONG_STATUS),
        (204, 200, ProbeReason.WRONG_STATUS),
    ],
)
def test_the_status_must_be_the_expected_one(status: int, expected: int | None, reason: ProbeReason) -> None:
    assert judge(answer(status), status=expected).reason is reason


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        ("all ok here", "ok", ProbeReason.OK),
        ("", None, ProbeReason.OK),
        ("", "ok", ProbeReason.WRONG_BODY),
        ("O.K.", "ok", ProbeReason.WRONG_BODY),
        ("ok", "o.", ProbeReason.WRONG_BODY),
    ],
)
def test_the_body_must_contain_the_expected_text_as_it_stands(
    body: str, expected: str | None, reason: ProbeReason
) -> None:
    assert judge(answer(200, body), body=expected).reason is reason


def test_the_status_is_judged_before_the_body() -> None:
    assert judge(answer(500, "ok"), status=200, body="missing").detail == "status: must be 200, got 500"


def test_what_failed_already_keeps_its_reason() -> None:
    failed = ProbeResult(ok=False, reason=ProbeReason.TIMEOUT, latency=5.0, detail="timeout")
    assert judge(failed, status=200, body="ok") is failed


def test_what_is_no_http_answer_is_not_judged() -> None:
    seen = ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail="accepts")
    assert judge(seen, status=200, body="ok") is seen


def test_the_body_is_not_shown() -> None:
    assert "hush" not in repr(answer(200, "hush")) + repr(judge(answer(200, "hush"), body="ok"))


@given(every=st.integers(1, 1440), start=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001 - the strategy adds the zone
def test_a_probe_is_due_once_in_every_period(every: int, start: datetime) -> None:
    period = timedelta(minutes=every)
    ticks = [start + timedelta(minutes=minute) for minute in range(every)]
    assert sum(due(period, tick) for tick in ticks) == 1


@given(at=st.datetimes(timezones=st.timezones()), every=st.sampled_from([1, 5, 7, 60, 1440]))
def test_when_a_probe_is_due_does_not_depend_on_the_time_zone(at: datetime, every: int) -> None:
    period = timedelta(minutes=every)
    assert due(period, at) == due(period, at.astimezone(UTC))


@pytest.mark.parametrize("every", [timedelta(), -MINUTE, timedelta(seconds=59), timedelta(seconds=90)])
def test_a_period_that_is_no_whole_number_of_minutes_is_refused(every: timedelta) -> None:
    with pytest.raises(ValueError, match="every: must be a whole number of minutes"):
        due(every, AT)


def test_availability_is_the_share_that_was_up() -> None:
    assert availability([True, False]) == 0.5
    assert availability([False]) == 0.0
    assert availability([]) == 1.0


@pytest.mark.parametrize(
    ("probe", "shown"),
    [
        (HttpProbe(name="a", every=MINUTE, url="https://me:hush@h:8/p/q?t=hush#f"), "https://h:8/p/q"),
        (HttpProbe(name="a", every=MINUTE, url="http://[::1]:8"), "http://[::1]:8"),
        (TlsProbe(name="a", every=MINUTE, host="h"), "h:443"),
        (TcpProbe(name="a", every=MINUTE, address=Address(host="::1", port=8)), "[::1]:8"),
        (DnsProbe(name="a", every=MINUTE, host="h.test"), "h.test"),
    ],
)
def test_where_a_probe_looks_is_shown_without_its_secrets(probe: Probe, shown: str) -> None:
    assert probe.where == shown

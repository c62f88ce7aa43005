"""How long notifications take, from the publishing of a finding until a channel accepted them."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import UnavailableError
from core.events import Severity, Status, Verb
from core.metrics import CATALOGUE, HISTOGRAMS
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.incident_router.router import Received, handle
from tests.support.fakes.outside import FINDING, Setup, set_up

NAME = "aia_notification_seconds"


@pytest.fixture
def setup() -> Setup:
    return set_up()


def critical(setup: Setup, *, seconds_ago: float) -> None:
    finding = replace(FINDING, severity=Severity.CRITICAL, observed_at=setup.world.now)
    handle(setup.service, Received(finding, setup.world.now - timedelta(seconds=seconds_ago)))


def buckets(setup: Setup, channel: str, severity: str = "critical") -> dict[str, float]:
    return {
        labels[2]: setup.world.counts[name, *labels]
        for name, *labels in setup.world.counts
        if name == f"{NAME}_le_total" and labels[:2] == [channel, severity]
    }


def total(setup: Setup, channel: str, severity: str = "critical") -> tuple[float, float]:
    """Their number and their sum."""
    counts = setup.world.counts
    return counts[f"{NAME}_le_total", channel, severity, "+Inf"], counts[f"{NAME}_total", channel, severity]


def test_a_notification_is_in_every_bucket_from_its_time_on(setup: Setup) -> None:
    critical(setup, seconds_ago=4)
    found = buckets(setup, "inbox")
    assert found == {"1": 0, "2.5": 0, "5": 1, "10": 1, "30": 1, "60": 1, "300": 1, "1800": 1, "+Inf": 1}
    assert total(setup, "inbox") == total(setup, "log") == (1, 4)


def test_one_that_was_sent_late_counts_from_its_finding(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("inbox: no answer")
    with pytest.raises(UnavailableError):
        critical(setup, seconds_ago=0)
    assert total(setup, "inbox") == (0, 0)
    setup.channels["inbox"].fault = None
    setup.sweep(seconds=50)
    assert buckets(setup, "inbox")["30"] == 0
    assert total(setup, "inbox") == (1, 50)


def test_one_that_is_refused_is_in_no_bucket_but_the_last(setup: Setup) -> None:
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.REFUSED, "404")
    critical(setup, seconds_ago=1)
    assert {le: number for le, number in buckets(setup, "inbox").items() if number} == {"+Inf": 1}
    assert total(setup, "inbox") == (1, 0)


def test_one_that_is_dropped_while_a_channel_is_down_is_in_no_bucket_but_the_last(setup: Setup) -> None:
    """Nothing is within the objective because it was never sent."""
    setup.channels["inbox"].fault = UnavailableError("inbox: no answer")
    for number in range(12):
        kept = replace(FINDING, kind=f"kind-{number}", severity=Severity.CRITICAL, observed_at=setup.world.now)
        for severity in (Severity.ERROR, Severity.CRITICAL):  # opened, then worse, of which the first gives way
            finding = replace(kept, target=f"table/{number % 2}", severity=severity)
            with contextlib.suppress(UnavailableError):
                handle(setup.service, Received(finding, setup.world.now))
        setup.world.now += timedelta(minutes=50)
        resolved = replace(kept, target=f"table/{number % 2}", status=Status.RESOLVED, observed_at=setup.world.now)
        handle(setup.service, Received(resolved, setup.world.now))
        setup.world.now += timedelta(minutes=50)
    dropped = setup.world.counts["aia_notifications_total", "inbox", "superseded"]
    assert dropped > 0
    lost = sum(buckets(setup, "inbox", severity).get("+Inf", 0) for severity in ("error", "critical"))
    assert 0 < lost <= dropped
    assert sum(buckets(setup, "inbox", severity).get("1800", 0) for severity in ("error", "critical")) == 0


def test_what_time_or_a_person_is_the_cause_of_is_not_measured(setup: Setup) -> None:
    critical(setup, seconds_ago=1)
    before = total(setup, "inbox"), total(setup, "pager")
    setup.sweep(minutes=6)
    setup.command(Verb.ACKNOWLEDGE)
    assert {"escalated", "acknowledged"} <= {message.change.value for message in setup.world.told}
    assert (total(setup, "inbox"), total(setup, "pager")) == before


def test_the_counters_of_a_histogram_are_in_the_catalogue() -> None:
    histogram = HISTOGRAMS[NAME]
    names = {metric.name: metric for metric in histogram.metrics}
    assert names.keys() == {f"{NAME}_le_total", f"{NAME}_total"}
    assert all(CATALOGUE[name] == metric for name, metric in names.items())
    assert {name for name, by, _ in histogram.increments(0.0) if by == 0} == {f"{NAME}_total"}

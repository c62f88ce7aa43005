"""PagerDuty against a server that enforces the Events API v2."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import LimitedError, UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Fact
from core.settings.channels import PagerdutyChannel
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.notify.pagerduty import PagerDuty, calls, dedup_key, events
from tests.support.builders.letters import MESSAGE, NOW
from tests.support.checks.quiet import quiet, said
from tests.support.servers.pagerduty import PagerDutyServer
from tests.support.servers.receivers import Reply
from tests.support.servers.targets import serving

KEY = "0123456789abcdef0123456789SECRET"
SECONDS = 2.0


@pytest.fixture
def server() -> Iterator[PagerDutyServer]:
    made = PagerDutyServer()
    with serving(made):
        yield made


def channel(url: str, key: str = KEY) -> PagerDuty:
    return PagerDuty(PagerdutyChannel(name="pager", key=key, url=url), lambda: NOW, SECONDS)


@pytest.fixture
def pager(server: PagerDutyServer) -> PagerDuty:
    return channel(server.url)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, KEY):
        yield


def sent(server: PagerDutyServer) -> list[dict[str, Any]]:
    return [call.body for call in server.log.calls]


def test_an_incident_becomes_an_alert_with_all_that_is_known(pager: PagerDuty, server: PagerDutyServer) -> None:
    assert pager.send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    assert sent(server) == [
        {
            "routing_key": KEY,
            "event_action": "trigger",
            "dedup_key": MESSAGE.incident_id,
            "payload": {
                "summary": MESSAGE.title,
                "source": "model/m",
                "severity": "critical",
                "timestamp": "2026-01-02T09:00:00Z",
                "component": "m",
                "group": "model",
                "class": "drift",
                "custom_details": {
                    "Change": "opened",
                    "Impact": "$1,200 an hour",
                    "Evidence": MESSAGE.facts[1].text.strip(),
                    "Message": MESSAGE.text,
                },
            },
            "client": "aia",
            "client_url": MESSAGE.url,
            "links": [
                {"href": MESSAGE.url, "text": "The incident: see and acknowledge it"},
                {"href": MESSAGE.runbook, "text": "Runbook: what to do"},
            ],
        }
    ]


@pytest.mark.parametrize("change", list(Change))
def test_every_change_has_its_action(pager: PagerDuty, server: PagerDutyServer, change: Change) -> None:
    pager.send(replace(MESSAGE, change=change))
    care = {Change.ACKNOWLEDGED: ["acknowledge"], Change.MITIGATED: ["acknowledge"]}
    ends = {Change.RESOLVED: ["resolve"], Change.MERGED: ["resolve"], Change.EXPIRED: []}
    ends |= {one: ["resolve", "trigger"] for one in (Change.UNACKNOWLEDGED, Change.REOPENED)}
    assert [event["event_action"] for event in sent(server)] == (care | ends).get(change, ["trigger"])
    assert len(sent(server)) == calls(replace(MESSAGE, change=change))


def test_what_only_went_silent_stays_open_until_its_source_says_that_it_recovered(
    pager: PagerDuty, server: PagerDutyServer
) -> None:
    states = []
    for change in (Change.OPENED, Change.EXPIRED, Change.RESOLVED):
        assert pager.send(replace(MESSAGE, change=change)).outcome is DeliveryOutcome.DELIVERED
        states.append(server.alerts[MESSAGE.incident_id])
    assert states == ["triggered", "triggered", "resolved"]


def test_what_went_silent_before_the_pager_heard_of_it_pages(pager: PagerDuty, server: PagerDutyServer) -> None:
    pager.send(replace(MESSAGE, change=Change.EXPIRED, missed=True))
    *_, event = sent(server)
    assert (event["event_action"], event["payload"]["severity"]) == ("trigger", "critical")


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_has_its_own(pager: PagerDuty, server: PagerDutyServer, severity: Severity) -> None:
    pager.send(replace(MESSAGE, severity=severity))
    assert [event["payload"]["severity"] for event in sent(server)] == [severity.value]


def test_the_life_of_an_incident_is_the_life_of_one_alert(pager: PagerDuty, server: PagerDutyServer) -> None:
    states = []
    for change in (Change.OPENED, Change.OPENED, Change.ACKNOWLEDGED, Change.ESCALATED, Change.RESOLVED):
        pager.send(replace(MESSAGE, change=change))
        states.append(server.alerts[MESSAGE.incident_id])
    assert states == ["triggered", "triggered", "acknowledged", "acknowledged", "resolved"]
    assert len(server.alerts) == 1


@pytest.mark.parametrize(
    "changes",
    [
        (Change.OPENED, Change.ACKNOWLEDGED, Change.UNACKNOWLEDGED),
        (Change.OPENED, Change.ACKNOWLEDGED, Change.EXPIRED, Change.REOPENED),  # an expiry leaves the alert as it is
        (
            Change.OPENED,
            Change.ACKNOWLEDGED,
            Change.REOPENED,
        ),  # the resolution between was dropped while the channel was down
    ],
)
def test_what_nobody_has_any_more_pages_anew(
    pager: PagerDuty, server: PagerDutyServer, changes: tuple[Change, ...]
) -> None:
    for change in changes:
        pager.send(replace(MESSAGE, change=change))
    assert server.alerts == {MESSAGE.incident_id: "triggered"}


def test_an_escalation_in_place_of_a_withdrawal_that_was_missed_pages_anew(
    pager: PagerDuty, server: PagerDutyServer
) -> None:
    escalated = replace(MESSAGE, change=Change.ESCALATED)
    pager.send(MESSAGE)
    pager.send(replace(MESSAGE, change=Change.ACKNOWLEDGED))
    assert server.alerts == {MESSAGE.incident_id: "acknowledged"}
    pager.send(replace(escalated, missed=True))
    assert server.alerts == {MESSAGE.incident_id: "triggered"}
    assert calls(replace(escalated, missed=True)) == 2


def test_a_withdrawal_that_fails_in_the_middle_is_completed_by_the_next_attempt(
    pager: PagerDuty, server: PagerDutyServer
) -> None:
    message = replace(MESSAGE, change=Change.UNACKNOWLEDGED)
    server.scripted.extend([Reply(202), Reply(500)])
    with pytest.raises(UnavailableError, match="channel pager: answered 500"):
        pager.send(message)
    assert pager.send(message).outcome is DeliveryOutcome.DELIVERED
    assert server.alerts == {MESSAGE.incident_id: "triggered"}


@pytest.mark.parametrize(
    ("change", "severity", "state"),
    [(Change.RESOLVED, "info", "resolved"), (Change.ACKNOWLEDGED, "critical", "acknowledged")],
)
def test_what_ends_an_alert_that_was_never_sent_sends_it_first(
    pager: PagerDuty, server: PagerDutyServer, change: Change, severity: str, state: str
) -> None:
    message = replace(MESSAGE, change=change, missed=True)
    assert pager.send(message).outcome is DeliveryOutcome.DELIVERED
    first, second = sent(server)
    assert (first["event_action"], first["payload"]["severity"]) == ("trigger", severity)
    assert second["dedup_key"] == first["dedup_key"]
    assert server.alerts == {MESSAGE.incident_id: state}
    assert calls(message) == 2


def test_a_resolution_that_fails_in_the_middle_is_completed_by_the_next_attempt(
    pager: PagerDuty, server: PagerDutyServer
) -> None:
    message = replace(MESSAGE, change=Change.RESOLVED, missed=True)
    server.scripted.extend([Reply(202), Reply(500)])
    with pytest.raises(UnavailableError, match="channel pager: answered 500"):
        pager.send(message)
    assert pager.send(message).outcome is DeliveryOutcome.DELIVERED
    assert server.alerts == {MESSAGE.incident_id: "resolved"}


def test_a_first_event_that_is_refused_is_not_followed_by_another(pager: PagerDuty, server: PagerDutyServer) -> None:
    server.scripted.append(Reply(400))
    assert pager.send(replace(MESSAGE, change=Change.RESOLVED, missed=True)) == Receipt(
        DeliveryOutcome.REFUSED, "HTTP 400"
    )
    assert server.log.requests == 1


def test_a_runbook_that_is_a_path_is_a_detail_and_no_link(pager: PagerDuty, server: PagerDutyServer) -> None:
    pager.send(replace(MESSAGE, runbook="docs/runbooks/models.md#drift", url="/#incident=1"))
    (event,) = sent(server)
    assert "links" not in event
    assert "client_url" not in event
    assert event["payload"]["custom_details"]["Runbook"] == "docs/runbooks/models.md#drift"


def test_facts_of_one_name_are_all_kept() -> None:
    message = replace(MESSAGE, facts=tuple(Fact(name="Also", text=str(number)) for number in range(3)))
    details = events(message)[0]["payload"]["custom_details"]
    assert (details["Also"], details["Also (2)"], details["Also (3)"]) == ("0", "1", "2")


def test_a_long_id_keeps_its_beginning_and_stays_different_from_others() -> None:
    one, other = dedup_key("x" * 300), dedup_key("x" * 299 + "y")
    assert one != other
    assert one.startswith("x" * 100)
    assert len(one) == len(other) == 255


def test_a_refusal_says_why_and_never_shows_the_key(pager: PagerDuty, server: PagerDutyServer) -> None:
    why = {"message": "Event object is invalid", "errors": [f"'routing_key' {KEY} is bad", f"\x1b{KEY.lower()}"]}
    server.scripted.append(Reply(400, json.dumps(why).encode()))
    receipt = pager.send(MESSAGE)
    assert receipt == Receipt(DeliveryOutcome.REFUSED, "HTTP 400: Event object is invalid; 'routing_key' … is bad; …")


def test_the_server_itself_refuses_a_key_that_is_none(server: PagerDutyServer) -> None:
    receipt = channel(server.url, "short").send(MESSAGE)
    assert receipt.outcome is DeliveryOutcome.REFUSED
    assert "'routing_key' is too … (minimum is 32 characters)" in receipt.detail


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"\xff\xfe", b"[" * 10_000, b'{"errors": 7}', b"{}"])
def test_a_refusal_without_sense_is_one(pager: PagerDuty, server: PagerDutyServer, body: bytes) -> None:
    server.scripted.append(Reply(400, body))
    assert pager.send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "HTTP 400")


@pytest.mark.parametrize("status", [200, 201, 204])
def test_another_success_is_none_of_pagerduty_s(pager: PagerDuty, server: PagerDutyServer, status: int) -> None:
    server.scripted.append(Reply(status))
    with pytest.raises(UnavailableError, match=f"channel pager: answered {status}"):
        pager.send(MESSAGE)


def test_the_server_takes_no_more_than_its_limit(server: PagerDutyServer, pager: PagerDuty) -> None:
    for _ in range(120):
        assert pager.send(MESSAGE).outcome is DeliveryOutcome.DELIVERED
    with pytest.raises(LimitedError) as caught:
        pager.send(MESSAGE)
    assert timedelta(0) < caught.value.until - NOW <= timedelta(seconds=60)
    assert server.log.limited == 1


@pytest.mark.parametrize("url", ["http://[", "nonsense", "http://127.0.0.1:1/"])
def test_no_error_shows_the_key(url: str) -> None:
    pager = channel(url)
    with pytest.raises(UnavailableError) as caught:
        pager.send(MESSAGE)
    assert KEY not in said(caught.value) + repr(pager)

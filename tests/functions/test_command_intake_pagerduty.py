"""What a person does in PagerDuty becomes a command."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.events import Command, Verb
from tests.support.fakes.command_intake import (
    INCIDENT,
    NEW,
    OLD,
    Intake,
    from_pagerduty,
    signed_by_pagerduty,
    webhook,
)

pytest_plugins = ["tests.support.fakes.command_intake_fixtures"]


@pytest.mark.parametrize(
    ("event_type", "verb"),
    [
        ("incident.acknowledged", Verb.ACKNOWLEDGE),
        ("incident.resolved", Verb.RESOLVE),
        ("incident.reopened", Verb.REOPEN),
        ("incident.unacknowledged", Verb.GIVE_BACK),
    ],
)
def test_what_a_person_does_in_pagerduty_is_done_here(intake: Intake, event_type: str, verb: Verb) -> None:
    assert from_pagerduty(intake, webhook(event_type)).status_code == 200
    at = datetime(2026, 1, 2, 8, 59, 22, 169_000, tzinfo=UTC)
    command = Command(verb=verb, subject=INCIDENT, by="Ada", at=at)
    assert intake.bus.published == [("commands", command, {"verb": verb.value})]


@pytest.mark.parametrize(
    "agent",
    [
        None,
        {"id": "PINT001", "type": "inbound_integration_reference", "summary": "Events API V2"},
        {"id": "PADA001", "type": "service_reference"},
        {"type": "user_reference"},
        {},
    ],
)
def test_our_own_acknowledgement_is_not_echoed(intake: Intake, agent: Any) -> None:
    """What we send by the Events API has no user as its agent."""
    body = webhook(agent=agent, client={"name": "aia"})
    assert (from_pagerduty(intake, body).status_code, intake.commands) == (200, [])


def test_an_incident_that_a_person_merged_in_pagerduty_is_not_resolved_here(intake: Intake) -> None:
    """PagerDuty resolves it in the name of that person, and moves our alert to the other one; the fault is not over."""
    into = {"id": "Q1R2CQGUUJ00NN", "type": "incident_reference", "summary": "The server is on fire."}
    data = {"id": "PGR0VU2", "type": "incident", "status": "resolved", "incident_key": INCIDENT}
    merged = data | {"resolve_reason": {"type": "merge_resolve_reason", "incident": into}}
    assert (from_pagerduty(intake, webhook("incident.resolved", data=merged)).status_code, intake.commands) == (200, [])
    by_person = data | {"resolve_reason": None}
    assert from_pagerduty(intake, webhook("incident.resolved", data=by_person, id="another")).status_code == 200
    assert [command.verb for command in intake.commands] == [Verb.RESOLVE]


def test_a_user_who_is_not_in_the_settings_may_not(intake: Intake, caplog: pytest.LogCaptureFixture) -> None:
    body = webhook(agent={"id": "PEVE001", "type": "user_reference"})
    assert (from_pagerduty(intake, body).status_code, intake.commands) == (200, [])
    assert "PagerDuty user PEVE001" in caplog.text


def test_an_event_that_is_replayed_has_no_effect(intake: Intake) -> None:
    for days in (0, 1, 1):
        intake.world.now += timedelta(days=days)
        assert from_pagerduty(intake, webhook()).status_code == 200
    assert len(intake.commands) == 1


def test_an_event_that_is_older_than_what_pagerduty_retries_has_no_effect(intake: Intake) -> None:
    intake.world.now += timedelta(days=40)  # the ledger has forgotten it
    assert (from_pagerduty(intake, webhook()).status_code, intake.commands) == (200, [])


@pytest.mark.parametrize(
    ("secrets", "status"), [((OLD,), 200), ((OLD, NEW), 200), (("x", "y", NEW), 200), (("x", "y"), 401)]
)
def test_one_signature_of_several_is_enough_while_secrets_rotate(
    intake: Intake, secrets: tuple[str, ...], status: int
) -> None:
    body = webhook()
    assert intake.send("/pagerduty", body, **signed_by_pagerduty(body, *secrets)).status_code == status
    assert len(intake.commands) == (status == 200)


@pytest.mark.parametrize("header", ["", "v1=", "v2=é", "v1=" + "0" * 64, ",".join(["v1=0"] * 5000)])
def test_a_forged_webhook_is_refused(intake: Intake, header: str) -> None:
    answer = intake.send("/pagerduty", webhook(), X_PagerDuty_Signature=header)
    assert (answer.status_code, intake.commands) == (401, [])


@pytest.mark.parametrize(
    "body",
    [
        webhook("incident.triggered"),
        webhook("incident.annotated"),
        webhook("pagey.ping", agent=None, data={"message": "Hello from your friend Pagey!", "type": "ping"}),
        webhook(key="of another system"),
        webhook(key=None),
        webhook(key="é" * 500),
        webhook(data=None),
    ],
)
def test_what_is_not_about_our_incidents_is_answered_and_does_nothing(intake: Intake, body: bytes) -> None:
    assert (from_pagerduty(intake, body).status_code, intake.commands) == (200, [])


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 10_000, b"\xff", webhook(occurred_at="yesterday"), webhook(id=7)])
def test_a_webhook_that_cannot_be_read_is_refused(intake: Intake, body: bytes) -> None:
    assert (from_pagerduty(intake, body).status_code, intake.commands) == (400, [])

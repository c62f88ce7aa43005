"""Answers of people from Slack, PagerDuty and mails: who may, what is published, and what is refused or has no effect."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from core.events import Command, Verb
from functions.services.incidents.documents import INCIDENTS
from tests.support.fakes.command_intake import (
    INCIDENT,
    NOW,
    Intake,
    click,
    from_slack,
    signed_by_slack,
)
from tests.support.servers.receivers import Receiver, Reply
from tests.support.servers.targets import serving

pytest_plugins = ["tests.support.fakes.command_intake_fixtures"]


def test_the_signature_is_that_of_the_example_of_slacks_documentation() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signed_by_slack(body, datetime.fromtimestamp(1531420618, UTC), "8f742231b10e8888abcd99yyyzzz85a5")
    assert headers["X_Slack_Signature"] == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.parametrize("verb", ["acknowledge", "mitigate", "resolve", "cancel", "give_back"])
def test_a_click_is_the_command_of_the_person_at_the_instant_of_the_click(intake: Intake, verb: str) -> None:
    intake.world.now = NOW + timedelta(seconds=1)
    assert from_slack(intake, click(verb)).status_code == 200
    at = NOW + timedelta(milliseconds=250)
    command = Command(verb=Verb(verb), subject=INCIDENT, by="Ada", at=at)
    assert intake.bus.published == [("commands", command, {"verb": verb})]


def test_a_click_that_is_sent_again_has_no_effect_and_another_click_has_its_own_id(intake: Intake) -> None:
    intake.world.now = NOW + timedelta(minutes=1)
    for _ in range(3):
        assert from_slack(intake, click()).status_code == 200
    assert from_slack(intake, click(ts="1767344401.000000")).status_code == 200
    assert len({command.id for command in intake.commands}) == len(intake.commands) == 2


@pytest.mark.parametrize("minutes", [-5.1, 5.1, 60])
def test_a_request_of_another_time_is_refused(intake: Intake, minutes: float) -> None:
    body = click()
    answer = intake.send("/slack", body, **signed_by_slack(body, NOW + timedelta(minutes=minutes)))
    assert (answer.status_code, intake.commands) == (401, [])


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_request_of_five_minutes_is_taken(intake: Intake, minutes: int) -> None:
    body = click()
    assert intake.send("/slack", body, **signed_by_slack(body, NOW + timedelta(minutes=minutes))).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"X_Slack_Signature": "v0=" + "0" * 64},
        {"X_Slack_Signature": ""},
        {"X_Slack_Signature": "v1=é"},
        {"X_Slack_Request_Timestamp": "1767344401"},
        {"X_Slack_Request_Timestamp": "x"},
        {"X_Slack_Request_Timestamp": "9" * 400},
        {"X_Slack_Request_Timestamp": "-1"},
    ],
)
def test_a_forged_request_is_refused(intake: Intake, change: dict[str, str]) -> None:
    assert (from_slack(intake, click(), **change).status_code, intake.commands) == (401, [])
    assert intake.outcomes() == {"refused": 1}


def test_a_body_that_was_changed_after_it_was_signed_is_refused(intake: Intake) -> None:
    headers = signed_by_slack(click("acknowledge"))
    assert intake.send("/slack", click("resolve"), **headers).status_code == 401
    assert intake.commands == []


class Answers(Receiver):
    """The `response_url` of a click."""

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.accept(path, json.loads(body))
        return Reply(200, b"ok")


@pytest.fixture
def shown() -> Iterator[Answers]:
    made = Answers()
    with serving(made):
        yield made


def only_for_them(shown: Answers) -> str:
    """What only the person who clicked sees."""
    (call,) = shown.log.calls
    text = call.body.pop("text")
    assert call.body == {"response_type": "ephemeral", "replace_original": False}
    return str(text)


def test_somebody_who_is_not_in_the_settings_may_not_and_is_told_so(intake: Intake, shown: Answers) -> None:
    answer = from_slack(intake, click(user="UEVE00001", response_url=shown.address))
    assert (answer.status_code, intake.commands) == (200, [])
    assert only_for_them(shown) == (
        "Nothing was done: you are not among the people of the settings (accounts). Your member id is UEVE00001."
    )


def test_a_person_without_an_account_in_slack_is_nobody_there(intake: Intake) -> None:
    assert (from_slack(intake, click(user="")).status_code, intake.commands) == (200, [])


@pytest.mark.parametrize(
    ("verb", "state", "said"),
    [
        ("acknowledge", "resolved", "Nothing was done: the incident is resolved already."),
        ("acknowledge", "acknowledged", "Nothing was done: the incident is acknowledged already."),
        ("reopen", "open", "Nothing was done: the incident is open already."),
    ],
)
def test_what_would_change_nothing_is_told(intake: Intake, shown: Answers, verb: str, state: str, said: str) -> None:
    intake.keep(state)
    from_slack(intake, click(verb, response_url=shown.address))
    assert (only_for_them(shown), intake.commands) == (said, [])


@pytest.mark.parametrize("verb", ["mitigate", "resolve", "cancel", "reopen", "give_back"])
def test_what_is_merged_is_told_as_that_and_never_as_resolved(intake: Intake, shown: Answers, verb: str) -> None:
    intake.keep("resolved", merged_into="x-1")
    from_slack(intake, click(verb, response_url=shown.address))
    assert (only_for_them(shown), intake.commands) == ("Nothing was done: the incident is a part of x-1.", [])


@pytest.mark.parametrize("verb", ["acknowledge", "take_over"])
@pytest.mark.parametrize(("state", "taken"), [("open", 1), ("resolved", 0)])
def test_whoever_acknowledges_a_part_on_its_old_card_acknowledges_the_one_that_goes_on(
    intake: Intake, verb: str, state: str, taken: int
) -> None:
    intake.keep("resolved", merged_into="x-1")
    intake.store.create(INCIDENTS, "x-1", {"id": "x-1", "state": state, "merged_into": ""})
    from_slack(intake, click(verb))
    assert [(one.verb, one.subject) for one in intake.commands] == [(verb, INCIDENT)] * taken


def test_what_only_went_silent_can_still_be_acknowledged(intake: Intake) -> None:
    intake.keep("resolved", expired=True)
    from_slack(intake, click("acknowledge"))
    assert [(one.verb, one.subject) for one in intake.commands] == [("acknowledge", INCIDENT)]


@pytest.mark.parametrize("verb", ["mitigate", "take_over", "give_back"])
def test_what_only_went_silent_is_told_as_that_and_never_as_resolved(intake: Intake, shown: Answers, verb: str) -> None:
    intake.keep("resolved", expired=True)
    from_slack(intake, click(verb, response_url=shown.address))
    said = "Nothing was done: the incident is no longer reported; whether it recovered is not known."
    assert (only_for_them(shown), intake.commands) == (said, [])


@pytest.mark.parametrize("value", ["", "none", "__x__", "é", "x" * 5000, "a\x00b"])
def test_an_incident_that_is_not_known_is_told(intake: Intake, shown: Answers, value: str) -> None:
    actions = [{"action_id": "acknowledge", "value": value, "action_ts": "1767344400.25"}]
    from_slack(intake, click(actions=actions, response_url=shown.address))
    assert (only_for_them(shown), intake.commands) == ("Nothing was done: this incident is not known.", [])


def test_a_person_who_cannot_be_told_fails_nothing(intake: Intake, shown: Answers) -> None:
    shown.scripted.append(Reply(500))
    assert from_slack(intake, click(user="UEVE00001", response_url=shown.address)).status_code == 200
    assert from_slack(intake, click(user="UEVE00001", response_url="http://127.0.0.1:9/")).status_code == 200


@pytest.mark.parametrize("name", ["incident", "runbook", "", "silence", "approve"])
def test_a_button_that_is_a_link_is_answered_and_does_nothing(intake: Intake, name: str) -> None:
    assert (from_slack(intake, click(name)).status_code, intake.commands) == (200, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"payload=", 400),
        (b"payload=%7B%7D", 400),
        (b"payload=" + b"%5B" * 10_000, 400),
        (b"\xff", 400),
        (b"&".join([b"a=b"] * 1000), 400),
        (urlencode({"payload": json.dumps({"type": "view_submission", "user": {"id": "U1"}})}).encode(), 200),
        (click(actions=[]), 200),
    ],
)
def test_what_is_signed_and_no_click_does_nothing(intake: Intake, body: bytes, status: int) -> None:
    assert (from_slack(intake, body).status_code, intake.commands) == (status, [])


@pytest.mark.parametrize("ts", ["", "x", "nan", "inf", "-1e400", "9" * 30])
def test_a_click_without_an_instant_has_that_of_its_request(intake: Intake, ts: str) -> None:
    from_slack(intake, click(ts=ts))
    assert [command.at for command in intake.commands] == [NOW]

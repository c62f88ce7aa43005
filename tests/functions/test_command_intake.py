"""Answers of people from Slack, PagerDuty and mails: who may, what is published, and what is refused or has no effect."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import flask
import pytest

from core.errors import UnavailableError
from core.events import Command, Event, Verb
from core.settings import Settings
from functions.adapters.answer_links import VALID_FOR, AnswerLinks
from functions.command_intake.respond import LARGEST
from functions.services.incidents.documents import INCIDENTS
from tests.support.builders.letters import MESSAGE
from tests.support.crash.breaking import KilledError
from tests.support.fakes.command_intake import (
    INCIDENT,
    LINKS,
    NEW,
    NOW,
    OLD,
    SETTINGS,
    Intake,
    click,
    from_pagerduty,
    from_slack,
    signed_by_pagerduty,
    signed_by_slack,
    webhook,
)
from tests.support.servers.receivers import Receiver, Reply
from tests.support.servers.targets import serving


@pytest.fixture
def intake() -> Intake:
    return Intake()


# Slack


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


# PagerDuty


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


# Links in mails


def links(intake: Intake, address: str = "ada@example.com", secret: str = LINKS) -> dict[str, str]:
    """The paths of the links of a mail, by their labels."""
    made = AnswerLinks(SETTINGS.accounts, secret, "https://answers.example.com/", lambda: intake.world.now)
    return {label: url.removeprefix("https://answers.example.com") for label, url in made(address, MESSAGE)}


def press(intake: Intake, path: str) -> flask.Response:
    """The button of the page behind a link."""
    page = intake.send(path, method="GET").get_data(as_text=True)
    (token,) = re.findall(r'name="token" value="([^"]+)"', page)
    return intake.send(
        "/answer", urlencode({"token": token}).encode(), Content_Type="application/x-www-form-urlencoded"
    )


def test_a_mail_offers_what_the_change_leaves(intake: Intake) -> None:
    assert list(links(intake)) == ["Acknowledge", "Resolve"]
    assert links(intake, "ADA@example.com") == links(intake)
    assert links(intake, "eve@example.com") == {}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_who_only_follows_a_link_changes_nothing(intake: Intake, method: str) -> None:
    for path in links(intake).values():
        intake.send(path, method=method)
        assert intake.commands == []


def test_the_page_has_one_button_and_says_who_answers_what(intake: Intake) -> None:
    answer = intake.send(links(intake)["Acknowledge"], method="GET")
    page = answer.get_data(as_text=True)
    assert page.count("<button") == 1
    assert ">Acknowledge</button>" in page
    assert "departure_delay &lt;b&gt;drifted" in page
    assert "You answer as Ada." in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("label", "verb"), [("Acknowledge", Verb.ACKNOWLEDGE), ("Resolve", Verb.RESOLVE)])
def test_the_button_publishes_the_command_of_the_person_of_the_link(intake: Intake, label: str, verb: Verb) -> None:
    path = links(intake, "grace@example.com")[label]
    intake.world.now += timedelta(hours=1)
    assert "as Grace" in press(intake, path).get_data(as_text=True)
    assert intake.commands == [Command(verb=verb, subject=INCIDENT, by="Grace", at=NOW + timedelta(hours=1))]


def test_a_link_does_it_once(intake: Intake) -> None:
    path = links(intake)["Acknowledge"]
    press(intake, path)
    intake.world.now += timedelta(minutes=1)
    assert "was used before" in press(intake, path).get_data(as_text=True)
    assert len(intake.commands) == 1


def test_a_link_expires(intake: Intake) -> None:
    path = links(intake)["Acknowledge"]
    intake.world.now += VALID_FOR
    answer = intake.send(path, method="GET")
    assert (answer.status_code, "expired" in answer.get_data(as_text=True)) == (403, True)
    token = parse_qs(urlsplit(path).query)["token"][0]
    assert post_token(intake, token).status_code == 403
    assert intake.commands == []


def post_token(intake: Intake, token: str) -> flask.Response:
    body = urlencode({"token": token}).encode()
    return intake.send("/answer", body, Content_Type="application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token.partition(".")[0],
        lambda token: "." + token.partition(".")[2],
        lambda token: token.swapcase(),
        lambda token: "x" * 100_000,
        lambda token: "é",
    ],
    ids=["empty", "shorter", "unsigned", "only-signed", "swapped", "long", "foreign"],
)
def test_a_link_that_was_changed_is_refused(intake: Intake, forge: Callable[[str], str]) -> None:
    token = parse_qs(urlsplit(links(intake)["Acknowledge"]).query)["token"][0]
    assert (post_token(intake, forge(token)).status_code, intake.commands) == (403, [])


def test_the_claims_of_one_link_do_not_fit_the_signature_of_another(intake: Intake) -> None:
    one, other = (parse_qs(urlsplit(path).query)["token"][0] for path in links(intake).values())
    token = f"{other.partition('.')[0]}.{one.partition('.')[2]}"
    assert (post_token(intake, token).status_code, intake.commands) == (403, [])


def test_a_link_of_another_secret_is_refused(intake: Intake) -> None:
    path = links(intake, secret="f" * 32)["Acknowledge"]
    assert intake.send(path, method="GET").status_code == 403


def test_a_link_of_somebody_who_left_is_refused(intake: Intake) -> None:
    path = links(intake, "grace@example.com")["Acknowledge"]
    intake.settings = replace(SETTINGS, accounts={"Ada": SETTINGS.accounts["Ada"]})
    assert intake.send(path, method="GET").status_code == 403


def test_a_link_about_what_is_over_says_so_and_has_no_button(intake: Intake) -> None:
    path = links(intake)["Acknowledge"]
    intake.keep("resolved")
    page = intake.send(path, method="GET").get_data(as_text=True)
    assert "the incident is resolved already" in page
    assert "<button" not in page


# The outside fails


def ways(intake: Intake) -> dict[str, Callable[[], flask.Response]]:
    token = parse_qs(urlsplit(links(intake)["Acknowledge"]).query)["token"][0]
    return {
        "slack": lambda: from_slack(intake, click()),
        "pagerduty": lambda: from_pagerduty(intake, webhook()),
        "link": lambda: post_token(intake, token),
    }


every_way = pytest.mark.parametrize("way", ["slack", "pagerduty", "link"])


@every_way
def test_what_fails_is_said_and_may_be_sent_again(intake: Intake, way: str) -> None:
    """Whichever call fails, the sender is told, and one command comes of it in the end."""
    for failing in range(1, 20):
        again = Intake()
        send, world = ways(again)[way], again.world
        world.chance = lambda world=world, failing=failing: 0.0 if world.boundaries == failing else 1.0  # type: ignore[misc]
        if send().status_code == 200:
            assert failing > 3
            break
        world.now += timedelta(seconds=30)  # the lease ends
        assert send().status_code == 200
        # Whoever presses the button of a link once more does so at another instant: the router takes the first one.
        assert (
            len({command.id.rpartition(":202")[0] if way == "link" else command.id for command in again.commands}) == 1
        )
    assert intake.commands == []


@every_way
def test_a_process_that_dies_anywhere_leaves_one_command_in_the_end(way: str) -> None:
    for boundary in range(1, 30):
        intake = Intake()
        intake.world.kill_at = boundary
        try:
            ways(intake)[way]()
        except KilledError:
            intake.world.kill_at, intake.world.dead = 0, False
            intake.world.now += timedelta(seconds=30)
            assert ways(intake)[way]().status_code == 200
            ids = {command.id.rpartition(":202")[0] if way == "link" else command.id for command in intake.commands}
            assert len(ids) == 1
        else:
            assert boundary > 3
            return


def test_a_bus_that_does_not_answer_makes_slack_say_so(intake: Intake) -> None:
    class Down:
        def publish(self, topic: str, _: Event, **__: str) -> None:
            raise UnavailableError(f"bus: {topic} does not answer")

    bus, intake.bus = intake.bus, Down()  # type: ignore[assignment]
    assert from_slack(intake, click()).status_code == 503
    intake.bus = bus
    assert from_slack(intake, click()).status_code == 200
    assert len(intake.commands) == 1


# What the settings do not have


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/", "POST"), ("/slack", "GET"), ("/x", "POST"), ("/answers", "GET")]
)
def test_any_other_path_is_not_there(intake: Intake, path: str, method: str) -> None:
    assert intake.send(path, method=method).status_code == 404


@pytest.mark.parametrize("path", ["/slack", "/pagerduty", "/answer"])
def test_without_its_secret_nothing_is_taken(path: str) -> None:
    body = click()
    intake = Intake(settings=replace(SETTINGS, command_intake=Settings(jobs={}).command_intake))
    assert intake.send(path, body, **signed_by_slack(body), **signed_by_pagerduty(body, "")).status_code == 404


def test_a_body_that_is_too_large_is_not_read(intake: Intake) -> None:
    body = b"x" * (LARGEST + 1)
    assert from_slack(intake, body).status_code == 413

"""The links of a mail: a page with one button, which publishes the command of the person of the link."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from core.events import Command, Verb
from functions.adapters.answer_links import VALID_FOR
from tests.support.fakes.answer_links import links, post_token, press
from tests.support.fakes.command_intake import (
    INCIDENT,
    NOW,
    SETTINGS,
    Intake,
)

pytest_plugins = ["tests.support.fakes.command_intake_fixtures"]


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

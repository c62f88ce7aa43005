"""What people tell the system on the page, in a browser, over the API with a filled store."""

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from core.access import Role
from core.events import Command, Status, Verb
from core.incidents.merging import Whole, absorb
from core.incidents.model import State
from core.incidents.outbox import IncidentGroup
from functions.adapters.store import update
from functions.api.session import Session
from functions.services.incidents.channel_tests import COLLECTION as CHANNEL_TESTS
from tests.support.builders import pages
from tests.support.servers.iap import proxy
from tests.support.servers.stack import eventually
from tests.support.web.viewing import (
    COME_BACK,
    SECOND,
    WORST,
    PageFixture,
    at_once,
    button,
    card,
    commands,
    confirm,
    fact,
    go,
    saved,
)

pytest_plugins = ["tests.support.web.viewing_fixtures"]


def test_acknowledging_is_shown_at_once_sent_and_confirmed(night: PageFixture) -> None:
    night.office.delay = threading.Event()
    page = night.open(f"incidents/{WORST}")
    card(page).get_by_label(re.compile("^Note on")).fill("on it")
    button(page, "Acknowledge").click()
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "acknowledged"])
    expect(card(page)).to_contain_text("saving…")
    expect(fact(page, "Acknowledged by")).to_contain_text("Ada")
    assert commands(night) == []
    night.office.delay.set()
    expect(card(page).locator(".saving")).to_have_count(0, timeout=10_000)
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "acknowledged"])
    assert commands(night) == [("acknowledge", WORST, "Ada", "on it")]
    expect(card(page).get_by_label(re.compile("^Note on"))).to_have_value("")
    expect(button(page, "Acknowledge")).to_have_count(0)
    expect(card(page)).to_contain_text("Timeline: 5 entries")


@pytest.mark.parametrize(
    ("label", "asked", "verb", "pill"),
    [("Resolve", "Resolve", "resolve", "resolved"), ("False alarm", "Close as a false alarm", "cancel", "cancelled")],
)
def test_an_incident_that_a_person_ends_after_a_question_moves_to_those_that_are_over_unless_it_is_undone(
    night: PageFixture, label: str, asked: str, verb: str, pill: str
) -> None:
    page = night.open(f"incidents/{SECOND}")
    button(page, label, SECOND).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Will be notified: technical, log.")
    dialog.get_by_role("button", name="Back").click()
    expect(page.locator(".told")).to_have_count(0)
    button(page, label, SECOND).click()
    confirm(page, asked)
    expect(page.locator(f"[data-incident='{SECOND}'] .head .pill").nth(1)).to_have_text(pill)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"[data-incident='{SECOND}'] .head .pill").nth(1)).to_have_text("acknowledged")
    assert commands(night) == []
    button(page, label, SECOND).click()
    confirm(page, asked)
    at_once(page)
    saved(page)
    expect(card(page, SECOND).locator(".head .pill").nth(1)).to_have_text(pill)
    assert commands(night) == [(verb, SECOND, "Ada", "")]


def test_an_acknowledged_incident_is_handed_on_and_given_back(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    button(page, "Acknowledge").click()
    saved(page)
    card(page).get_by_label(re.compile("^Who takes over")).fill("Grace")
    button(page, "Take over").click()
    saved(page)
    expect(fact(page, "Acknowledged by")).to_contain_text("Grace")
    expect(card(page).get_by_label(re.compile("^Who takes over"))).to_have_value("")
    button(page, "Give back").click()
    saved(page)
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "open"])
    expect(fact(page, "Acknowledged by")).to_contain_text("Nobody yet")
    expect(button(page, "Give back")).to_have_count(0)
    assert [(verb, by) for verb, _, by, _ in commands(night)] == [
        ("acknowledge", "Ada"),
        ("take_over", "Ada"),
        ("give_back", "Ada"),
    ]
    assert night.office.published[1][1].to == "Grace"


def test_an_incident_is_merged_into_one_that_is_chosen(night: PageFixture) -> None:
    night.office.obeys = False
    page = night.open(f"incidents/{WORST}")
    button(page, "Merge").click()
    choice = card(page).get_by_label(re.compile("becomes a part of$"))
    expect(choice).to_be_focused()
    assert commands(night) == []
    choice.select_option(SECOND)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        button(page, "Merge").click()
        at_once(page)
    expect(page.locator(f'[data-incident="{WORST}"]')).to_contain_text(f"Part of {SECOND}")
    [(verb, subject, _, _)] = commands(night)
    assert (verb, subject, night.office.published[0][1].to) == ("merge", WORST, SECOND)


def changed(night: PageFixture, incident_id: str, **fields: object) -> None:
    """Keep an incident as it is otherwise."""
    group = night.office.groups[incident_id]
    after = (replace(one, **fields) if one.id == incident_id else one for one in group.state.incidents)  # type: ignore[arg-type] # any field
    state = replace(group.state, incidents=tuple(after))
    night.office.keep(replace(group, state=state, revision=group.revision + 1))


def test_an_incident_is_taken_out_of_the_one_it_was_merged_into(night: PageFixture) -> None:
    said = Command(verb=Verb.MERGE, subject=SECOND, by="Bob", at=datetime.now(UTC), to=WORST)
    group = night.office.groups[SECOND]
    part = absorb(group.state, said, Whole(WORST, "endpoint/churn"))
    night.office.keep(replace(group, state=part.state, revision=group.revision + 1))
    page = night.open(f"incidents/{SECOND}")
    one = page.locator(f'[data-incident="{SECOND}"]')
    expect(one.locator(".head")).to_contain_text("merged")
    expect(one).to_contain_text(f"Part of {WORST}")
    expect(one.locator("button[data-verb]")).to_have_text(["Take out", "Comment"])
    one.get_by_role("button", name="Take out").click()
    # Its owner keeps it: people were not told that it had recovered.
    expect(page.locator(f'[data-incident="{SECOND}"] .head')).to_contain_text("acknowledged")
    assert [(one.verb, one.subject) for _, one, _ in night.office.published] == [(Verb.SPLIT, SECOND)]


def test_what_expired_is_not_called_resolved_and_a_person_ends_it(night: PageFixture) -> None:
    group = night.office.groups[SECOND]
    over = datetime.now(UTC) - timedelta(minutes=3)
    silent = (replace(one, status=Status.RESOLVED, expired_at=over) for one in group.state.conditions)
    night.office.keep(replace(group, state=replace(group.state, conditions=tuple(silent))))
    changed(
        night, SECOND, state=State.RESOLVED, resolved_at=over, expired=True, acknowledged_by="", acknowledged_at=None
    )
    page = night.open(f"incidents/{SECOND}")
    one = page.locator(f'[data-incident="{SECOND}"]')
    expect(one.locator(".head .pill").nth(1)).to_have_text("expired")
    expect(one).to_contain_text("no longer reported")
    expect(one).not_to_contain_text("recovered \N{EN DASH}")
    expect(one.locator("button[data-verb]")).to_have_text(["Acknowledge", "Resolve", "Reopen", "Comment"])
    one.get_by_role("button", name="Acknowledge").click()
    expect(one.locator("button[data-verb]")).to_have_text(["Resolve", "Reopen", "Comment"])
    saved(page)
    expect(one.locator(".head .pill").nth(1)).to_have_text("expired")
    one.get_by_role("button", name="Resolve").click()
    confirm(page, "Resolve")
    at_once(page)
    expect(one.locator(".head .pill").nth(1)).to_have_text("resolved")
    saved(page)
    said = [(one.verb, one.subject) for _, one, _ in night.office.published]
    assert said == [(Verb.ACKNOWLEDGE, SECOND), (Verb.RESOLVE, SECOND)]


def test_one_target_is_acknowledged_and_the_incident_stays_open_for_the_others(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    rows = card(page).locator(".conditions li")
    mine = rows.filter(has=page.get_by_role("button", name="Acknowledge endpoint/churn"))
    expect(card(page).get_by_role("button", name="Acknowledge model/churn")).to_be_visible()
    mine.get_by_role("button").click()
    expect(rows.filter(has_text="acknowledged by Ada")).to_have_count(1)
    expect(card(page).get_by_role("button", name="Acknowledge endpoint/churn")).to_have_count(0)
    expect(card(page).locator(".head")).to_contain_text("open")
    saved(page)
    [(_, command, _)] = night.office.published
    assert (command.verb, command.subject, command.target) == (Verb.ACKNOWLEDGE, WORST, "endpoint/churn")


def test_a_comment_appears_in_the_timeline(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    button(page, "Comment").click()
    expect(card(page).get_by_label(re.compile("^Your comment"))).to_be_focused()
    assert commands(night) == []
    page.keyboard.type("it is the disk")
    button(page, "Comment").click()
    saved(page)
    expect(card(page).locator(".timeline li").first).to_contain_text("Ada: it is the disk")
    expect(card(page).locator(".timeline li").first).to_contain_text("because a person said so")
    expect(card(page).get_by_label(re.compile("^Your comment"))).to_have_value("")
    assert commands(night) == [("comment", WORST, "Ada", "it is the disk")]


def test_what_was_sent_and_is_not_carried_out_stays_pending(night: PageFixture) -> None:
    night.office.obeys = False
    page = night.open(f"incidents/{WORST}")
    button(page, "Mitigated").click()
    with page.expect_response(re.compile(f"/v1/incidents/{WORST}$")):
        page.evaluate(COME_BACK)
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "mitigated"])
    expect(card(page)).to_contain_text("saving…")


def test_a_command_that_is_refused_is_taken_back_and_told(night: PageFixture) -> None:
    night.office.down = True
    page = night.open(f"incidents/{WORST}")
    button(page, "Acknowledge").click()
    expect(card(page).get_by_role("alert")).to_have_text("Not done: bus: commands does not answer")
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "open"])
    assert any("503" in fault for fault in night.faults)
    night.faults.clear()  # Chromium says in its console that the request failed


def test_the_name_is_asked_for_once_and_kept(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}", name="")
    button(page, "Acknowledge").click()
    dialog = page.get_by_role("dialog", name="Who are you?")
    expect(dialog.get_by_label("Your name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert commands(night) == []
    button(page, "Acknowledge").click()
    page.keyboard.type("Grace")
    page.keyboard.press("Enter")
    expect(fact(page, "Acknowledged by")).to_contain_text("Grace")
    saved(page)
    assert page.evaluate("localStorage.getItem('aia.by')") == "Grace"
    page.reload()
    button(page, "Mitigated").click()
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "mitigated"])
    saved(page)
    assert [by for _, _, by, _ in commands(night)] == ["Grace", "Grace"]


def test_who_is_signed_in_is_not_asked(night: PageFixture) -> None:
    with proxy() as before, pages.served(pages.application(night.made, before.iap.person)) as url:
        page = night.browser.new_page(extra_http_headers=before.headers("ada@example.com"))
        page.goto(f"{url}/incidents/{WORST}")
        page.locator("body[data-loaded]").wait_for()
        expect(page.get_by_label("You are ada@example.com, with the role admin")).to_be_disabled()
        button(page, "Acknowledge").click()
        saved(page)
        page.close()
    assert commands(night)[0][2] == "ada@example.com"


def test_what_takes_another_role_is_not_shown(night: PageFixture) -> None:
    with (
        proxy() as before,
        pages.served(pages.application(night.made, before.iap.person, lambda _: Role.VIEWER)) as url,
    ):
        page = night.browser.new_page(extra_http_headers=before.headers("ada@example.com"))
        page.goto(f"{url}/incidents/{WORST}")
        expect(page.get_by_label("You are ada@example.com, with the role viewer")).to_be_visible()
        expect(button(page, "Acknowledge")).to_be_hidden()
        page.close()


def test_who_has_the_session_of_the_local_system_acts_and_others_are_told_how(night: PageFixture) -> None:
    session = Session(token="s" * 64, name="ada")
    with pages.served(pages.application(night.made, session.person, verified=False)) as url:
        page = go(night.page(width=1200, scheme="light", name="Mallory"), f"{url}/incidents/{WORST}")
        button(page, "Acknowledge").click()
        expect(page.get_by_text("open the address that `aia local` prints").first).to_be_visible()
        assert commands(night) == []
        go(page, f"{url}/session?token={'s' * 64}")
        assert page.url == f"{url}/"
        expect(page.get_by_label("You are ada, with the role admin")).to_be_disabled()
        go(page, f"{url}/incidents/{WORST}")
        button(page, "Acknowledge").click()
        saved(page)
        assert commands(night)[0][2] == "ada"
        page.close()
    night.faults.clear()  # the browser logs the 401


@pytest.mark.parametrize(("label", "verb"), [("Approve", "approve"), ("Reject", "reject")])
def test_an_action_that_waits_is_answered(night: PageFixture, label: str, verb: str) -> None:
    page = night.open()
    waits = page.get_by_role("region", name="Awaiting approval")
    expect(waits).to_contain_text("traffic to model 6: 0% → 100%")
    waits.get_by_label(re.compile("^Note on")).fill("go")
    waits.get_by_role("button", name=label).click()
    saved(page)
    expect(waits).to_be_hidden()
    expect(page.locator("#glance > div").nth(2)).to_contain_text("0")
    assert commands(night) == [(verb, f"{WORST}:1:rollback_model:model/churn", "Ada", "go")]


def test_everything_is_halted_and_resumed(night: PageFixture) -> None:
    page = night.open("response")
    automation = page.get_by_role("region", name="Automation")
    state = automation.locator("#switch-state")
    expect(state).to_have_text(re.compile("^On: "))
    automation.get_by_label("Reason for the halt").fill("it made it worse")
    automation.get_by_role("button", name="Halt").click()
    confirm(page, "Halt")
    saved(page)
    expect(state).to_have_text("Halted: no automated actions run")
    expect(automation).to_contain_text("Everything halted by Ada")
    automation.get_by_role("button", name="Resume everything").click()
    confirm(page, "Resume")
    saved(page)
    expect(state).to_have_text(re.compile("^On: "))
    page.locator(".told", has_text="Resumed").get_by_role("button", name="Undo").click()
    saved(page)
    expect(state).to_have_text("Halted: no automated actions run")
    assert [one[0] for one in commands(night)] == ["halt", "resume", "halt"]
    assert commands(night)[0] == ("halt", "*", "Ada", "it made it worse")


def test_one_action_is_halted(night: PageFixture) -> None:
    page = night.open("response")
    automation = page.get_by_role("region", name="Automation")
    automation.get_by_label("Action to halt").select_option("retrain_model")
    automation.get_by_role("button", name="Halt").click()
    confirm(page, "Halt")
    expect(automation.get_by_role("button", name="Resume retrain model")).to_be_visible()
    saved(page)
    assert commands(night) == [("halt", "retrain_model", "Ada", "")]


def test_an_incident_is_silenced_for_an_hour_and_the_silence_ended(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    before = datetime.now(UTC)
    button(page, "Silence 1 h").click()
    expect(card(page)).to_contain_text(re.compile("Silenced by Ada, for (1 hour|60 minutes|59 minutes)"))
    saved(page)
    [(_, command, _)] = night.office.published
    assert (command.verb, command.subject) == (Verb.SILENCE, "model/churn")
    assert command.until is not None
    assert timedelta(minutes=60) <= command.until - before < timedelta(minutes=62)
    button(page, "End the silence").click()
    confirm(page, "End the silence")
    at_once(page)
    expect(button(page, "Silence 1 h")).to_be_visible()
    saved(page)
    assert commands(night)[1][:2] == ("unsilence", "model/churn")


def test_targets_are_silenced_by_a_pattern(night: PageFixture) -> None:
    page = night.open("response")
    silences = page.get_by_role("region", name="Silences")
    expect(silences).to_contain_text("table/staging.*")
    silences.get_by_label(re.compile("^Target pattern")).fill("model/flihgt-delay")
    silences.get_by_role("button", name="Silence", exact=True).click()
    expect(silences.get_by_role("alert")).to_contain_text("did you mean 'model/flight-delay'?")
    expect(silences.get_by_role("button", name="Silence model/flight-delay")).to_be_visible()
    silences.get_by_label(re.compile("^Target pattern")).fill("model/flight*")
    silences.get_by_label("Duration").select_option("4")
    silences.get_by_role("button", name="Silence", exact=True).click()
    expect(silences).to_contain_text("model/flight*")
    silences.get_by_role("button", name="End the silence of table/staging.*").click()
    confirm(page, "End the silence")
    at_once(page)
    expect(silences).not_to_contain_text("table/staging.*")
    saved(page)
    eventually(lambda: len(commands(night)) > 1, "command that is shown as done before it is sent", within=10)
    assert [one[:2] for one in commands(night)] == [("silence", "model/flight*"), ("unsilence", "table/staging.*")]
    night.faults[:] = [fault for fault in night.faults if "400" not in fault]


def test_what_can_still_be_undone_is_sent_when_the_page_is_left(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    button(page, "Resolve").click()
    confirm(page, "Resolve")
    expect(page.locator(".told")).to_be_visible()
    page.goto("about:blank")
    eventually(
        lambda: commands(night) == [("resolve", WORST, "Ada", "")], "the command of a page that is left", within=10
    )


def test_an_incident_is_acknowledged_with_the_keyboard_and_the_focus_stays_with_it(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    button(page, "Acknowledge").focus()
    page.keyboard.press("Enter")
    expect(card(page)).to_be_focused()
    saved(page)
    expect(card(page)).to_be_focused()
    page.keyboard.press("Tab")
    expect(card(page).get_by_role("link", name="model/churn").first).to_be_focused()
    page.keyboard.press("Tab")
    expect(fact(page, "Next step").get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(button(page, "Mitigated")).to_be_focused()


def test_what_is_being_written_stays_when_newer_data_comes(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    note = card(page).get_by_label(re.compile("^Note on"))
    note.press_sequentially("half a sen")
    group = night.office.groups[WORST]
    night.office.keep(_retitled(group, "it is worse now"))
    page.evaluate("Date.now = () => performance.timeOrigin + performance.now() + 20000")
    page.evaluate(COME_BACK)
    expect(card(page).get_by_role("heading", level=1)).to_have_text("it is worse now")
    expect(note).to_be_focused()
    page.keyboard.type("tence")
    expect(note).to_have_value("half a sentence")


def _retitled(group: IncidentGroup, title: str) -> IncidentGroup:
    [one] = group.state.incidents
    state = replace(group.state, incidents=(replace(one, title=title),))
    return replace(group, state=state, revision=group.revision + 1)


def test_a_channel_is_tested_and_its_answer_shown(night: PageFixture) -> None:
    page = night.open("response")
    channels = page.get_by_role("region", name="Channels")
    expect(channels.locator("[data-channel=team]")).to_contain_text("never tested")
    channels.get_by_role("button", name="Send a test message to team").click()
    expect(channels.locator("[data-channel=team]")).to_contain_text("delivered (tested by Ada", timeout=10_000)
    expect(channels.locator(".saving")).to_have_count(0)
    assert commands(night) == [("test_channel", "team", "Ada", "")]


def test_a_channel_that_refuses_the_test_says_why(night: PageFixture) -> None:
    update(
        night.office.store,
        CHANNEL_TESTS,
        "team",
        lambda _: {
            "id": "1",
            "by": "Grace",
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "answered_at": datetime(2026, 1, 2, tzinfo=UTC),
            "outcome": "refused",
            "detail": "<b>channel_not_found",
        },
    )
    team = night.open("response").locator("[data-channel=team]")
    expect(team).to_contain_text("refused: <b>channel_not_found (tested by Grace")

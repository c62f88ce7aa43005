"""A test message: asked for by the API or by `aia channels`, sent once by the router, its answer kept and shown."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from core.errors import BusyError, LimitedError, UnavailableError
from core.events import Change, Command, Severity, Verb
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.cli.main import main
from functions.services.incidents.channel_tests import COLLECTION
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import KilledError
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.outside import Setup, set_up


@pytest.fixture
def setup() -> Setup:
    return set_up()


def asked(setup: Setup, channel: str = "inbox") -> Command:
    return Command(verb=Verb.TEST_CHANNEL, subject=channel, by="ada", at=setup.world.now)


def kept(setup: Setup, channel: str = "inbox") -> Data:
    return setup.world.documents[COLLECTION, channel].data


# The router


def test_a_test_message_is_sent_and_the_answer_kept(setup: Setup) -> None:
    command = asked(setup)
    setup.give(command)
    (message,) = setup.world.told
    assert (message.channel, message.change, message.severity) == ("inbox", Change.RESOLVED, Severity.INFO)
    assert message.text == "Test message to inbox: nobody needs to do anything."
    assert message.url == "http://pages/#channels"
    assert not message.missed
    assert kept(setup) == {
        "id": command.id,
        "by": "ada",
        "at": command.at,
        "answered_at": setup.world.now,
        "outcome": "delivered",
        "detail": "",
    }


def test_pagerduty_is_told_what_it_missed_or_it_would_drop_the_message(setup: Setup) -> None:
    setup.give(asked(setup, "pager"))
    assert [message.missed for message in setup.world.told] == [True]


def test_a_command_that_is_delivered_again_sends_nothing(setup: Setup) -> None:
    command = asked(setup)
    setup.give(command, command)
    assert len(setup.world.told) == 1


def test_what_the_channel_answers_is_kept(setup: Setup) -> None:
    until = setup.world.now + timedelta(minutes=1)
    refused = Receipt(DeliveryOutcome.REFUSED, "channel_not_found")
    for fault, answer, outcome, detail in (
        (None, refused, "refused", "channel_not_found"),
        (UnavailableError("channel inbox: no answer"), refused, "failed", "channel inbox: no answer"),
        (LimitedError("channel inbox: asked to wait", until), refused, "failed", "channel inbox: asked to wait"),
    ):
        setup.channels["inbox"].fault, setup.channels["inbox"].answer = fault, answer
        setup.world.now += timedelta(seconds=1)
        setup.give(asked(setup))
        assert (kept(setup)["outcome"], kept(setup)["detail"]) == (outcome, detail)


def test_a_test_changes_nothing_else(setup: Setup) -> None:
    setup.give(asked(setup))
    assert {name for name, _ in setup.world.documents} == {COLLECTION, "ledger"}
    assert setup.world.published == []


def test_a_channel_that_the_settings_no_longer_name_is_said(setup: Setup) -> None:
    setup.give(asked(setup, "gone"))
    assert (kept(setup, "gone")["outcome"], kept(setup, "gone")["detail"]) == (
        "failed",
        "the settings name no such channel",
    )


def test_a_command_that_comes_late_sends_nothing_and_says_so(setup: Setup) -> None:
    command = asked(setup)
    setup.world.now += timedelta(minutes=11)
    setup.give(command)
    assert setup.world.told == []
    assert kept(setup)["detail"] == "not sent: it was asked for at 2026-01-03T09:00:00Z"


def test_an_older_answer_does_not_replace_a_newer_one(setup: Setup) -> None:
    older = asked(setup)
    setup.world.now += timedelta(seconds=5)
    newer = asked(setup)
    setup.give(newer, older)
    assert kept(setup)["id"] == newer.id


def test_a_process_that_dies_anywhere_leaves_an_answer_in_the_end() -> None:
    for boundary in range(1, 40):
        setup = set_up()
        command = asked(setup)
        setup.world.kill_at = boundary
        try:
            setup.give(command)
        except KilledError:
            setup.world.kill_at, setup.world.dead = 0, False
            setup.world.now += timedelta(seconds=31)
            setup.give(command)
            assert kept(setup)["outcome"] == "delivered"
            assert len(setup.world.told) <= 2
        else:
            assert boundary > 5
            return


def test_two_instances_send_it_once(setup: Setup) -> None:
    command = asked(setup)
    setup.service.channel_tests.ledger.claim(f"channel-test:{command.id}")
    with pytest.raises(BusyError):
        setup.give(command)
    assert setup.world.told == []


# The API


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def client(office: ApiFixture, clock: FakeClock) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, clock)).test_client()


def test_the_api_lists_the_channels_with_their_tests(client: Client, office: ApiFixture) -> None:
    untested = {"failing": False, "test": None}
    assert client.get("/v1/channels").json == [
        {"name": "log", "kind": "console", **untested},
        {"name": "team", "kind": "webhook", **untested},
    ]
    asked_for = client.post("/v1/channels/team/test", json={"by": "Ada"})
    assert asked_for.status_code == 202
    ((topic, command, attributes),) = office.published
    assert (topic, attributes) == ("commands", {"verb": "test_channel"})
    assert (command.verb, command.subject, command.by) == (Verb.TEST_CHANNEL, "team", "Ada")
    listed = client.get("/v1/channels").json
    assert isinstance(listed, list)
    assert asked_for.json is not None
    assert (listed[1]["test"]["id"], listed[1]["test"]["outcome"]) == (asked_for.json["id"], "delivered")


@pytest.mark.parametrize(
    ("channel", "body", "said"),
    [
        ("none", {"by": "Ada"}, "channel: none is called 'none'"),
        ("team", {}, "by: must be 1 to 80 printable characters, got None"),
        ("team", {"by": "Ada", "to": "x"}, "to: must be one of by, note, got 'to'"),
    ],
)
def test_a_test_that_cannot_be_asked_for_says_why(
    client: Client, office: ApiFixture, channel: str, body: Data, said: str
) -> None:
    answer = client.post(f"/v1/channels/{channel}/test", json=body)
    assert (answer.status_code, (answer.json or {})["detail"]) == (404 if channel == "none" else 400, said)
    assert office.published == []


# The command


def aia(url: str, *arguments: str) -> Result:
    return CliRunner(env={"LOGNAME": "Ada"}).invoke(main, ["channels", "--url", url, *arguments])


def test_the_command_shows_the_answer(client: Client, office: ApiFixture, clock: FakeClock) -> None:
    with pages.served(client.application) as url:
        result = aia(url, "test", "team")
        assert (result.exit_code, result.output) == (0, "team: delivered\n")
        listed = aia(url, "list").output.splitlines()
        assert listed[0] == "log (console): works as far as known; never tested"
        assert listed[1].startswith("team (webhook): works as far as known; tested at ")
        assert json.loads(aia(url, "list", "--json").output)[1]["test"]["by"] == "Ada"


def test_who_is_on_call_is_told_with_who_stands_in_for_whom(
    client: Client, office: ApiFixture, clock: FakeClock
) -> None:
    with pages.served(client.application) as url:
        result = CliRunner().invoke(main, ["oncall", "--url", url])
        [one] = json.loads(CliRunner().invoke(main, ["oncall", "--url", url, "--json"]).output)
    assert result.output.splitlines() == [
        "ml: Grace (team) instead of Ada until 2099-01-01 00:00 UTC, then Ada",
        "  override: Grace from 2026-01-01 00:00 UTC until 2099-01-01 00:00 UTC",
    ]
    assert (one["person"], one["instead_of"], one["next"]) == ("Grace", "Ada", "Ada")


def test_a_channel_that_does_not_take_it_is_exit_status_1(client: Client, office: ApiFixture, clock: FakeClock) -> None:
    answered = {"by": "Ada", "at": clock.now, "answered_at": clock.now}
    refused = {"outcome": "refused", "detail": "invalid_auth"}
    office.carry_out = lambda command: office.store.create(  # type: ignore[method-assign, assignment, return-value]
        COLLECTION, command.subject, {"id": command.id} | answered | refused
    )
    with pages.served(client.application) as url:
        result = aia(url, "test", "team")
    assert (result.exit_code, result.output) == (1, "team: refused: invalid_auth\n")


def test_what_cannot_be_asked_for_is_exit_status_2(client: Client, office: ApiFixture, clock: FakeClock) -> None:
    office.obeys = False
    with pages.served(client.application) as url:
        unknown, silent = (
            aia(url, "test", "none"),
            aia(url, "test", "team", "--wait", "0"),
        )
    assert (unknown.exit_code, unknown.stderr) == (2, "Error: channel: none is called 'none'\n")
    assert (silent.exit_code, "no answer within 0 s" in silent.stderr) == (2, True)

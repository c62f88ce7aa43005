"""Answers while the outside fails, and requests that the settings know nothing of."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import flask
import pytest

from core.errors import UnavailableError
from core.events import Event
from core.settings import Settings
from functions.command_intake.respond import LARGEST
from tests.support.crash.breaking import KilledError
from tests.support.fakes.answer_links import links, post_token
from tests.support.fakes.command_intake import (
    SETTINGS,
    Intake,
    click,
    from_pagerduty,
    from_slack,
    signed_by_pagerduty,
    signed_by_slack,
    webhook,
)

pytest_plugins = ["tests.support.fakes.command_intake_fixtures"]


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

"""An answer and what comes of it: from a click or a webhook to the incident, and no echo back."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.events import Severity
from core.incidents.model import State
from core.settings import parse
from functions.adapters.events import encode
from functions.incident_router.router import read
from functions.runtime.push import Message
from functions.services.incidents.service import incident_service
from tests.support.crash.breaking import MemoryStore
from tests.support.fakes.command_intake import Intake, click, from_pagerduty, from_slack, signed_by_slack, webhook
from tests.support.fakes.outside import Setup, found, set_up
from tests.support.servers.receivers import Receiver, Reply
from tests.support.servers.targets import serving


@pytest.fixture
def setup() -> Setup:
    """An incident that the pager was told of as well."""
    setup = set_up()
    setup.give(found(0, severity=Severity.ERROR))
    setup.sweep(minutes=6)
    return setup


@pytest.fixture
def intake(setup: Setup) -> Intake:
    """The function over the same store, at the same time."""
    made = Intake()
    made.world.now = setup.world.now
    made.world.documents = setup.world.documents
    return made


def deliver(setup: Setup, intake: Intake) -> None:
    """What the function published, as the bus delivers it: perhaps twice."""
    for command in intake.commands:
        for _ in range(2):
            message = Message(id="1", data=encode(command), published_at=setup.world.now)
            setup.give(read(message).event)


def told(setup: Setup, channel: str) -> list[str]:
    return [message.change.value for message in setup.world.told if message.channel == channel]


def test_a_click_in_slack_acknowledges_the_incident_and_the_pager_hears_of_it(setup: Setup, intake: Intake) -> None:
    incident = setup.incident().id
    ts = str(intake.world.now.timestamp())
    action = {"action_id": "acknowledge", "value": incident, "action_ts": ts}
    body = click(actions=[action])
    assert from_slack(intake, body, **signed_by_slack(body, intake.world.now)).status_code == 200
    deliver(setup, intake)
    assert (setup.incident().state, setup.incident().acknowledged_by) == (State.ACKNOWLEDGED, "Ada")
    assert told(setup, "pager") == ["escalated", "acknowledged"]


def test_an_acknowledgement_in_pagerduty_is_one_here_and_its_echo_is_none(setup: Setup, intake: Intake) -> None:
    incident, at = setup.incident().id, setup.world.now.isoformat()
    assert from_pagerduty(intake, webhook(key=incident, occurred_at=at)).status_code == 200
    deliver(setup, intake)
    assert setup.incident().acknowledged_by == "Ada"
    assert told(setup, "pager") == ["escalated", "acknowledged"]
    # PagerDuty is told of it as well, where it changes nothing; were there a webhook about that, its agent is no user.
    echo = webhook(
        key=incident, id="echo", occurred_at=at, agent={"id": "PINT", "type": "inbound_integration_reference"}
    )
    assert from_pagerduty(intake, echo).status_code == 200
    assert len(intake.commands) == 1


def test_a_resolution_and_a_reopening_in_pagerduty_are_ones_here(setup: Setup, intake: Intake) -> None:
    incident = setup.incident().id
    for minute, (event, state) in enumerate([("resolved", State.RESOLVED), ("reopened", State.OPEN)], 1):
        setup.world.now += timedelta(minutes=minute)
        intake.world.now, at = setup.world.now, setup.world.now.isoformat()
        from_pagerduty(intake, webhook(f"incident.{event}", key=incident, id=event, occurred_at=at))
        deliver(setup, intake)
        assert setup.incident().state is state


def test_an_acknowledgement_that_comes_late_is_none_of_what_was_reopened(setup: Setup, intake: Intake) -> None:
    incident, before = setup.incident().id, setup.world.now.isoformat()
    for minute, event in enumerate(["resolved", "reopened"], 1):
        setup.world.now += timedelta(minutes=minute)
        intake.world.now = setup.world.now
        from_pagerduty(
            intake, webhook(f"incident.{event}", key=incident, id=event, occurred_at=setup.world.now.isoformat())
        )
    from_pagerduty(intake, webhook(key=incident, id="late", occurred_at=before))
    deliver(setup, intake)
    assert setup.incident().state is State.OPEN


class Slack(Receiver):
    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.accept(path, json.loads(body))
        return Reply(200, b'{"ok":true,"channel":"C1","ts":"1.1"}')


@pytest.fixture
def slack() -> Iterator[Slack]:
    made = Slack()
    with serving(made):
        yield made


def test_the_router_gives_its_cards_buttons_where_the_settings_take_answers(setup: Setup, slack: Slack) -> None:
    channel = {"name": "team", "kind": "slack", "token": "xoxb-1", "room": "C1", "api": f"{slack.address}/api"}
    people = {
        "channels": [channel],
        "stakeholders": {"technical": {"tiers": [{"to": ["team"]}]}},
        "routes": [{"when": {}, "to": ["technical"]}],
    }
    takes = {"accounts": {"Ada": {"slack": "UADA00001"}}, "command_intake": {"slack": {"signing_secret": "s"}}}
    for index, given in enumerate([people, people | takes]):
        store = MemoryStore(set_up().world)
        service = incident_service(
            parse({"version": 1, "jobs": {}} | given),
            store=store,
            bus=setup.service.dispatcher.bus,
            metrics=setup.service.metrics,
            clock=lambda: setup.world.now,
        )
        Setup(setup.world, {}, service).give(found(index, severity=Severity.ERROR))
    plain, answering = (call.body["blocks"][-1]["elements"] for call in slack.log.calls)
    assert "action_id" not in plain[0]  # a context: without the address of the page there is no link either
    assert [button["action_id"] for button in answering] == ["acknowledge", "mitigate", "resolve", "cancel"]

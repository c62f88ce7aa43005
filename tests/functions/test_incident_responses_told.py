"""What came of an automated response is told to everybody who had heard of the incident, and to nobody else."""

from datetime import timedelta

import pytest

from core.events import ActionDecision, Mode, Severity, Stage, Verb
from core.incidents.policy import incident_policy
from core.settings import parse
from core.text import number
from tests.support.fakes.outside import Setup, found, set_up


@pytest.fixture
def setup() -> Setup:
    setup = set_up()
    setup.give(found(0, severity=Severity.ERROR))
    return setup


def decide(setup: Setup, stage: Stage, *, sequence: int, mode: Mode = Mode.ACT) -> None:
    setup.world.now += timedelta(minutes=1)
    incident = setup.incident()
    setup.give(
        ActionDecision(
            request_id=f"{incident.id}:1:rollback_model:{incident.target}",
            sequence=sequence,
            incident_id=incident.id,
            action="rollback_model",
            target=incident.target,
            mode=mode,
            stage=stage,
            reason="needs_approval",
            at=setup.world.now,
            plan="all of the traffic back to model 6",
        )
    )


def told(setup: Setup, channel: str = "inbox") -> list[str]:
    return [message.change.value for message in setup.world.told if message.channel == channel]


def test_an_action_that_waits_for_an_approval_is_told_with_what_to_do(setup: Setup) -> None:
    decide(setup, Stage.PLANNED, sequence=1)
    assert told(setup) == ["opened"]
    decide(setup, Stage.AWAITING, sequence=2)
    assert told(setup) == told(setup, "log") == ["opened", "updated"]
    text = setup.world.told[-1].text
    assert "approve or reject it on the page of the incident" in text
    assert "all of the traffic back to model 6" in text
    assert told(setup, "pager") == []


def test_each_is_told_once_and_the_tiers_go_on_as_they_were(setup: Setup) -> None:
    decide(setup, Stage.APPLIED, sequence=1)
    decide(setup, Stage.APPLIED, sequence=1)
    assert told(setup) == ["opened", "updated"]
    setup.sweep(minutes=5)
    assert told(setup, "pager") == ["escalated"]


def test_a_dry_run_and_what_nobody_had_heard_of_wake_nobody() -> None:
    setup = set_up()
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    setup.give(found(0, severity=Severity.ERROR))
    decide(setup, Stage.FAILED, sequence=1)
    assert setup.world.told == []
    setup.sweep(minutes=31)
    assert told(setup) == ["opened"]
    decide(setup, Stage.FAILED, sequence=2, mode=Mode.DRY_RUN)
    assert told(setup) == ["opened"]


def test_the_incident_policy_is_what_the_settings_say() -> None:
    settings = parse({"version": 1, "jobs": {}, "dependencies": [{"from": "service/a", "to": "service/b"}]})
    made = incident_policy(settings, "http://pages", "https://runbooks")
    assert made.graph.related("service/a", "service/b")
    assert (made.url, made.runbooks, made.timing) == ("http://pages", "https://runbooks", settings.incidents)


def test_many_seconds_are_told_in_larger_units() -> None:
    assert (number(10_800.0, "seconds"), number(-7200.0, "seconds"), number(90.0, "seconds")) == ("3 h", "-2 h", "90 s")

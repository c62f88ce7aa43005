"""The settings that are deployed: what they say of the demo's drift, and that what is commented out in them is right."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from core.drift.judge import drift_severity
from core.events import Mode, Severity
from core.incidents.impact import estimate_impact
from core.incidents.policy import Graph
from core.incidents.routing import RoutingFacts, applies, stakeholders
from core.settings import ActionName, Category, Deed, Settings, parse
from core.settings.channels import KINDS, WebhookChannel

FILE = (Path(__file__).resolve().parents[2] / "infra" / "monitoring.yaml").read_text()
ENVIRONMENT = {
    "AIA_API_URL": "http://127.0.0.1:8080",
    "AIA_PROBE_NETWORKS": "127.0.0.0/8",
    "AIA_WAREHOUSE_ADDRESS": "127.0.0.1:9050",
    "AIA_INBOX_URL": "http://127.0.0.1:8081/",
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
    "SLACK_TOKEN": "xoxb-0",
    "TEAMS_WEBHOOK_URL": "https://logic.example/invoke?sig=x",
    "SMTP_PASSWORD": "-",
    "WEBHOOK_SECRET": "-",
}
MODEL = "model/flight-delay"
NOW = datetime(2026, 1, 5, tzinfo=UTC)
COMMENTED = re.compile(r"^( *)# (- \{name: .*\})$", re.MULTILINE)


def read(text: str) -> Settings:
    return parse(
        yaml.load(
            re.sub(r"\$\{(\w+)\}", lambda found: ENVIRONMENT.get(found[1], found[0]), text), Loader=yaml.CSafeLoader
        )
    )


SETTINGS = read(FILE)


def told(category: Category, severity: Severity, dollars_per_hour: float | None = None) -> set[str]:
    """Who is told of an incident of the flight model."""
    return set(stakeholders(incident(category, severity, dollars_per_hour), SETTINGS.people, NOW))


def incident(category: Category, severity: Severity, dollars_per_hour: float | None = None) -> RoutingFacts:
    return RoutingFacts(severity=severity, category=category, target=MODEL, dollars_per_hour=dollars_per_hour)


def at_risk(severity: Severity) -> float:
    """The dollars an hour that are at risk while the flight model drifts."""
    found = estimate_impact([(MODEL, severity)], Graph(SETTINGS.dependencies), SETTINGS.revenue, SETTINGS.impact)
    assert found is not None
    return found.dollars_per_hour


def test_drift_of_the_flight_model_is_told_to_those_it_costs() -> None:
    assert at_risk(Severity.ERROR) == 1100
    assert told(Category.DRIFT, Severity.ERROR, at_risk(Severity.ERROR)) == {"technical", "operations", "business"}
    assert told(Category.DRIFT, Severity.CRITICAL, at_risk(Severity.CRITICAL)) == set(SETTINGS.people.stakeholders)
    assert told(Category.DRIFT, Severity.WARNING, at_risk(Severity.WARNING)) == {"technical"}


@pytest.mark.parametrize(("share", "strength"), [(0.01, 0.35), (0.3, 0.35), (1.0, 2.0)])
def test_drift_of_the_flight_model_is_never_a_mere_warning(share: float, strength: float) -> None:
    [model] = SETTINGS.models
    assert strength >= model.drift.shift
    assert applies(SETTINGS.playbooks[0].when, incident(Category.DRIFT, drift_severity(share, strength)), NOW)


def test_drift_of_the_flight_model_plans_its_retraining_and_does_nothing() -> None:
    [playbook] = SETTINGS.playbooks
    for severity in (Severity.ERROR, Severity.CRITICAL):
        assert applies(playbook.when, incident(Category.DRIFT, severity), NOW)
    assert playbook.do == (Deed(action=ActionName.RETRAIN_MODEL),)
    assert playbook.mode is Mode.DRY_RUN
    assert SETTINGS.automation.enabled


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.ERROR, Severity.CRITICAL])
@pytest.mark.parametrize("category", Category)
def test_somebody_is_told_of_everything_that_is_wrong(category: Category, severity: Severity) -> None:
    assert told(category, severity)


def test_nobody_is_told_of_what_is_worth_knowing_only() -> None:
    assert not any(told(category, Severity.INFO) for category in Category)


def test_every_stakeholder_is_told_through_a_channel_of_its_own() -> None:
    for name, stakeholder in SETTINGS.people.stakeholders.items():
        assert stakeholder.tiers[0].to[0] == name
    urls = [channel.url for channel in SETTINGS.channels if isinstance(channel, WebhookChannel)]
    assert len(set(urls)) == len(urls) == 6
    assert all(url.startswith("http://127.0.0.1:8081/?channel=") for url in urls)


def test_the_technical_people_are_told_five_minutes_apart_at_first() -> None:
    waits = [tier.wait for tier in SETTINGS.people.stakeholders["technical"].tiers]
    assert waits == [timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30)]


def test_the_jobs_of_the_incidents_run_every_minute() -> None:
    assert {SETTINGS.jobs[job] for job in ("incident_sweep", "action_runner")} == {"* * * * *"}


def test_the_channels_that_are_commented_out_are_right() -> None:
    more = read(COMMENTED.sub(r"\1\2", FILE)).channels[len(SETTINGS.channels) :]
    assert [channel.name for channel in more] == ["pager", "chat", "chat-bot", "teams", "mail", "signed"]
    assert {channel.kind for channel in more} == set(KINDS) - {"console"}

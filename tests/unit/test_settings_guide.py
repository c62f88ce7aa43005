"""The guide to the settings names every key there is, and its examples are right."""

import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import SettingsError
from core.events import Severity
from core.settings import (
    ActionName,
    Automation,
    Business,
    Category,
    Cost,
    Customers,
    Deed,
    Dependency,
    DnsProbe,
    Hours,
    HttpProbe,
    ImpactPolicy,
    Limits,
    Maintenance,
    MarketTable,
    Model,
    Orders,
    Person,
    Playbook,
    Policy,
    Quality,
    Resource,
    Retraining,
    Revenue,
    Rotation,
    Route,
    Rule,
    Sensitivity,
    Settings,
    Spending,
    Stakeholder,
    Tier,
    TlsProbe,
    TrainingPipeline,
    When,
    parse,
)
from core.settings.channels import KINDS as CHANNELS
from core.settings.channels import Encryption
from core.settings.people_section import NAMES
from core.settings.scalars import KINDS

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()
PROBES, PEOPLE = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
WORDS = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)))))
SPELT = {"target": "from", "needs": "to", "becomes": "severity", "raises": "raise"}
"""The fields that the file spells otherwise."""
ELSEWHERE = {"people"}
"""The fields of the settings that are no section, but several."""
ENVIRONMENT = {
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "SLACK_TOKEN": "xoxb-0",
    "ADA_URL": "https://example.com/ada",
    "ADA_SECRET": "-",
    "GRACE_URL": "https://example.com/grace",
}


def read(example: str) -> Settings:
    filled = re.sub(r"\$\{(\w+)\}", lambda found: ENVIRONMENT[found[1]], example)
    return parse({"version": 1, "jobs": {}} | yaml.safe_load(filled))


@pytest.mark.parametrize(
    "kind",
    [
        Model,
        Sensitivity,
        Quality,
        Retraining,
        TrainingPipeline,
        HttpProbe,
        TlsProbe,
        DnsProbe,
        Dependency,
        *CHANNELS.values(),
        Rotation,
        Person,
        Stakeholder,
        Tier,
        Route,
        When,
        Hours,
        Policy,
        Rule,
        Revenue,
        ImpactPolicy,
        Maintenance,
        Playbook,
        Deed,
        Automation,
        Limits,
        Resource,
        Business,
        Orders,
        Customers,
        Cost,
        Spending,
        MarketTable,
    ],
)
def test_every_key_is_in_the_guide(kind: type[Any]) -> None:
    assert {SPELT.get(field.name, field.name) for field in fields(kind)} - WORDS == set()


def test_every_section_has_its_place_in_the_guide() -> None:
    titles = set(re.findall(r"\w+", " ".join(re.findall(r"^## (.*)$", GUIDE, re.MULTILINE))))
    sections = {field.name for field in fields(Settings)} - ELSEWHERE | {"rotations", "stakeholders", "routes"}
    assert sections - titles == set()


@pytest.mark.parametrize("words", [KINDS, NAMES, Severity, Category, ActionName, Encryption])
def test_every_word_that_may_be_given_is_in_the_guide(words: Any) -> None:
    assert set(map(str, words)) - WORDS == set()


def test_the_example_of_probes_is_read_as_it_stands() -> None:
    assert [probe.kind for probe in read(PROBES).probes] == ["http", "tls", "dns", "tcp"]


def test_the_example_of_people_and_incidents_is_read_as_it_stands_and_means_what_it_says() -> None:
    settings = read(PEOPLE)
    technical = settings.people.stakeholders["technical"]
    assert [tier.wait for tier in technical.tiers[:2]] == [timedelta(minutes=5), timedelta(minutes=15)]
    assert settings.playbooks[0].do[0] == Deed(action=ActionName.FLUSH_CACHE, target="cache/pages")
    assert set(yaml.safe_load(PEOPLE)) == {
        *("channels", "rotations", "stakeholders", "routes", "dependencies", "revenue", "impact", "incidents"),
        *("rules", "maintenance", "resources", "playbooks", "automation"),
    }


def test_the_defaults_in_the_guide_are_the_defaults() -> None:
    sensitivity, quality = Sensitivity(), Quality()
    assert f"`{{{sensitivity.shift:g}, {sensitivity.false_alarms:g}, {str(sensitivity.seasonal).lower()}}}`" in GUIDE
    assert f"`{{{quality.share:g}, {quality.volume:g}, {quality.age.days}d}}`" in GUIDE
    at_risk = ", ".join(f"{severity} {share:g}" for severity, share in ImpactPolicy().at_risk.items())
    assert f"| {at_risk} |" in GUIDE


@pytest.mark.parametrize(
    ("policy", "keys"),
    [
        (Policy(), ["reopen_within", "join_within", "settle", "summary_every", "resolve_after", "ahead"]),
        (Automation(), ["per_hour", "approval_expires", "verify_after"]),
    ],
)
def test_the_defaults_in_its_tables_are_the_defaults(policy: Policy | Automation, keys: list[str]) -> None:
    for key in keys:
        [row] = re.findall(rf"^\| `{key}` \|.*\| (\w+) \|$", GUIDE, re.MULTILINE)
        value = getattr(policy, key)
        assert spelt(value) == row if isinstance(value, timedelta) else str(value) == row


def spelt(length: timedelta) -> str:
    """A length of time in its largest unit."""
    seconds = int(length.total_seconds())
    unit, size = next(pair for pair in (("d", 86_400), ("h", 3600), ("m", 60)) if seconds % pair[1] == 0)
    return f"{seconds // size}{unit}"


@pytest.mark.parametrize("kind", CHANNELS)
def test_the_guide_has_a_row_of_every_kind_of_channel_with_its_keys_and_its_limit(kind: str) -> None:
    [row] = re.findall(rf"^\| `{kind}` \|.*\|$", GUIDE, re.MULTILINE)
    keys = {field.name: field.default for field in fields(CHANNELS[kind]) if field.metadata}
    assert keys.keys() - {"per_minute"} <= set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", row))))
    limits = re.search(r"\| (\d+), at most (\d+) \|$", row)
    assert bool(limits) == ("per_minute" in keys)
    if limits:
        assert keys["per_minute"] == int(limits[1])
        assert f"per_minute: must be 1 to {limits[2]}, got 0" in faults_of(kind)


def faults_of(kind: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse({"version": 1, "jobs": {}, "channels": [{"name": "x", "kind": kind, "per_minute": 0}]})
    return str(caught.value)

"""The guide to the settings is what the declarations say, and its examples are right."""

import re
from datetime import timedelta
from typing import Any

import pytest
import yaml

from core.events import Severity
from core.settings import ActionName, Category, Deed, Settings, parse
from core.settings.kinds import TARGETS
from core.settings.people import STAKEHOLDERS
from infra.settings import guide

GUIDE = guide.FILE.read_text()
PROBES, PEOPLE = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
WORDS = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)))))
ENVIRONMENT = {
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "SLACK_TOKEN": "xoxb-0",
    "ADA_URL": "https://example.com/ada",
    "ADA_SECRET": "-",
    "GRACE_URL": "https://example.com/grace",
}
EMPTY = {"version": 1, "jobs": {}}


def read(example: str) -> Settings:
    filled = re.sub(r"\$\{(\w+)\}", lambda found: ENVIRONMENT[found[1]], example)
    return parse(EMPTY | yaml.safe_load(filled))


def test_what_is_generated_is_up_to_date() -> None:
    """If not: `make settings`."""
    assert guide.text() == GUIDE


def test_every_section_has_its_table_and_its_place_in_the_guide() -> None:
    titles = set(re.findall(r"\w+", " ".join(re.findall(r"^## (.*)$", GUIDE, re.MULTILINE))))
    assert set(guide.sections()) - titles == {"version"}
    tables = [found.group("key", "kind") for found in guide.TABLE.finditer(GUIDE)]
    assert tables == [(key, kind or None) for key in dict(tables) for kind in guide.rows(key)]
    assert set(guide.sections()) - dict(tables).keys() == {"version", "jobs"}


def test_every_key_of_the_guide_says_what_it_means() -> None:
    for found in guide.TABLE.finditer(GUIDE):
        assert "|  |" not in found[0]


@pytest.mark.parametrize("words", [TARGETS, STAKEHOLDERS, Severity, Category, ActionName])
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

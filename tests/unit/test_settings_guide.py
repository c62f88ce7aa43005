"""The guide to the settings and the schema for editors are what the declarations say, and their examples are right."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.settings import ActionName, Category, Deed, Settings, parse, parse_model
from core.settings.kinds import TARGETS
from core.settings.people import STAKEHOLDERS
from core.statistics import STATISTICS
from infra.settings import guide, schema
from tests.support.builders.settings import JUNK, MODEL, changed, outcome, places

ROOT = Path(__file__).resolve().parents[2]
FILE = (ROOT / "infra" / "monitoring.yaml").read_text()
GUIDE = guide.FILE.read_text()
PROBES, PEOPLE = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
WORDS = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)))))
ENVIRONMENT = {
    "PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "SLACK_TOKEN": "xoxb-0",
    "ADA_URL": "https://example.com/ada",
    "ADA_SECRET": "-",
    "GRACE_URL": "https://example.com/grace",
    "ORDERS_PASSWORD": "-",
    "PROBE_PASSWORD": "-",
}
SCHEMA = jsonschema.Draft202012Validator(json.loads(schema.FILE.read_text()))
EMPTY = {"version": 1, "jobs": {}}
LABEL = {"column": "late", "arrives_within": "12h"}


class Loader(yaml.CSafeLoader):
    """Days and instants stay texts, as editors have them."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        key: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for key, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def as_editors_have_it(text: str) -> Any:
    return yaml.load(text, Loader)


def read(example: str) -> Settings:
    filled = re.sub(r"\$\{(\w+)\}", lambda found: ENVIRONMENT[found[1]], example)
    return parse(EMPTY | yaml.load(filled, Loader=yaml.CSafeLoader))


def test_what_is_generated_is_up_to_date() -> None:
    """If not: `make settings`."""
    assert guide.text() == GUIDE
    assert schema.text() == schema.FILE.read_text()


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


def test_every_statistic_is_described_in_the_order_of_the_registry() -> None:
    section = GUIDE.partition("### Statistics")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(STATISTICS)


def test_the_example_of_probes_is_read_as_it_stands() -> None:
    assert [probe.kind for probe in read(PROBES).probes] == [
        *("http", "tls", "dns", "tcp", "grpc", "websocket", "smtp", "postgresql", "redis"),
        *("bigquery", "pubsub", "vertex", "gke", "journey"),
    ]


def test_the_example_of_people_and_incidents_is_read_as_it_stands_and_means_what_it_says() -> None:
    settings = read(PEOPLE)
    technical = settings.people.stakeholders["technical"]
    assert [tier.wait for tier in technical.tiers[:2]] == [timedelta(minutes=5), timedelta(minutes=15)]
    assert settings.playbooks[0].do[0] == Deed(action=ActionName.FLUSH_CACHE, target="cache/pages")
    assert set(yaml.load(PEOPLE, Loader=yaml.CSafeLoader)) == {
        *("channels", "rotations", "stakeholders", "routes", "dependencies", "revenue", "impact", "incidents"),
        *("rules", "maintenance", "resources", "playbooks", "automation"),
    }


def examples() -> Iterator[Any]:
    """The examples of all guides that are of settings: by their keys, or as lists of channels."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        for index, found in enumerate(re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL)):
            raw = as_editors_have_it(found)
            raw = {"channels": raw} if isinstance(raw, list) and path.name == "channels.md" else raw
            if guide.sections().keys() & raw:
                yield pytest.param(raw, id=f"{path.name}-{index}")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA.schema)
    assert "# yaml-language-server: $schema=monitoring.schema.json\n" in FILE


def test_its_patterns_mean_the_same_in_javascript() -> None:
    """There `\\w`, `\\d` and `\\b` are of ASCII alone."""
    for pattern in re.findall(r'"pattern": "(.*)"', schema.text()):
        assert not re.search(r"\(\?[P<]|\\\\[^.$sSx^|{}()[\]\\]", pattern), pattern


def test_the_schema_takes_what_is_deployed() -> None:
    SCHEMA.validate(as_editors_have_it(FILE))


@pytest.mark.parametrize("example", list(examples()))
def test_the_examples_of_the_guides_are_right(example: dict[str, Any]) -> None:
    raw = EMPTY | example
    # an example of one key of a model leaves the other ones out
    models = [MODEL | ({} if "generation" in model else {"label": LABEL}) | model for model in raw.get("models", ())]
    SCHEMA.validate(raw | {"models": models})


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("jobs: {Drift: '* * * * *'}", "jobs"),
        ("probs: []", ""),
        ("probes: [{name: a, kind: tcp, address: 'a:1', every: 1m, fail_after: 0}]", "probes/0"),
        ("incidents: {settle: 5 minutes}", "incidents/settle"),
        ("incidents: {setle: 5m}", "incidents"),
        ("dependencies: [{from: model/a}]", "dependencies/0"),
        ("resources: {cache/a: {prefix: x}}", "resources/cache/a"),
        ("maintenance: [{name: a, targets: ['*'], duration: 1h, schedule: '* * * * *', start: 2026-01-31}]", ""),
        ("business: {customers: {period: 90d}, orders: {table: a.b, timestamp: a, id: a, source: a, amount: a}}", ""),
        ("stakeholders: {tecnical: {}}", "stakeholders"),
        ("playbooks: [{name: a, when: {}, do: [restart]}]", "playbooks/0/do/0"),
    ],
)
def test_the_schema_refuses_what_an_editor_should_mark(text: str, where: str) -> None:
    errors = list(SCHEMA.iter_errors(EMPTY | as_editors_have_it(text)))
    assert errors
    assert any("/".join(map(str, error.absolute_path)).startswith(where) for error in errors)


WHOLE = EMPTY | as_editors_have_it(PEOPLE) | {key: as_editors_have_it(FILE)[key] for key in ("models", "business")}


@given(st.sampled_from(places(WHOLE)), JUNK | st.text() | st.sampled_from(["1h", "0", 1, 0.5, True, "a", "*", "a.b"]))
def test_the_schema_takes_whatever_the_reader_takes(path: tuple[str | int, ...], value: object) -> None:
    raw = changed(WHOLE, path, value)
    if isinstance(outcome(raw), Settings):
        SCHEMA.validate(json.loads(json.dumps(raw, default=str)))


def test_the_table_that_the_guide_fills_has_the_columns_of_the_model_that_it_applies() -> None:
    text = (ROOT / "docs/model-settings.md").read_text()
    [settings] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    [program] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    model = parse_model(json.loads(json.dumps(yaml.load(settings, Loader=yaml.CSafeLoader), default=str)))
    compile(program, "model-settings.md", "exec")
    columns = {model.timestamp, model.id, model.score, *model.features.names, "model"}
    assert columns == set(re.findall(r'^ {12}"(\w+)":', program, re.MULTILINE))
    assert columns == set(re.findall(r'"(\w+)": "(?:STRING|TIMESTAMP|FLOAT64)"', program))
    assert f'"{model.table}"' in program
    assert f'"model": "{model.name}"' in program

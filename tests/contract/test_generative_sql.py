"""The expressions of computed columns: GoogleSQL by Google's own analyser, and run by BigQuery's emulator on texts with known answers."""

import json
import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from google.cloud import bigquery

from core.drift import Profile
from core.drift.slots import counts_from_cells
from core.generative.json_format import matches_sql
from core.generative.language import language_sql
from core.generative.pii import kinds_sql
from core.generative.projections import project, projection_sql
from core.generative.window import counted_shares
from core.settings.generation import PII_KINDS
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.drift_score import statements
from functions.drift_score.bigquery import BigQueryPredictions
from functions.drift_score.slots import statements as slots
from functions.drift_score.slots.predictions import CountedPredictions
from functions.drift_score.slots.slot_counts import SlotCounts
from functions.drift_score.window import Window, watched
from infra.local.warehouse import TableDefinition, read_definitions
from tests.contract.test_sql import PARAMETERS
from tests.support.builders.flights import DAY, TICK, load
from tests.support.builders.generations import COLUMNS, LOG, TABLE, model, requests
from tests.support.checks.googlesql import GoogleSql
from tests.support.fakes.clock import FakeClock

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)  # the analyser is compiled when it is first used, which takes a while

SCHEMA = (
    *({"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in COLUMNS.items()),
    {"name": "prompt_embedding", "type": "FLOAT64", "mode": "REPEATED"},
)
CHAT = model()
OTHER = replace(CHAT, name="other", generation=replace(LOG, refusal_phrases=("i can't help", "naïve \\ so")))


def evaluated(warehouse: BigQueryWarehouse, expression: str, texts: Sequence[str]) -> list[Any]:
    """What an expression over `response` is, of each text."""
    listed = f"SELECT place, {expression} AS found FROM UNNEST(@texts) AS response WITH OFFSET AS place"
    rows = warehouse.query(f"{listed} ORDER BY place", texts=list(texts))
    return [row["found"] for row in rows]


def profile_of(seed: int) -> Profile:
    rows = requests(600, TICK - 10 * DAY, seed=seed)
    plain = {name: [row[name] for row in rows] for name in watched(CHAT) if name in rows[0]}
    rng = np.random.default_rng(seed)
    flags = {name: rng.choice(["true", "false"], len(rows)) for name in CHAT.features.categorical if name not in plain}
    rest = {name: rng.normal(size=len(rows)) for name in watched(CHAT) if name not in plain and name not in flags}
    columns = {name: (plain | flags | rest)[name] for name in watched(CHAT)}
    return Profile.fit(columns, categorical=CHAT.features.categorical, cells=16)


@pytest.fixture(scope="module")
def analyser() -> GoogleSql:
    table = TableDefinition(
        dataset="telemetry", name="generations", description="", partition={}, cluster=(), schema=SCHEMA
    )
    return GoogleSql([table, *read_definitions()])


@pytest.fixture
def table(client: bigquery.Client) -> None:
    schema = [bigquery.SchemaField(one["name"], one["type"], mode=one["mode"]) for one in SCHEMA]
    client.create_table(bigquery.Table(f"{client.project}.{TABLE}", schema))


@pytest.mark.parametrize("chat", [CHAT, OTHER], ids=lambda one: one.name)
def test_the_analyser_takes_every_statement_of_a_generative_model(analyser: GoogleSql, chat: Any) -> None:
    given = {name: PARAMETERS[name] for name in ("model", "window_start", "window_end", "most")}
    analyser.analyse(statements.window(chat, watched(chat), seconds=True), given)
    made = statements.counting(chat, profile_of(1), TICK - DAY, TICK, "language_")
    analyser.analyse(made.sql, made.parameters)


def test_the_analyser_takes_the_count_of_slots_of_models_that_compute_a_column_differently(analyser: GoogleSql) -> None:
    sql = slots.count_slots(slots.Source.of(CHAT), [CHAT, OTHER])
    assert sql.count("AS `refused_`") == 1, "computed once, for the counts and for the sample"
    assert "CASE WHEN model IN ('chat')" in sql
    names = ("batch", "counted_at", "models", "profiles", "samples", "slot_seconds")
    spans = [f"{span}_{edge}" for span in ("new", "late", "day") for edge in ("start", "end")]
    analyser.analyse(sql, {name: PARAMETERS[name] for name in (*names, *spans)})


@pytest.mark.usefixtures("table")
def test_slots_of_a_generative_model_add_up_to_the_count_of_its_window(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    load(client, TABLE, requests(300, TICK, seed=3, leaked=0.2, german=0.3, refused=0.1))
    profile = profile_of(1)
    window = Window(model=CHAT, version="1", start=TICK - DAY, end=TICK)
    with closing(SqliteStore(":memory:")) as store:
        counter = SlotCounts(warehouse, store, FakeClock())
        counter.register(CHAT, "1", profile, TICK)
        batch = counter.advance([CHAT], counter.registered([CHAT]), TICK)
        [window_cells] = counter.read([CHAT], batch, TICK)
        found = counts_from_cells(profile, window_cells.features)
    whole = BigQueryPredictions(warehouse).counts(window, profile)
    assert found.rows == whole.rows == 300
    assert all(map(np.array_equal, found.categories, whole.categories))
    assert np.array_equal(found.cells, whole.cells)


@pytest.mark.usefixtures("table")
def test_texts_that_are_gone_keep_nothing_else_from_being_counted_by_slots(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    load(client, TABLE, requests(300, TICK, seed=3, failed=0.1))
    changed = replace(CHAT, table="telemetry.changed")
    warehouse.query(f"CREATE OR REPLACE TABLE {changed.table} AS SELECT * EXCEPT (response) FROM {TABLE}")
    profile = profile_of(1)
    window = Window(model=changed, version="1", start=TICK - DAY, end=TICK)
    with closing(SqliteStore(":memory:")) as store:
        counter = SlotCounts(warehouse, store, FakeClock())
        counter.register(changed, "1", profile, TICK)
        batch = counter.advance([changed], counter.registered([changed]), TICK)
        counted = CountedPredictions(
            rest=None,  # type: ignore[arg-type]  # nothing is read
            slots=counter,
            warehouse=warehouse,
            at=TICK,
            window=next(counter.read([changed], batch, TICK)),
        )
        found = counted.counts(window, profile)
    lost = {"response_characters_", "language_", "empty_", "invalid_format_", "pii_"}
    assert (found.rows, found.absent, found.retyped) == (300, lost, {})
    whole = BigQueryPredictions(warehouse).counts(window, profile)
    assert all(map(np.array_equal, found.categories, whole.categories))
    assert counted_shares(profile, found).keys() == {
        *("error_ratio", "refusal_ratio", "truncated_ratio", "empty_context_ratio"),
    }


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to anna.smith+x@mail.example.co.uk today", "email"),
        ("an @ alone, user@host and a@b are none", "none"),
        ("call +44 20 7946 0958, please", "phone"),
        ("call (212) 555-0147.", "phone"),
        ("between 2010-2014 and 1,234,567 of 1234567890", "none"),
        ("GB82 WEST 1234 5698 7654 32", "iban"),
        ("my account DE89370400440532013000 is", "iban"),
        ("ES91 2100 0418 4502 0005 1332 OK", "iban"),
        ("MT84MALT011000012345MTLCAST001S", "iban"),
        ("GB82 WEST 1234 5698 7654 33", "none"),
        ("DE8937040044053201300", "none"),
        ("4111 1111 1111 1111", "card"),
        ("card 378282246310005 of 2019", "card"),
        ("5500-0000-0000-0004", "card"),
        ("4111 1111 1111 1112", "none"),
        ("by card.4111111111111111", "card"),
        (".4111111111111111", "card"),
        ("5500005555555559,4111111111111112", "card"),
        ("5500005555555558,4111111111111111", "card"),
        ('{"probability": 0.4111111111111111, "scores": [1.4111111111111111, -12.4111111111111111]}', "none"),
        ("order 1234567812345670", "none"),
        ("from 192.168.0.1: port", "ip"),
        ("it is 10.0.0.255.", "ip"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "ip"),
        ("256.1.1.1 and 1.2.3 and 1.2.3.4.5", "none"),
        ("anna@example.org at 10.0.0.1", "email+ip"),
        ("nothing at all", "none"),
    ],
)
def test_personal_data_is_told_by_its_form_and_its_checksum(
    warehouse: BigQueryWarehouse, text: str, kinds: str
) -> None:
    assert evaluated(warehouse, kinds_sql("response", PII_KINDS), [text]) == [kinds]


def test_only_the_kinds_that_are_asked_for_are_told(warehouse: BigQueryWarehouse) -> None:
    assert evaluated(warehouse, kinds_sql("response", ["ip"]), ["anna@example.org at 10.0.0.1"]) == ["ip"]


RIGHTS = {
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem "
    "agir uns para com os outros em espírito de fraternidade.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter. De är utrustade med förnuft och samvete.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem.",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler.",  # noqa: RUF001 - letters of the language
    "ru": "Все люди рождаются свободными и равными в своём достоинстве и правах.",  # noqa: RUF001 - letters of the language
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах.",  # noqa: RUF001 - letters of the language
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",  # noqa: RUF001 - letters of the language
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "zh": "人人生而自由,在尊严和权利上一律平等。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "unknown": "lorem ipsum xyz 12345",
}
"""The first article of the Universal Declaration of Human Rights."""


def test_languages_are_told_apart(warehouse: BigQueryWarehouse) -> None:
    assert evaluated(warehouse, language_sql("response"), list(RIGHTS.values())) == list(RIGHTS)


SCHEMAS: Sequence[dict[str, Any]] = (
    {},
    {"type": "object"},
    {"type": ["string", "null"]},
    {"enum": ["a", "é'\\", 3, True]},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"const": "a"}}},
    {"required": ["b"], "additionalProperties": False, "properties": {"a": {"type": ["number", "null"]}, "b": {}}},
    {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}}},
    {"properties": {"a": {"properties": {"b": {"type": "string"}}, "required": ["b"]}}},
    {"type": "object", "properties": {"c": {"type": "array", "items": {"enum": ["a", "b"]}}}},
)


def value(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value, of few names and words, so that it often matches."""
    kinds = ["text", "number", "word"] if depth > 2 else ["object"] * 4 + ["array"] * 2 + ["text", "number", "word"]
    match rng.choice(kinds):
        case "object":
            return {name: value(rng, depth + 1) for name in rng.sample("abc", rng.randint(0, 3))}
        case "array":
            return [value(rng, depth + 1) for _ in range(rng.randint(0, 2))]
        case "text":
            return rng.choice(["a", "b", "é'\\", "", "null"])
        case "number":
            return rng.choice([3, 0, -7, 2.5, 1e30])
        case _:
            return rng.choice([True, False, None])


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda one: json.dumps(one)[:40])
def test_a_format_is_judged_as_jsonschema_does(warehouse: BigQueryWarehouse, schema: dict[str, Any]) -> None:
    rng = random.Random(11)
    values = [value(rng) for _ in range(150)]
    texts = [json.dumps(one, ensure_ascii=False) for one in values]
    expected = [jsonschema.Draft202012Validator(schema).is_valid(one) for one in values]
    spaced = [f"\n {texts[0]} "]
    broken = ["", "{", "no", "```json\n{}\n```", '{"a": 1} and more', "{'a': 1}"]
    found = evaluated(warehouse, matches_sql("response", json.dumps(schema)), [*texts, *spaced, *broken])
    wrong = [text for text, is_valid, was in zip(texts, expected, found, strict=False) if bool(was) is not is_valid]
    assert wrong == []
    assert found[len(texts)] is expected[0]
    assert not any(found[len(texts) + 1 :])
    assert schema == {} or {*expected} == {True, False}


def test_projections_in_the_warehouse_are_those_in_memory(warehouse: BigQueryWarehouse) -> None:
    vectors = np.random.default_rng(5).normal(size=(20, 24))
    for number in (1, 2, 7):
        rows = [f"SELECT {place} AS place, {vector.tolist()} AS e" for place, vector in enumerate(vectors)]
        rows += ["SELECT 20, [1.0, 2.0]", "SELECT 21, CAST(NULL AS ARRAY<FLOAT64>)"]
        source = " UNION ALL ".join(rows)
        sql = f"SELECT place, {projection_sql('e', 24, number)} AS found FROM ({source}) ORDER BY place"
        found = [row["found"] for row in warehouse.query(sql)]
        assert found[:20] == pytest.approx(project(vectors, number).tolist())
        assert found[20:] == [None, None]

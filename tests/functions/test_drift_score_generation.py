"""Generative models, scored over the wire: what changed is found and named, and what did not change is not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from core.events import Finding, Severity, Status
from core.settings import Model
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from tests.support.builders.drift import World
from tests.support.builders.flights import DAY, TICK, TRAINED, load, version
from tests.support.builders.generations import COLUMNS, LOG, TABLE, model, requests

pytest_plugins = ["tests.support.servers.warehouse"]
REQUESTS = 800


@pytest.fixture
def world(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    """A deployment with one generative model and its reference window."""
    schema = [bigquery.SchemaField(name, kind) for name, kind in COLUMNS.items()]
    schema.append(bigquery.SchemaField("prompt_embedding", "FLOAT64", mode="REPEATED"))
    client.create_table(bigquery.Table(f"{client.project}.{TABLE}", schema))
    load(client, "ops.model_versions", [version(model="chat")])
    load(client, TABLE, requests(4000, TRAINED, seed=1, span=10 * DAY))
    return World(client, open_store(f"sqlite://{tmp_path}/store.db", "test"), warehouse, models=(model(),))


def fired(world: World) -> dict[str, Finding]:
    """The findings that fire, by kind."""
    return {one.kind: one for one in world.bus.events if isinstance(one, Finding) and one.status is Status.FIRING}


def after(world: World, chat: Model | None = None, **change: Any) -> dict[str, Finding]:
    """What is found of a window with a change."""
    world.models = (chat or model(),)
    load(world.client, TABLE, requests(REQUESTS, TICK, seed=2, **change))
    world.tick()
    return fired(world)


def measured(world: World) -> Mapping[str, Data]:
    return {row["measure"]: row for row in world.measures()}


@pytest.mark.parametrize("exact_rows", [50_000, 500], ids=["by rows", "counted"])
def test_a_window_like_the_reference_is_measured_and_nothing_is_found(world: World, exact_rows: int) -> None:
    assert after(world, model(exact_rows=exact_rows)) == {}
    found = measured(world)
    assert {name: row["value"] is not None for name, row in found.items()} == dict.fromkeys(
        (
            *("error_ratio", "refusal_ratio", "truncated_ratio", "empty_ratio", "invalid_format_ratio", "pii_ratio"),
            *("empty_context_ratio", "first_token_p95", "total_p95", "dollars_per_request", "retries_per_request"),
            "dollars_per_hour",
            *("score/helpfulness", "embedding_distance/prompt_embedding"),
        ),
        True,
    )
    assert found["refusal_ratio"]["low"] < 0.01 < found["refusal_ratio"]["high"]
    assert found["score/helpfulness"]["reference"] == pytest.approx(4.0, abs=0.05)
    assert found["pii_ratio"]["value"] == 0


def test_the_metrics_of_a_model_are_at_most_fourteen_series(world: World) -> None:
    after(world)
    values = {key: value for key, value in world.metrics.values.items() if key[0].startswith("aia_generation_")}
    assert len(values) == 14
    assert values["aia_generation_requests_per_second", "chat"] == pytest.approx(REQUESTS / 86_400)
    rows = requests(REQUESTS, TICK, seed=2)
    tokens = sum(row["tokens_out"] for row in rows)
    assert values["aia_generation_tokens_per_second", "out", "chat"] == pytest.approx(tokens / 86_400)
    dollars = (0.5 * sum(row["tokens_in"] for row in rows) + 1.5 * tokens) / 1e6
    assert values["aia_generation_dollars_per_hour", "chat"] == pytest.approx(dollars / 24)
    times = sorted(row["total_seconds"] for row in rows)
    assert values["aia_generation_total_seconds", "chat"] == times[int(0.95 * REQUESTS) - 1]
    failed = sum(row["status"] == 500 for row in rows)
    assert values["aia_generation_error_ratio", "chat"] == failed / REQUESTS
    assert values["aia_generation_worse_measures", "chat"] == 0


@pytest.mark.parametrize(
    ("change", "measure", "feature"),
    [
        ({"slower": 2.0}, "Total time, 95th percentile", "total_seconds"),
        ({"refused": 0.05}, "Refusal ratio", None),
        ({"failed": 0.06}, "Error ratio", None),
        ({"longest": 300}, "Truncated responses", "truncated_"),
        ({"broken": 0.1}, "Responses of invalid format", "invalid_format_"),
        ({"unfound": 0.3}, "Requests with an empty context", "empty_context_"),
    ],
    ids=str,
)
def test_what_has_become_worse_is_found_and_named(
    world: World, change: dict[str, Any], measure: str, feature: str | None
) -> None:
    found = after(world, **change)
    degraded = found["generation_degraded"]
    assert measure in degraded.evidence
    assert degraded.runbook == "generative.md#generation_degraded"
    assert world.metrics.values["aia_generation_worse_measures", "chat"] >= 1
    if feature is not None:
        assert feature in found["drift"].evidence


@pytest.mark.parametrize(
    ("change", "features"),
    [
        ({"german": 0.3}, {"language_"}),
        ({"asked_in_german": 0.3}, {"prompt_language_"}),
        ({"topic": 0.6}, {f"prompt_embedding_{n}_" for n in range(1, 7)}),
    ],
    ids=["a language switch", "prompts in another language", "a change of topic"],
)
def test_a_change_of_what_is_asked_or_said_is_drift_of_its_features(
    world: World, change: dict[str, Any], features: set[str]
) -> None:
    found = after(world, **change)
    assert features & found["drift"].evidence.keys()
    assert "generation_degraded" not in found


def test_embeddings_that_move_are_far_from_the_centroid_of_the_reference(world: World) -> None:
    after(world, topic=0.6)
    row = measured(world)["embedding_distance/prompt_embedding"]
    # Random projections keep the distance of 0.6 in each of the dimensions in the mean; six of them are few.
    assert 0.25 < row["value"] < 1.2
    assert row["low"] > 0.1


@pytest.mark.parametrize("exact_rows", [50_000, 500], ids=["by rows", "counted"])
def test_personal_data_is_found_by_its_kind_and_never_shown(world: World, exact_rows: int) -> None:
    found = after(world, model(exact_rows=exact_rows), leaked=0.05)
    leak = found["pii_in_responses"]
    assert leak.severity is Severity.ERROR
    assert "Responses with personal data" in leak.evidence
    if exact_rows > REQUESTS:
        assert leak.evidence["kinds"].startswith("email in ")
    assert "example.org" not in str(world.bus.events) + str(world.scores()) + str(world.measures())
    assert "example.org" not in str([document.data for document in world.store.find("profiles")])


def test_a_window_that_is_counted_has_the_measures_of_its_rows(world: World) -> None:
    after(world, leaked=0.05, slower=2.0)
    by_rows = measured(world)
    world.models = (model(exact_rows=REQUESTS - 1),)
    world.forget_claims()
    world.tick()
    counted = measured(world)
    assert counted.keys() == by_rows.keys()
    for name, row in by_rows.items():
        assert counted[name]["value"] == pytest.approx(row["value"], rel=0.01), name


def test_a_measure_beyond_its_limit_is_a_finding_until_it_is_within(world: World) -> None:
    chat = model(
        replace(LOG, limits={"refusal_ratio": 0.02, "total_p95": 500.0, "score": 3.0, "dollars_per_hour": 1.0}),
        recover_after=1,
    )
    found = after(world, chat, refused=0.05)
    limit = found["generation_beyond_limit"]
    assert limit.summary.endswith(f"on {REQUESTS} requests, ceiling 2.0%")
    assert (limit.threshold, list(limit.evidence)) == (0.02, ["Refusal ratio", "reason"])
    load(world.client, TABLE, requests(REQUESTS, TICK + DAY, seed=3, refused=0.002))
    world.tick(TICK + DAY)
    statuses = [one.status for one in world.bus.findings("generation_beyond_limit")]
    assert statuses == [Status.FIRING, Status.RESOLVED]


@pytest.mark.parametrize("exact_rows", [50_000, 500], ids=["by rows", "counted"])
def test_a_column_that_is_gone_takes_what_is_computed_of_it_along_and_nothing_else(
    world: World, exact_rows: int
) -> None:
    load(world.client, TABLE, requests(REQUESTS, TICK, seed=2) + requests(REQUESTS, TICK + DAY, seed=3, failed=0.2))
    chat = model(table="telemetry.changing", exact_rows=exact_rows)
    world.models = (chat,)
    world.warehouse.query(f"CREATE OR REPLACE TABLE {chat.table} AS SELECT * FROM {TABLE}")
    world.tick()
    assert fired(world) == {}
    changed = "* EXCEPT (response, documents), CASE WHEN documents > 0 THEN 'some' END AS documents"
    world.warehouse.query(f"CREATE OR REPLACE TABLE {chat.table} AS SELECT {changed} FROM {TABLE}")
    world.tick(TICK + DAY)
    found = fired(world)
    issues = found["data_quality"].evidence
    lost = ("response_characters_", "language_", "empty_", "invalid_format_", "pii_", "empty_context_")
    assert {issues[name] for name in lost} == {"the column is missing"}
    assert "the type of the column changed" in issues["documents"]
    assert "Error ratio" in found["generation_degraded"].evidence
    assert "scoring_failed" not in found

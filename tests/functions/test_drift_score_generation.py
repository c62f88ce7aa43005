"""Generative models, scored: what changed is found and named, and what did not change is not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.events import Finding, Severity, Status
from core.settings import Model
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.drift_score.reference import COLLECTION
from tests.support.builders.drift import World
from tests.support.builders.flights import DAY, TICK, TRAINED, version
from tests.support.builders.generations import LOG, TABLE, TYPES, Row, model, requests
from tests.support.fakes.tables import Tables

REQUESTS = 500


@pytest.fixture(scope="module")
def learnt() -> dict[str, Data]:
    """The profiles that tests have stored, by key: all have the same reference window, and learning it takes a second."""
    return {}


@cache
def _reference() -> Tables:
    """The table with the requests of the reference window, as it keeps them."""
    tables = Tables()
    tables.create(TABLE, **TYPES)
    tables.append(TABLE, requests(3000, TRAINED, seed=1, span=10 * DAY))
    return tables


@pytest.fixture
def world(tmp_path: Path, learnt: dict[str, Data]) -> Iterator[World]:
    """A deployment with one generative model and its reference window, of which the profile may be stored."""
    world = World(open_store(f"sqlite://{tmp_path}/store.db", "test"), models=(model(),))
    world.load("ops.model_versions", [version(model="chat")])
    world.create(TABLE, **TYPES)
    world.tables[TABLE].rows.extend(_reference()[TABLE].rows)
    for key, data in learnt.items():
        world.store.create(COLLECTION, key, data)
    yield world
    learnt |= {document.key: document.data for document in world.store.find(COLLECTION)}


def fired(world: World) -> dict[str, Finding]:
    """The findings that fire, by kind."""
    return {one.kind: one for one in world.bus.events if isinstance(one, Finding) and one.status is Status.FIRING}


def after(world: World, chat: Model | None = None, **change: Any) -> dict[str, Finding]:
    """What is found of a window with a change."""
    world.models = (chat or model(),)
    world.load(TABLE, requests(REQUESTS, TICK, seed=2, **change))
    world.tick()
    return fired(world)


def measured(world: World) -> Mapping[str, Data]:
    return {row["measure"]: row for row in world.measures()}


def test_a_window_like_the_reference_is_measured_by_at_most_fourteen_series_and_nothing_is_found(
    world: World,
) -> None:
    assert after(world) == {}
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


CHANGES: list[tuple[dict[str, Any], str, set[str]]] = [
    ({"slower": 2.0}, "generation_degraded", {"Total time, 95th percentile", "Time to first token, 95th percentile"}),
    ({"slower": 2.0}, "drift", {"total_seconds", "first_token_seconds"}),
    ({"refused": 0.05}, "generation_degraded", {"Refusal ratio"}),
    ({"failed": 0.06}, "generation_degraded", {"Error ratio"}),
    ({"longest": 300}, "generation_degraded", {"Truncated responses"}),
    ({"longest": 300}, "drift", {"truncated_"}),
    ({"broken": 0.1}, "generation_degraded", {"Responses of invalid format"}),
    ({"unfound": 0.3}, "generation_degraded", {"Requests with an empty context"}),
    ({"german": 0.3}, "drift", {"language_"}),
    ({"asked_in_german": 0.3}, "drift", {"prompt_language_"}),
]


def test_what_changed_is_found_and_named_day_by_day(world: World) -> None:
    wanted = [change for k, (change, _, _) in enumerate(CHANGES) if change not in [one for one, _, _ in CHANGES[:k]]]
    for day, change in enumerate(wanted):
        at = TICK + day * DAY
        world.load(TABLE, requests(800, at, seed=20 + day, **change))
        world.tick(at)
    for change, kind, named in CHANGES:
        at = TICK + wanted.index(change) * DAY
        found = [one for one in world.bus.findings(kind) if one.observed_at == at and one.status is Status.FIRING]
        assert len(found) == 1, change
        assert named <= found[0].evidence.keys(), (change, found)
    assert world.metrics.values["aia_generation_worse_measures", "chat"] == 0
    assert {one.runbook for one in world.bus.findings("generation_degraded")} == {"generative.md#generation_degraded"}


ROW_CHANGES: list[tuple[Callable[[Row], Row], str, set[str]]] = [
    (lambda row: row | {"retries": row["retries"] + 1}, "generation_degraded", {"Retries per request"}),
    (lambda row: row | {"tokens_out": 3 * row["tokens_out"]}, "generation_degraded", {"Cost per request"}),
    (lambda row: row | {"tokens_in": 3 * row["tokens_in"]}, "drift", {"tokens_in", "dollars_"}),
    (lambda row: row | {"helpfulness": row["helpfulness"] - 1}, "generation_degraded", {"Score of helpfulness"}),
    (lambda row: row | {"response": row["response"] + 300 * " "}, "drift", {"response_characters_"}),
    (lambda row: row | {"prompt": row["prompt"] * 3}, "drift", {"prompt_characters_"}),
    (
        lambda row: row | ({"response": ""} if int(row["request_id"][-1]) < 1 else {}),
        "generation_degraded",
        {"Empty responses"},
    ),
    (
        lambda row: row | ({"finish_reason": "tool"} if int(row["request_id"][-1]) < 1 else {}),
        "drift",
        {"finish_reason"},
    ),
]


def test_what_changed_in_the_rows_is_found_and_named_day_by_day(world: World) -> None:
    for day, (change, kind, named) in enumerate(ROW_CHANGES):
        at = TICK + day * DAY
        world.load(TABLE, [change(row) for row in requests(REQUESTS, at, seed=60 + day)])
        world.tick(at)
        found = [one for one in world.bus.findings(kind) if one.observed_at == at and one.status is Status.FIRING]
        assert len(found) == 1, day
        assert named <= found[0].evidence.keys(), (day, found)


def test_a_change_of_topic_is_drift_of_the_embeddings_and_of_nothing_else(world: World) -> None:
    found = after(world, topic=0.6)
    moved = {f"prompt_embedding_{number}_" for number in range(1, 7)} & found["drift"].evidence.keys()
    assert len(moved) >= 3
    assert found.keys() == {"drift"}
    row = measured(world)["embedding_distance/prompt_embedding"]
    # Random projections keep the distance of 0.6 in each of the dimensions in the mean; six of them are few.
    assert 0.25 < row["value"] < 1.2
    assert row["low"] > 0.1


def assert_a_leak_is_told_and_never_shown(world: World, found: Mapping[str, Finding]) -> None:
    leak = found["pii_in_responses"]
    assert leak.severity is Severity.ERROR
    assert "Responses with personal data" in leak.evidence
    assert "example.org" not in str(world.bus.events) + str(world.scores()) + str(world.measures())
    assert "example.org" not in str([document.data for document in world.store.find("profiles")])


def test_personal_data_is_found_where_it_is_counted(world: World) -> None:
    assert_a_leak_is_told_and_never_shown(world, after(world, model(exact_rows=REQUESTS - 1), leaked=0.05))


def test_a_window_that_is_counted_has_the_measures_of_its_rows(world: World) -> None:
    found = after(world, leaked=0.05, slower=2.0)
    assert_a_leak_is_told_and_never_shown(world, found)
    assert found["pii_in_responses"].evidence["kinds"].startswith("email in ")
    by_rows = measured(world)
    world.models = (model(exact_rows=REQUESTS - 1),)
    world.forget_claims()
    world.tick()
    counted = measured(world)
    assert counted.keys() == by_rows.keys()
    for name, row in by_rows.items():
        assert counted[name]["value"] == pytest.approx(row["value"], rel=0.03), name


def test_a_measure_beyond_its_limit_is_a_finding_until_it_is_within(world: World) -> None:
    chat = model(
        replace(LOG, limits={"refusal_ratio": 0.02, "total_p95": 500.0, "score": 3.0, "dollars_per_hour": 1.0}),
        recover_after=1,
    )
    found = after(world, chat, refused=0.05)
    limit = found["generation_beyond_limit"]
    assert limit.summary.endswith(f"on {REQUESTS} requests, ceiling 2%")
    assert (limit.threshold, list(limit.evidence)) == (0.02, ["Refusal ratio", "reason"])
    world.load(TABLE, requests(REQUESTS, TICK + DAY, seed=3, refused=0.002))
    world.tick(TICK + DAY)
    statuses = [one.status for one in world.bus.findings("generation_beyond_limit")]
    assert statuses == [Status.FIRING, Status.RESOLVED]


@pytest.mark.parametrize("exact_rows", [50_000, 400], ids=["by rows", "counted"])
def test_a_column_that_is_gone_takes_what_is_computed_of_it_along_and_nothing_else(
    world: World, exact_rows: int
) -> None:
    world.load(TABLE, requests(REQUESTS, TICK, seed=2) + requests(REQUESTS, TICK + DAY, seed=3, failed=0.2))
    chat = model(table="telemetry.changing", exact_rows=exact_rows)
    world.models = (chat,)
    world.copy(TABLE, chat.table)
    world.tick()
    assert fired(world) == {}
    world.copy(TABLE, chat.table, without=["response"], texts=["documents"])
    world.tick(TICK + DAY)
    found = fired(world)
    issues = found["data_quality"].evidence
    lost = ("response_characters_", "language_", "empty_", "invalid_format_", "pii_", "empty_context_")
    assert {issues[name] for name in lost} == {"the column is missing"}
    assert "the type of the column changed" in issues["documents"]
    assert "Error ratio" in found["generation_degraded"].evidence
    assert "scoring_failed" not in found

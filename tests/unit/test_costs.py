"""The bill of a month: its arithmetic by hand, its targets, and that the guide has its tables."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.drift_score.shards import MODELS_A_SHARD
from functions.drift_score.slots.slot_counts import SLOT
from infra.costs import bigquery, others
from infra.costs.__main__ import main
from infra.costs.bigquery import LEAST, Reckoning, Usage
from infra.costs.bill import bill, reckon
from infra.costs.facts import OBJECTIVES, UPTIME, Clause, Facts, clauses, facts
from infra.costs.prices import DAYS, GIB, PRICES, TIB
from infra.costs.report import filled
from infra.costs.workload import BY_SLOTS, MERGED, RECOUNTED, STATED, TARGETS, Design, Workload
from infra.plan_bill import OLDER_CONDITION

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "costs.md"
LOAD = Workload(
    models=400, tables=2, rows=960_000, features=9, cells=100, window_days=2, name_bytes=8, id_bytes=14, late=0.0
)
FACTS = Facts(
    ticks=96,
    jobs=5,
    shard=200,
    memory=2.0,
    slots_kept=10,
    sums_kept=1,
    distributions_kept=2,
    conditions=3,
    clauses=(
        Clause(evaluations=1440, by_model=False, labelled=False),
        Clause(evaluations=96, by_model=True, labelled=False),
        Clause(evaluations=96, by_model=True, labelled=True),
    ),
)
TICKS = 96 * 30


def used(what: str, load: Workload = LOAD, design: Design = BY_SLOTS) -> float:
    found = Reckoning(load, design, FACTS)
    return sum(one.units for one in (*bigquery.usages(found), *others.usages(found)) if one.what == what)


def test_a_row_has_the_bytes_of_bigquery() -> None:
    assert LOAD.row_bytes == 10 * 8 + (2 + 8) + (2 + 14) + 8


def test_predictions_are_read_three_times_or_at_every_tick_of_the_window() -> None:
    by_slots, recounted = used("predictions counted"), used("predictions counted", design=RECOUNTED)
    assert by_slots == pytest.approx(3 * 960_000 * DAYS * LOAD.row_bytes * 400)
    assert recounted == pytest.approx(2 * 960_000 * LOAD.row_bytes * TICKS * 400)
    assert recounted / by_slots == pytest.approx(2 * 96 / 3)


def test_a_statement_is_billed_the_least_for_every_table() -> None:
    small = replace(LOAD, rows=96)
    assert used("predictions counted", small) == LEAST * 2 * TICKS
    assert used("predictions counted", small, RECOUNTED) == LEAST * 400 * TICKS
    assert used("windows summarised", small, RECOUNTED) == 2 * LEAST * 400 * TICKS


def test_sums_are_those_of_four_slots_and_of_the_window_before() -> None:
    fixed = (4 + 8 + 36 + 56) + 16 + 34
    sample = (2 + 17) + (2 + 6 * 9 * 4)  # 1000 rows of 192 slots, 9 features of 4 bytes, and the features' numbers
    slot = 10 * (fixed + 24 * 100) + fixed + 24 + sample
    assert used("slots summed") == pytest.approx(4 * slot * 400 * TICKS, rel=1e-5)
    assert used("slots") == pytest.approx(10 * 96 * slot * 400, rel=1e-5)
    assert used("windows summed again, each once in its length") == pytest.approx(192 * slot * 400 * 15, rel=1e-5)
    late = replace(LOAD, late=0.5)
    assert used("slots", late) / used("slots") == pytest.approx(2)


def test_a_window_has_its_cells_without_numbers_and_the_samples_of_its_slots() -> None:
    fixed = 34 + (4 + 8 + 36) + 40 + 32 * (math.log(192) + 0.58)
    window = 10 * (fixed + 16 * 100) + fixed + 24 + (2 + 17) + 192 * (8 + 2 + 6 * 9 * 4)
    assert used("sums moved on") == used("sums read by shards") == pytest.approx(window * 400 * TICKS, rel=1e-5)
    assert used("sums of windows") == pytest.approx(96 * window * 400, rel=1e-5)


def test_few_rows_fill_few_cells() -> None:
    found = Reckoning(LOAD, BY_SLOTS, FACTS)
    assert found.filled(1) == pytest.approx(1, rel=0.01)
    assert found.filled(100) == pytest.approx(63.2, abs=0.1)
    assert found.filled(1e6) == pytest.approx(100)


def test_results_are_streamed_by_the_kibibyte_or_merged() -> None:
    rows = 10 * bigquery.STATISTICS + 1
    assert used("results") == rows * 1024 * 400 * TICKS
    assert used("results", design=MERGED) == 0
    assert used("results merged, at least", design=MERGED) == LEAST * 2 * 400 * TICKS


def test_the_store_is_written_on_transitions_or_at_every_tick() -> None:
    each, claims = 400 * TICKS, 2 * TICKS  # a shard a table
    assert used("conditions, profiles") == 5 * each
    assert used("claims, transitions") == pytest.approx(2 * claims + 2 * 0.1 * 400 * 30)
    assert used("claims, conditions", design=MERGED) == 4 * each + 2 * claims
    assert used("claims") == claims
    assert used("profiles and claims") == 400 * 600_000 + 32 * 96 * (2 * 300 + 400 * 9)


def test_rules_are_billed_by_the_points_of_models_that_have_the_metric() -> None:
    assert sum(
        one.units for one in others.usages(Reckoning(LOAD, BY_SLOTS, FACTS)) if one.price == "points"
    ) == pytest.approx(30 * (1440 + 96 * 400))
    half = replace(LOAD, labelled=0.5)
    points = [one.units for one in others.usages(Reckoning(half, BY_SLOTS, FACTS)) if one.price == "points"]
    assert points == [pytest.approx(30 * (1440 + 96 * 400 * 1.5))]


def test_labels_cost_a_read_of_every_window() -> None:
    assert used("scores and labels read") == 0
    half = replace(LOAD, labelled=0.5)
    size = 2 * 960_000 * half.label_bytes
    assert used("scores and labels read", half) == pytest.approx((size + LEAST) * 200 * TICKS)
    mixed = replace(half, apart=False)
    assert used("scores and labels read", mixed) == pytest.approx((200 * size + LEAST) * 200 * TICKS)


def test_what_is_free_is_free_once() -> None:
    found = bill(
        [Usage("scan", "a", 0.75 * TIB, ""), Usage("scan", "b", 0.75 * TIB, ""), Usage("storage", "c", 110 * GIB, "")]
    )
    assert found.dollars == pytest.approx(0.5 * 6.25 + 100 * 0.02)
    assert found.of("scan") == pytest.approx(1.5 * 6.25)
    assert bill([Usage("storage", "c", GIB, "")]).dollars == 0


def test_every_price_has_a_source_and_no_price_is_for_nothing() -> None:
    found = Reckoning(replace(LOAD, labelled=0.5), BY_SLOTS, FACTS)
    assert {one.price for one in (*bigquery.usages(found), *others.usages(found))} == set(PRICES)
    for price in PRICES.values():
        assert price.source.startswith("https://"), price
        assert price.dollars > 0, price


@pytest.mark.parametrize("load", STATED, ids=lambda load: str(load.models))
def test_the_stated_workloads_keep_their_targets(load: Workload) -> None:
    found = reckon(load, BY_SLOTS, facts())
    assert 0 < found.dollars <= TARGETS[load.models]
    assert found.dollars < reckon(load, RECOUNTED, facts()).dollars


def _rules() -> Iterator[dict[str, Any]]:
    for path in (ROOT / "infra" / "alerts").glob("*.yaml"):
        for group in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["groups"]:
            yield from group["rules"]


def test_facts_are_those_of_the_code() -> None:
    jobs = yaml.load((ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)["jobs"]
    found = facts()
    assert found.shard == MODELS_A_SHARD
    assert found.jobs == len(jobs)
    assert found.ticks == bigquery.SLOTS_A_DAY == 24 * 60 // (SLOT.seconds // 60)
    rules = found.conditions - OBJECTIVES - UPTIME
    assert rules == sum("alert" in rule for rule in _rules())
    guide = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
    said = f"The {rules} rules with the {OBJECTIVES + UPTIME} conditions of objectives and the uptime check (a public intake has one more) are"
    newer, older = (round(found.conditions * dollars) for dollars in (PRICES["conditions"].dollars, OLDER_CONDITION))
    assert f"{said} ${newer} a month by the newer price, and ${older} by the older one" in guide
    assert sum(one.by_model for one in found.clauses) > 10


@pytest.mark.parametrize(
    ("expression", "models", "labelled"),
    [
        ("max by (model) (last_over_time(aia_drift_features_drifted_ratio[1h])) >= 0.25 < 0.5", 1, 0),
        ("time() - max by (model) (aia_drift_scored_timestamp_seconds) > 3600", 1, 0),
        (
            "min by (model) (aia_model_accuracy_ratio) < on (model) max by (model) (aia_model_accuracy_floor_ratio)",
            2,
            2,
        ),
        ("absent(aia_heartbeat_timestamp_seconds)", 0, 0),
    ],
)
def test_each_side_of_a_comparison_that_has_a_metric_returns_points(
    expression: str, models: int, labelled: int
) -> None:
    found = clauses(expression, "15m")
    assert sum(one.by_model for one in found) == models
    assert sum(one.labelled for one in found) == labelled
    assert {one.evaluations for one in found} == {96}


def test_the_guide_has_the_tables_of_today() -> None:
    text = GUIDE.read_text()
    assert filled(text) == text, "run `python -m infra.costs --write`"


def test_the_command_prints_the_bill_of_a_workload(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--models", "300", "--tables", "3", "--rows", "50000"]) == 0
    printed = capsys.readouterr().out
    assert "300 models, by slots" in printed
    assert "| **sum** |" in printed

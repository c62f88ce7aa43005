"""The steps of a training, on rows whose properties are known."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.versions import Metric
from functions.adapters.ports import Data
from functions.adapters.registries.register import KEEP_CHAMPION, WRITE_VERSION
from infra.training.steps import table
from infra.training.steps.evaluate import DIFFERENCE, daily_mean, evaluate
from infra.training.steps.evaluation import Evaluation
from infra.training.steps.extract import Source, extract, split_at, statement
from infra.training.steps.register import Training, conclude, version_name
from infra.training.steps.score import Target, append, unscored
from infra.training.steps.table import CHAMPION, ID, LABEL, SCORE, SECOND, Table
from infra.training.steps.validate import DataError, Limits, validate

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = 86_400.0
SOURCE = Source(
    model="churn",
    table="shop.scores",
    timestamp="at",
    id="id",
    score="score",
    label_table="shop.labels",
    label="left",
    numeric=("age",),
    categorical=("plan",),
)


def rows(number: int, *, days: float = 10, seed: int = 1, **columns: NDArray[Any]) -> Table:
    """Rows of which the label follows the age, and the champion knows nothing."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(0, 1, number)
    return {
        "age": age,
        "plan": rng.choice(np.array(["a", "b"], dtype=object), number),
        ID: np.array([f"row-{seed}-{place}" for place in range(number)], dtype=object),
        SECOND: np.sort(rng.uniform(0, days * DAY, number)),
        LABEL: (rng.uniform(0, 1, number) < age).astype(float),
        CHAMPION: np.full(number, 0.5),
        **columns,
    }


def scores(held: Table, values: NDArray[Any] | None = None) -> Table:
    return {ID: held[ID][::-1], SCORE: (held["age"] if values is None else values)[::-1]}


# Rows


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = rows(20, age=np.r_[np.nan, np.arange(19.0)], plan=np.array([None, *"abababababababababa"], dtype=object))
    table.write(written, str(tmp_path / "rows"))
    read = table.read(str(tmp_path / "rows"))
    assert read.keys() == written.keys()
    for name, values in written.items():
        np.testing.assert_array_equal(read[name], values)


@dataclass
class Memory:
    """A warehouse that answers statements with given rows, and records what is written."""

    answers: dict[str, list[Data]] = field(default_factory=dict)
    asked: list[tuple[str, Data]] = field(default_factory=list)
    appended: list[tuple[str, Data]] = field(default_factory=list)

    def query(self, sql: str, **given: Any) -> list[Data]:
        self.asked.append((sql, given))
        return next((rows for part, rows in self.answers.items() if part in sql), [])

    def append(self, table: str, rows: Any, *, together: str = "") -> None:
        self.appended += [(table, row) for row in rows]


def test_the_last_part_of_the_window_is_held_out() -> None:
    start, end = AT, AT + timedelta(days=10)
    line = '{{"age": {0}, "plan": "a", "prediction_id": "{0}", "second_": {1}, "label_": 1, "champion_": null}}'
    lines = [line.format(day, (AT + timedelta(days=day)).timestamp()) for day in (9, 2, 8, 1)]
    warehouse = Memory({"TO_JSON_STRING": [{"chunk": f"[{', '.join(lines)}]"}]})
    training, held = extract(warehouse, SOURCE, version="7", start=start, end=end, holdout=timedelta(days=2))
    assert (training["age"].tolist(), held["age"].tolist()) == ([1, 2], [8, 9])
    assert np.isnan(held[CHAMPION]).all()
    [(_, given)] = warehouse.asked
    assert given == {"model": "churn", "model_version": "7", "window_start": start, "window_end": end}


def test_the_statement_has_the_names_of_the_settings_and_no_others() -> None:
    text = statement(SOURCE)
    assert "FROM `shop`.`scores`" in text
    assert "predictions.`age`, predictions.`plan`," in text
    with pytest.raises(ValueError, match=r"feature: must be a name of letters, .*, got 'age` FROM x'"):
        statement(Source(**{name: getattr(SOURCE, name) for name in Source.__slots__} | {"numeric": ("age` FROM x",)}))


@pytest.mark.parametrize("days", [0, 10, 11])
def test_a_holdout_is_within_the_window(days: int) -> None:
    with pytest.raises(ValueError, match=r"holdout_days: must be more than 0 and less than the window of 10 days"):
        split_at(AT, AT + timedelta(days=10), timedelta(days=days))


TARGET = Target(
    model="churn",
    version="8",
    start=AT,
    end=AT + timedelta(days=14),
    table="shop.scores",
    timestamp="at",
    id="id",
    numeric=("age",),
    categorical=("plan",),
)


def test_a_version_scores_what_it_has_not_scored_and_its_scores_are_appended() -> None:
    warehouse = Memory({"TO_JSON_STRING": [{"chunk": '[{"age": 3, "plan": null, "prediction_id": "a"}]'}]})
    found = unscored(warehouse, TARGET)
    append(warehouse, TARGET, found, np.array([0.25]), AT)
    [(sql, given)] = warehouse.asked
    assert "ON known.prediction_id = CAST(predictions.`id` AS STRING)" in sql
    assert given == {"model": "churn", "model_version": "8", "window_start": AT, "window_end": TARGET.end}
    row = {"model": "churn", "version": "8", "prediction_id": "a", "score": 0.25, "scored_at": AT}
    assert warehouse.appended == [("ops.shadow_predictions", row)]


# Data


def checked(training: Table, held: Table) -> Any:
    return validate(training, held, features=("age", "plan"), categorical=("plan",), limits=Limits())


def test_good_data_gives_the_profile_of_what_is_trained_on() -> None:
    profile, issues = checked(rows(600), rows(300, seed=2))
    assert (profile.names, profile.rows, issues) == (("age", "plan"), 600, ())


def test_what_is_unusual_is_reported_and_what_no_comparison_is_fair_with_is_refused() -> None:
    missing = rows(300, seed=2)
    missing["age"][:100] = np.nan
    _, issues = checked(rows(600), missing)
    assert [(issue.feature, issue.kind.value) for issue in issues] == [("age", "missing")]
    infinite = rows(300, seed=2)
    infinite["age"][:100] = np.inf
    with pytest.raises(DataError, match="age: infinite"):
        checked(rows(600), infinite)


def test_every_reason_is_named_at_once() -> None:
    with pytest.raises(DataError) as caught:
        checked(rows(499, label_=np.zeros(499)), rows(199, seed=2))
    assert str(caught.value) == (
        "training rows: must be at least 500, got 499; training rows with label 1: must be at least 20, got 0;"
        " held-out rows: must be at least 200, got 199"
    )


# Comparison


def test_a_version_that_knows_more_is_better_and_the_other_way_round_it_is_not() -> None:
    held = rows(2000)
    good = evaluate(held, scores(held))
    assert good.better
    assert good.metrics["log_loss"].value < good.metrics["champion_log_loss"].value == pytest.approx(np.log(2))
    gain = good.metrics[DIFFERENCE]
    assert gain.low is not None
    assert gain.low > 0
    assert good.why.endswith("beyond chance")
    reverse = evaluate(held | {CHAMPION: held["age"]}, scores(held, np.full(2000, 0.5)))
    assert not reverse.better
    assert reverse.metrics[DIFFERENCE].value == pytest.approx(-gain.value)


def test_the_same_version_again_is_not_better() -> None:
    held = rows(500) | {CHAMPION: rows(500)["age"]}
    found = evaluate(held, scores(held))
    assert (found.better, found.metrics[DIFFERENCE].value) == (False, 0)
    assert found.why.startswith("not better: log loss lower by 0.0000 (")


def test_a_gain_within_chance_is_only_perhaps_better() -> None:
    held = rows(2000) | {CHAMPION: rows(2000)["age"]}
    rng = np.random.default_rng(3)
    found = [evaluate(held, scores(held, np.clip(held["age"] + rng.normal(0, 0.002, 2000), 0, 1))) for _ in range(20)]
    better = [one.why for one in found if one.better]
    assert better
    assert all(why.startswith("perhaps better: ") is why.endswith(", within chance") for why in better)
    assert any(why.startswith("perhaps better: ") for why in better)


def test_less_than_the_given_gain_is_not_better() -> None:
    held = rows(2000)
    assert not evaluate(held, scores(held), minimum_gain=0.5).better


def test_only_rows_that_both_scored_are_compared() -> None:
    held = rows(2000)
    held[CHAMPION][:1500] = np.nan
    assert evaluate(held, scores(held)).rows == 500


def test_without_a_champion_it_is_better() -> None:
    held = rows(500, champion_=np.full(500, np.nan))
    found = evaluate(held, scores(held))
    assert (found.better, found.rows, found.why) == (True, 500, "no champion has scored these rows")
    assert DIFFERENCE not in found.metrics


def test_predictions_are_complete_and_probabilities() -> None:
    held = rows(500)
    with pytest.raises(ValueError, match=r"must have every held-out row, 1 missing, as 'row-1-499'"):
        evaluate(held, {name: values[1:] for name, values in scores(held).items()})
    with pytest.raises(ValueError, match=r"score: must be a probability, got 1.5"):
        evaluate(held, scores(held, np.full(500, 1.5)))


def test_days_that_differ_widen_the_interval_and_few_days_give_none() -> None:
    rng = np.random.default_rng(3)
    seconds = np.repeat(np.arange(14.0), 100) * DAY
    alike = daily_mean(rng.normal(0, 1, 1400), seconds)
    apart = daily_mean(np.repeat(rng.normal(0, 1, 14), 100), seconds)
    assert apart.error > 5 * alike.error
    assert daily_mean(np.ones(10), np.zeros(10)) == (1, None, None, 10)


def test_the_interval_of_days_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    seconds = np.repeat(np.arange(14.0), 20) * DAY
    found = [daily_mean(np.repeat(rng.normal(0, 1, 14), 20) + rng.normal(0, 1, 280), seconds) for _ in range(400)]
    covered = sum(one.low <= 0 <= one.high for one in found if one.low is not None and one.high is not None)
    assert 0.92 <= covered / 400 <= 0.98


# The end


TRAINING = Training(
    model="churn",
    request_id="churn:2026-03-02T00:00:00Z",
    run_id="aia-train-1",
    pipeline="train-churn",
    trained_from=AT - timedelta(days=46),
    trained_until=AT,
    held_out_until=AT + timedelta(days=14),
    artifact_uri="gs://b/model",
    profile_uri="gs://b/profile",
    parameters={"rounds": 100},
    template=f"sha256:{'0a' * 32}",
)
BETTER = Evaluation(better=True, why="better", rows=9, metrics={"auc": Metric(value=0.8, low=0.7, high=0.9)})


def test_a_better_version_is_registered_with_what_it_came_from() -> None:
    warehouse = Memory({"retraining_requests": [{"requested_by": "person:Ada", "reason": "person"}]})
    name = conclude(warehouse, TRAINING, BETTER, {}, AT)
    assert name == version_name(TRAINING)
    [_, (keep, _), (write, given)] = warehouse.asked
    assert (keep, write) == (KEEP_CHAMPION, WRITE_VERSION)
    wanted = {
        "template": f"sha256:{'0a' * 32}",
        "version": name,
        "run_id": "aia-train-1",
        "requested_by": "person:Ada",
        "reference_end": AT,
        "held_out_until": AT + timedelta(days=14),
    }
    assert given.items() >= wanted.items()
    [(where, row)] = warehouse.appended
    assert where == "ops.training_results"
    assert (row["outcome"], row["version"], row["n_rows"]) == ("trained", name, 9)
    assert row["metrics"] == '{"auc":{"value":0.8,"low":0.7,"high":0.9}}'


def test_one_that_is_not_better_is_noted_and_not_registered() -> None:
    warehouse = Memory()
    assert conclude(warehouse, TRAINING, Evaluation(better=False, why="worse", rows=9), {}, AT) == ""
    assert warehouse.asked == []
    [(_, row)] = warehouse.appended
    assert (row["outcome"], row["version"], row["why"]) == ("not better", None, "worse")

"""The row that drift_score writes of the distributions of a window."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.drift import Counts, Profile, count
from core.drift.judge import of_drift
from core.settings import Features
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score import distributions
from functions.drift_score.compare import compare
from functions.drift_score.statements import LABEL
from functions.drift_score.window import Window
from infra.costs.bigquery import DISTRIBUTION_BYTES
from tests.support.builders.pages import MODEL

RNG = np.random.default_rng(4)
N = 2000
REFERENCE: dict[str, Any] = {
    "age": RNG.normal(40, 10, N),
    "city": RNG.choice(["Oslo", "Rome"], N),
    "flag": np.ones(N),
    "id": np.arange(N),
    "score": RNG.random(N),
}
NOW = REFERENCE | {"age": REFERENCE["age"] + 8}
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Predictions:
    """The rows of one window."""

    window: dict[str, Any]

    def rows(self, *_: object, **__: object) -> Columns:
        return self.window | {LABEL: np.full(len(self.window["score"]), np.nan)}

    def counts(self, _: Window, profile: Profile) -> Counts:
        return count(profile, self.window)

    def sample(self, _: Window, profile: Profile) -> Columns:
        return {name: self.window[name] for name in profile.joint.names}


def row(given: dict[str, Any], *, rows: int = N, exact_rows: int = N, reference: dict[str, Any] | None = None) -> Data:
    names = tuple(name for name in given if name not in {"city", "score"})
    categorical = ("city",) if "city" in given else ()
    features = Features(numeric=names, categorical=categorical)
    model = replace(MODEL, features=features, exact_rows=exact_rows, label=None, accuracy_floor=None)
    window = Window(model=model, version="1", start=AT - model.window, end=AT)
    profile = Profile.fit(reference or REFERENCE)
    current = compare(Predictions({name: column[:rows] for name, column in given.items()}), window, profile, rows)  # type: ignore[arg-type]
    verdict = of_drift(model.name, current.features)
    return distributions.row(profile, current, verdict, {"by city": "all of it"})


def told(found: Data) -> dict[str, Data]:
    return {one["name"]: one for one in json.loads(found["features"])}


def test_the_most_drifted_feature_is_first_then_the_score_then_what_is_left_out() -> None:
    found = row(NOW)
    assert [*told(found)] == ["age", "city", "score", "flag", "id"]
    assert (found["outcome"], found["n_current"], json.loads(found["segments"])) == ("bad", N, {"by city": "all of it"})
    age, flag = told(found)["age"], told(found)["flag"]
    assert (age["drifted"], age["reason"], age["role"], age["threshold"]) == (
        True,
        "drift",
        "feature",
        MODEL.drift.shift,
    )
    assert age["strength"] > 0.5
    assert sum(age["current"]) == sum(age["reference"]) == N
    assert told(found)["score"]["role"] == "prediction"
    assert (flag["left_out"], flag["current"], "reason" in flag) == ("constant", [0, N], False)
    assert told(found)["id"] == {"name": "id", "role": "feature", "left_out": "identifier"}


def test_windows_that_are_counted_are_drawn_like_those_that_are_read() -> None:
    read, counted = told(row(NOW)), told(row(NOW, exact_rows=1))
    for name in ("age", "city", "score"):
        assert read[name]["current"] == counted[name]["current"]


def test_a_window_of_few_rows_is_drawn_and_its_verdict_is_not_known() -> None:
    found = row(NOW, rows=9)
    assert (found["outcome"], told(found)["age"]["reason"]) == ("not_known", "insufficient_data")
    assert sum(told(found)["age"]["current"]) == 9


def test_a_feature_takes_no_more_bytes_than_the_bill_says() -> None:
    names = tuple(f"feature_{n:08}" for n in range(50))
    reference: dict[str, Any] = {name: 1000 * RNG.lognormal(size=70_000) for name in names} | {
        "score": RNG.random(70_000)
    }
    found = row(reference, rows=70_000, exact_rows=1, reference=reference)
    assert len(found["features"]) < DISTRIBUTION_BYTES * 51

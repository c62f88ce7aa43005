"""Models that cannot be scored, for whatever reason: each is told of by name, nothing is known of it, and it delays no other."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from core.events import ScoringShard
from core.settings import Features, Model
from functions.adapters.events import encode
from functions.adapters.ports import Data
from tests.functions.test_drift_score_shards import Answers, deployed, models, published, scored, shard
from tests.support.builders.drift import MODEL
from tests.support.fakes.deployed import NOW, Deployed
from tests.support.fakes.functions import Flights

DAY = timedelta(days=1)


@dataclass
class Nonsense(Answers):
    """BigQuery, which answers something else than it was asked about some models.

    Attributes:
        about: those models, and which keys of an answer are lost.
    """

    about: dict[str, str] = field(default_factory=dict)

    def __call__(self, sql: str, parameters: Data) -> list[Data]:
        lost = self.about.get(parameters.get("model", ""))
        return [{name: one for name, one in row.items() if name != lost} for row in super().__call__(sql, parameters)]


def findings(function: Deployed, kind: str) -> list[dict[str, Any]]:
    found = [json.loads(data) for topic, data in function.outside.published if topic == "findings"]
    return [one for one in found if one["kind"] == kind]


def conditions(function: Deployed, name: str) -> dict[str, Data]:
    """What is known of a model, by the kind of the condition."""
    prefix = f"model/{name}:"
    documents = function.outside.documents.items()
    return {
        key.removeprefix(prefix): one.data
        for (collection, key), one in documents
        if collection == "conditions" and key.startswith(prefix)
    }


def later(days: float, *names: str) -> bytes:
    return encode(ScoringShard(scheduled_at=NOW + days * DAY, models=names))


@pytest.mark.parametrize("lost", ["n_rows", "chunk"])
def test_an_unexpected_error_is_a_finding_about_its_model_and_delays_no_other(lost: str) -> None:
    answers = Nonsense(about={"b": lost})
    function = deployed(models("a", "b", "c"), answers)
    assert function.deliver(shard("a", "b", "c")) == 204
    assert scored(function) == {"a", "c"}
    [finding] = findings(function, "scoring_failed")
    assert (finding["target"], finding["status"], finding["severity"]) == ("model/b", "firing", "error")
    assert f"KeyError: '{lost}'" in finding["summary"]
    assert {one["target"] for one in findings(function, "drift")} == {"model/a", "model/c"}
    assert published(function) == [], "it is not scored again until the next tick"
    told = list(function.outside.published)
    assert function.deliver(shard("a", "b", "c")) == 204
    assert function.outside.published == told


def test_nothing_is_known_of_a_model_that_is_not_scored_and_that_is_told_after_the_hold() -> None:
    answers = Nonsense(about={"a": "n_rows"})
    function = deployed((replace(MODEL, name="a"),), answers)
    assert function.deliver(shard("a")) == 204
    since = {kind: one["unknown_since"] for kind, one in conditions(function, "a").items()}
    assert since == {"scoring_failed": None, "drift": NOW, "labels": NOW}
    assert function.deliver(later(1, "a")) == 204
    [finding] = findings(function, "no_verdict")
    assert finding["evidence"] == {"condition": "drift", "reason": "refused"}
    assert "could not be scored: KeyError" in finding["summary"]
    assert function.deliver(later(3, "a")) == 204
    assert len(findings(function, "no_performance_verdict")) == 1


class Mislabelled(Flights):
    """The labels of the reference are 0 or 1, those of now are not."""

    def _between(self, parameters: Data) -> list[Any]:
        is_now = parameters["window_end"] > NOW - DAY
        return [row | {"label_": 7.0 if is_now else float(k % 2)} for k, row in enumerate(super()._between(parameters))]


def test_what_was_concluded_before_the_error_stands() -> None:
    """The labels are looked at when drift has been judged."""
    function = deployed((replace(MODEL, name="a"),), Answers(flights=Mislabelled()))
    assert function.deliver(shard("a")) == 204
    [finding] = findings(function, "scoring_failed")
    assert "label: must be 0 or 1, got 7" in finding["summary"]
    found = conditions(function, "a")
    assert (found["drift"]["status"], found["drift"]["unknown_since"]) == ("firing", None)
    assert found["labels"]["unknown_since"] == NOW


def test_a_model_that_is_scored_again_resolves_its_finding_and_is_known_again() -> None:
    answers = Nonsense(about={"a": "n_rows"})
    function = deployed(models("a"), answers)
    assert function.deliver(shard("a")) == 204
    answers.about.clear()
    assert function.deliver(later(0.25, "a")) == 204
    assert [one["status"] for one in findings(function, "scoring_failed")] == ["firing", "resolved"]
    assert conditions(function, "a")["drift"]["unknown_since"] is None


class Unreferenced(Flights):
    """There are rows now, and there were none in the reference window."""

    def _between(self, parameters: Data) -> list[Any]:
        found = super()._between(parameters)
        return found if parameters["window_end"] > NOW - DAY else []


@pytest.mark.parametrize(
    "features",
    [MODEL.features, Features(numeric=("temperature",)), Features(numeric=(), categorical=("carrier",))],
    ids=["both", "numeric", "categorical"],
)
def test_a_reference_window_without_rows_is_told_after_the_hold_and_no_fault_of_the_data_is_made_of_it(
    features: Features,
) -> None:
    model: Model = replace(models("a")[0], features=features)
    function = deployed((model,), Answers(flights=Unreferenced()))
    assert function.deliver(shard("a")) == 204
    assert [topic for topic, _ in function.outside.published] == []
    assert function.deliver(later(0.5, "a")) == 204
    assert findings(function, "no_verdict") == []
    assert function.deliver(later(1, "a")) == 204
    [finding] = findings(function, "no_verdict")
    assert (finding["target"], finding["status"]) == ("model/a", "firing")
    assert "the reference window, 2026-01-20 12:00 to 2026-01-30 12:00 UTC, has no rows" in finding["summary"]
    assert finding["summary"].endswith('whose column "model" is "a"')
    assert findings(function, "data_quality") == []
    assert "aia_data_quality_issues" not in {name for name, *_ in function.outside.gauges}, (
        "it is not known that there are none"
    )

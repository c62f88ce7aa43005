"""A tick of many models: planned as shards, each scored by itself, and no model delays another."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from core.errors import UnavailableError
from core.events import ScoringShard
from core.settings import Model, Settings
from functions.adapters.events import decode, encode
from functions.adapters.ports import Data
from functions.drift_score import scoring
from functions.drift_score.main import build
from functions.drift_score.shards import MODELS_A_SHARD, TOPIC
from tests.support.builders.drift import MODEL
from tests.support.fakes.deployed import NOW, Case, Deployed, tick
from tests.support.fakes.functions import FOUND, Flights
from tests.support.servers.stack import eventually

SCORED = "aia_drift_scored_timestamp_seconds"


def models(*names: str) -> tuple[Model, ...]:
    return tuple(replace(MODEL, name=name, label=None) for name in names)


@dataclass
class Answers:
    """BigQuery, which does not answer about some models, and waits before it answers about others.

    Attributes:
        down: the models that it does not answer about.
        waits: what is waited for, by model.
    """

    down: set[str] = field(default_factory=set)
    waits: dict[str, Any] = field(default_factory=dict)
    flights: Flights = field(default_factory=Flights)

    def __call__(self, sql: str, parameters: Data) -> list[Data]:
        name = parameters.get("model", "")
        if name in self.waits:
            self.waits[name]()
        if name in self.down:
            raise UnavailableError(f"BigQuery does not answer about {name}")
        return self.flights(sql, parameters)


def deployed(known: tuple[Model, ...], answers: Answers | None = None) -> Deployed:
    case = Case(
        name="drift_score",
        build=build,
        takes=(tick("drift_score"),),
        refuses=(encode(FOUND), ""),
        settings=Settings(jobs={}, models=known),
        answers=answers or Answers(),
    )
    return Deployed(case)


def shard(*names: str) -> bytes:
    return encode(ScoringShard(scheduled_at=NOW, models=names))


def published(function: Deployed) -> list[ScoringShard]:
    return [decode(data, ScoringShard) for topic, data in function.outside.published if topic == TOPIC]


def scored(function: Deployed) -> set[str]:
    return {labels[0] for name, *labels in function.outside.gauges if name == SCORED}


def test_a_tick_names_every_model_in_one_shard_and_scores_none() -> None:
    names = [f"model-{number:04d}" for number in range(2 * MODELS_A_SHARD + 50)]
    function = deployed(models(*reversed(names)))
    assert function.deliver(tick("drift_score")) == 204
    shards = published(function)
    assert [len(one.models) for one in shards] == [MODELS_A_SHARD, MODELS_A_SHARD, 50]
    assert [name for one in shards for name in one.models] == names
    assert {one.scheduled_at for one in shards} == {NOW}
    assert scored(function) == set()


def test_a_deployment_without_models_has_a_heartbeat_and_no_shards() -> None:
    function = deployed(())
    assert function.deliver(tick("drift_score")) == 204
    assert published(function) == []


def test_models_of_a_shard_are_scored_and_those_that_are_gone_are_passed_over() -> None:
    function = deployed(models("a", "b"))
    assert function.deliver(shard("a", "b", "gone")) == 204
    assert scored(function) == {"a", "b"}
    assert published(function) == []


def test_models_that_fail_go_on_as_a_shard_of_their_own() -> None:
    answers = Answers(down={"b", "d"})
    function = deployed(models("a", "b", "c", "d"), answers)
    assert function.deliver(shard("a", "b", "c", "d")) == 204
    assert scored(function) == {"a", "c"}
    [left] = published(function)
    assert left == ScoringShard(scheduled_at=NOW, models=("b", "d"))
    assert function.deliver(encode(left)) == 503
    answers.down = {"d"}
    assert function.deliver(encode(left)) == 204
    assert scored(function) == {"a", "b", "c"}
    assert published(function)[-1].models == ("d",)
    answers.down.clear()
    assert function.deliver(shard("d")) == 204
    assert scored(function) == {"a", "b", "c", "d"}


def test_a_shard_whose_models_all_fail_comes_again_with_the_back_off_of_its_subscription() -> None:
    function = deployed(models("a", "b"), Answers(down={"a", "b"}))
    assert function.deliver(shard("a", "b")) == 503
    assert published(function) == []


def test_a_bus_that_does_not_take_what_is_left_has_the_whole_shard_come_again() -> None:
    function = deployed(models("a", "b"), Answers(down={"b"}))
    function.outside.fail()
    assert function.deliver(shard("a", "b")) == 503
    function.outside.answer()
    assert function.deliver(shard("a", "b")) == 204
    assert scored(function) == {"a"}
    assert [one.models for one in published(function)] == [("b",)]


def test_a_slow_model_delays_no_other() -> None:
    answers = Answers()
    function = deployed(models("quick", "slow"), answers)
    gauges = function.outside.gauges
    answers.waits["slow"] = lambda: eventually(lambda: (SCORED, "quick") in gauges, "score of the quick model")
    assert function.deliver(shard("slow", "quick")) == 204
    assert scored(function) == {"quick", "slow"}


def test_models_not_begun_in_time_go_on_as_a_shard_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(scoring.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(scoring, "THREADS", 1)
    answers = Answers(waits={"a": lambda: now.__setitem__(0, scoring.BUDGET_SECONDS + 1)})
    function = deployed(models("a", "b", "c"), answers)
    assert function.deliver(shard("a", "b", "c")) == 204
    assert scored(function) == {"a"}
    assert [one.models for one in published(function)] == [("b", "c")]


def test_a_shard_without_models_is_parked() -> None:
    function = deployed(models("a"))
    body = json.loads(shard("a")) | {"models": []}
    assert function.deliver(json.dumps(body).encode()) == 204
    [row] = function.outside.parked
    assert "models: must name at least one model" in row["reason"]

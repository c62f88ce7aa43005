"""A tick of many models: planned as shards, each scored by itself, and no model delays another."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
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
from tests.support.builders.budget import boundaries
from tests.support.builders.drift import MODEL
from tests.support.crash.breaking import KilledError
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


def findings(function: Deployed) -> list[str]:
    """The ids of the findings that were published, of models that drift."""
    ids = [json.loads(data)["id"] for topic, data in function.outside.published if topic == "findings"]
    return sorted(one for one in ids if ":drift:" in one)


def drifting(*names: str) -> list[str]:
    return [f"model/{name}:drift:2026-03-01T12:00:00Z" for name in names]


def claims(function: Deployed) -> list[Data]:
    return [one.data for (collection, _), one in function.outside.documents.items() if collection == "ledger"]


def test_a_shard_that_is_delivered_again_asks_for_nothing() -> None:
    asked: list[str] = []
    answers = Answers(waits={"a": lambda: asked.append("a")})
    function = deployed(models("a", "b"), answers)
    for _ in range(3):
        assert function.deliver(shard("a", "b")) == 204
    assert function.deliver(shard("b", "a")) == 204
    once = len(asked)
    assert once > 0
    assert function.deliver(shard("a")) == 204
    assert len(asked) > once, "another shard has a claim of its own"
    assert findings(function) == drifting("a", "b")


def test_only_tables_with_rows_are_appended_to() -> None:
    function = deployed(models("a", "b"))
    assert function.deliver(shard("a", "b")) == 204
    assert "ops.drift_scores_raw" in dict(function.outside.written)
    assert [table for table, rows in function.outside.written if rows == "[]"] == []


def test_a_model_of_two_shards_is_told_once_whichever_comes_first() -> None:
    for first, second in ((("a", "b"), ("b", "c")), (("b",), ("a", "b", "c"))):
        function = deployed(models("a", "b", "c"))
        assert function.deliver(shard(*first)) == 204
        assert function.deliver(shard(*second)) == 204
        assert findings(function) == drifting(*sorted({*first, *second}))
        state = function.outside.documents["conditions", "model/b:drift"].data
        assert (state["status"], state["streak"], state["has_unsent"]) == ("firing", 0, False)


def test_a_model_of_two_shards_at_once_is_counted_once() -> None:
    """The second shard is handled whole while the first one waits for the warehouse."""
    answers = Answers()
    function = deployed(tuple(replace(model, fire_after=2) for model in models("a", "b", "c")), answers)
    inner: list[int] = []

    def meanwhile() -> None:
        answers.waits.clear()
        inner.append(function.deliver(shard("b", "c")))

    answers.waits["b"] = meanwhile
    assert function.deliver(shard("a", "b")) == 204
    assert inner == [204]
    assert findings(function) == []
    assert {
        key: one.data["streak"]
        for (collection, key), one in function.outside.documents.items()
        if collection == "conditions" and key.endswith(":drift")
    } == {f"model/{name}:drift": 1 for name in "abc"}


def test_the_same_shard_at_once_is_refused_until_the_first_is_done() -> None:
    answers = Answers()
    function = deployed(models("a", "b"), answers)
    inner: list[int] = []

    def meanwhile() -> None:
        answers.waits.clear()
        inner.append(function.deliver(shard("a", "b")))

    answers.waits["a"] = meanwhile
    assert function.deliver(shard("a", "b")) == 204
    assert inner == [429]
    assert findings(function) == drifting("a", "b")


def test_a_claim_covers_the_models_that_were_scored_and_none_is_left_where_all_failed() -> None:
    answers = Answers(down={"b"})
    function = deployed(models("a", "b"), answers)
    assert function.deliver(shard("a", "b")) == 204
    assert [(one["state"], one["covers"]) for one in claims(function)] == [("done", ["a"])]
    assert function.deliver(shard("b")) == 503
    assert [(one["state"], one["covers"]) for one in claims(function)] == [("done", ["a"])]


def test_a_model_that_failed_at_a_later_tick_is_still_told_of_the_earlier_one() -> None:
    answers = Answers(down={"b"})
    function = deployed(models("a", "b"), answers)
    later = encode(ScoringShard(scheduled_at=NOW + timedelta(minutes=15), models=("a", "b")))
    assert function.deliver(later) == 204
    answers.down.clear()
    assert function.deliver(shard("a", "b")) == 204
    assert [one for one in findings(function) if "12:00:00Z" in one] == drifting("b")


@pytest.mark.parametrize("members", [("a", "b"), ("b", "c"), ("b",)])
def test_a_late_shard_tells_nothing_of_models_that_were_scored_later_in_any_shard(members: tuple[str, ...]) -> None:
    function = deployed(models("a", "b", "c"))
    later = encode(ScoringShard(scheduled_at=NOW + timedelta(days=2), models=("a", "b")))
    assert function.deliver(later) == 204
    assert findings(function) == []
    assert function.deliver(shard(*members)) == 204
    assert findings(function) == drifting(*(name for name in members if name == "c"))


def test_while_a_later_shard_is_scored_an_earlier_one_tells_nothing_of_its_models() -> None:
    answers = Answers()
    function = deployed(models("a", "b", "c"), answers)
    inner: list[int] = []

    def meanwhile() -> None:
        answers.waits.clear()
        inner.append(function.deliver(shard("a", "c")))

    answers.waits["b"] = meanwhile
    later = encode(ScoringShard(scheduled_at=NOW + timedelta(days=2), models=("a", "b")))
    assert function.deliver(later) == 204
    assert inner == [204]
    assert findings(function) == drifting("c")


def test_a_shard_killed_at_any_point_and_delivered_again_tells_every_model_once() -> None:
    def delivered(function: Deployed, answers: Answers) -> None:
        """As Pub/Sub does; what is left of a shard comes as well."""
        waiting = [shard("a", "b", "c")]
        seen = 0
        for _ in range(20):
            if not waiting:
                return
            function.outside.now += timedelta(minutes=6)
            function.outside.dead = False
            try:
                if function.deliver(waiting[0]) == 204:
                    waiting.pop(0)
            except KilledError:
                pass
            answers.down.clear()
            left = [data for topic, data in function.outside.published if topic == TOPIC]
            waiting += left[seen:]
            seen = len(left)
        pytest.fail("a shard is never acknowledged")

    whole = deployed(models("a", "b", "c"), answers := Answers(down={"b"}))
    delivered(whole, answers)
    assert whole.outside.boundaries > 30
    for kill_at in boundaries(whole.outside.boundaries, some=12):
        function = deployed(models("a", "b", "c"), answers := Answers(down={"b"}))
        function.outside.kill_at = kill_at
        delivered(function, answers)
        assert sorted(set(findings(function))) == drifting("a", "b", "c"), kill_at
        conditions = {key: one.data for (name, key), one in function.outside.documents.items() if name == "conditions"}
        expected = {key: one.data for (name, key), one in whole.outside.documents.items() if name == "conditions"}
        assert conditions == expected, kill_at


def test_windows_of_a_past_are_stored_and_nobody_is_notified_of_them() -> None:
    function = deployed(models("a"))
    for _ in range(2):  # a delivery that comes again takes the place of the one before
        assert function.deliver(encode(ScoringShard(scheduled_at=NOW, models=("a",), past=True))) == 204
    assert "ops.drift_scores_raw" in str(function.outside.written)
    assert scored(function) == set()
    assert function.outside.published == []


def test_a_past_whose_warehouse_is_away_comes_again() -> None:
    function = deployed(models("a"), Answers(down={"a"}))
    assert function.deliver(encode(ScoringShard(scheduled_at=NOW, models=("a",), past=True))) == 503


def test_a_model_whose_log_has_ended_is_not_scored_by_later_ticks() -> None:
    ended, goes_on = models("a", "b")
    function = deployed((replace(ended, until=NOW.date()), replace(goes_on, until=(NOW + timedelta(days=1)).date())))
    assert function.deliver(tick("drift_score")) == 204
    assert [one.models for one in published(function)] == [("b",)]

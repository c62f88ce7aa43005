"""Windows that were counted are read bit by bit: a model is scored before the next windows are read, and what breaks off keeps nothing."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.drift import CountedSample, DriftReport, count, score_each_counts
from core.errors import QueryError, UnavailableError
from core.events import ScoringShard, UsedVersion
from core.settings import Features, Model
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.drift_score import compare, scoring
from functions.drift_score.baseline import Baseline
from functions.drift_score.slots import statements
from functions.drift_score.slots.slot_counts import profile_name
from tests.functions.test_drift_score_shards import SCORED, Answers, deployed, models, published, scored
from tests.support.builders.flights import flights, version
from tests.support.builders.slot_windows import cells_of
from tests.support.fakes.deployed import NOW, Deployed
from tests.support.fakes.functions import Flights

AT = NOW + timedelta(minutes=15)
NAMES = ("a", "b", "c", "d")
KNOWN = tuple(
    replace(model, exact_rows=250, features=Features(numeric=("temperature", "distance"), categorical=()))
    for model in models(*NAMES)
)


@dataclass
class Counted(Answers):
    """BigQuery, which has summed the windows of some models.

    Attributes:
        profiles: of the models.
        before: is called before the window of a model is given.
        asked: how often it was asked for rows, and for windows.
    """

    profiles: dict[str, Baseline] = field(default_factory=dict)
    before: Callable[[str], object] = lambda _: None
    asked: list[str] = field(default_factory=list)

    def __call__(self, sql: str, parameters: Data) -> Any:
        self.asked.append("windows" if sql == statements.READ_COUNTED else sql)
        if sql == statements.READ_COUNTED:
            return self._windows(parameters)
        return super().__call__(sql, parameters)

    def _windows(self, parameters: Data) -> Iterator[Data]:
        rows = flights(300, NOW, seed=2, shift=15)
        for name in parameters["models"]:
            self.before(name)
            profile = self.profiles[name].profile
            counts = count(profile, {column: [row[column] for row in rows] for column in profile.order})
            own = profile_name(replace(KNOWN[0], name=name), "1", profile)
            yield {"model": name, "profile": own, "newest": NOW, "features": cells_of(profile, counts), "parts": None}


def counted(known: tuple[Model, ...] = KNOWN) -> tuple[Deployed, Counted]:
    """A deployment whose models have been scored once, by their rows."""
    answers = Counted(flights=Flights())
    function = deployed(known, answers)
    assert function.deliver(encode(ScoringShard(scheduled_at=NOW, models=NAMES))) == 204
    by_name = {model.name: model for model in known}
    for (collection, _), document in function.outside.documents.items():
        if collection == "profiles":
            name = document.data["model"]
            answers.profiles[name] = Baseline.from_data(by_name[name], document.data)
    assert answers.profiles.keys() == set(NAMES)
    function.outside.gauges.clear()
    answers.asked.clear()
    return function, answers


def shard(*names: str, versions: bool = True) -> bytes:
    known = {name: version()[name] for name in ("version", "reference_start", "reference_end")}
    known["in_use_from"] = version()["created_at"]
    used = tuple(UsedVersion(model=name, **{k: _instant(v) for k, v in known.items()}) for name in names)
    return encode(ScoringShard(scheduled_at=AT, models=names, batch="sums", versions=used if versions else ()))


def _instant(text: str) -> Any:
    return datetime.fromisoformat(text) if text[:2] == "20" else text


def test_some_models_are_scored_before_the_next_windows_are_read_and_nothing_else_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "AT_ONCE", 2)
    function, answers = counted()
    seen: list[set[str]] = []
    answers.before = lambda _: seen.append(scored(function))
    assert function.deliver(shard(*NAMES)) == 204
    assert seen == [set(), set(), {"a", "b"}, {"a", "b"}]
    assert scored(function) == set(NAMES)
    assert answers.asked == ["windows"]


def test_a_window_that_cannot_be_compared_keeps_none_of_the_others_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    function, _ = counted()
    asked: list[int] = []

    def broken(windows: Sequence[CountedSample], **settings: Any) -> list[DriftReport]:
        asked.append(len(windows))
        if asked[-1] > 1 or len(asked) == 3:
            raise ValueError("no such cell")
        return score_each_counts(windows, **settings)

    monkeypatch.setattr(compare, "score_each_counts", broken)
    assert function.deliver(shard(*NAMES)) == 204
    assert asked == [4, 1, 1, 1, 1]
    assert scored(function) == {"a", "c", "d"}
    told = [json.loads(data) for topic, data in function.outside.published if topic == "findings"]
    [finding] = [one for one in told if one["kind"] == "scoring_failed"]
    assert (finding["target"], "no such cell" in finding["summary"]) == ("model/b", True)


def test_of_models_that_ask_the_warehouse_some_windows_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "THREADS", 1)
    function, answers = counted(tuple(replace(model, exact_rows=400) for model in KNOWN))
    seen: list[int] = []
    answers.before = lambda _: seen.append(len(scored(function)))
    assert function.deliver(shard(*NAMES)) == 204
    assert scored(function) == set(NAMES)
    assert all(n >= k - 2 for k, n in enumerate(seen)), seen


def test_windows_that_break_off_leave_the_other_models_for_a_shard_with_the_same_sums() -> None:
    function, answers = counted()

    def before(name: str) -> None:
        if name == "c":
            raise UnavailableError("BigQuery does not answer any more")

    answers.before = before
    assert function.deliver(shard(*NAMES)) == 204
    assert scored(function) == {"a", "b"}
    [left] = published(function)
    assert (left.models, left.batch, [one.model for one in left.versions]) == (("c", "d"), "sums", ["c", "d"])
    answers.before = lambda _: None
    answers.asked.clear()
    assert function.deliver(encode(left)) == 204
    assert scored(function) == set(NAMES)
    assert answers.asked == ["windows"]


@pytest.mark.parametrize("error", [QueryError("no such table"), KeyError("features")], ids=["refused", "nonsense"])
@pytest.mark.parametrize("at", ["a", "c"])
def test_models_whose_windows_cannot_be_read_are_scored_by_the_table(error: Exception, at: str) -> None:
    function, answers = counted()

    def before(name: str) -> None:
        if name == at:
            raise error

    answers.before = before
    assert function.deliver(shard(*NAMES)) == 204
    assert scored(function) == set(NAMES)
    assert published(function) == []
    assert len(answers.asked) > 1


def test_a_version_that_a_shard_does_not_name_is_looked_up() -> None:
    function, answers = counted()
    assert function.deliver(shard(*NAMES, versions=False)) == 204
    assert scored(function) == set(NAMES)
    assert sum("ops.model_versions" in sql for sql in answers.asked) == len(NAMES)
    assert (SCORED, "a") in function.outside.gauges

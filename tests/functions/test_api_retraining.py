"""A person requests a training over the API, and by `aia models retrain`: what is published, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.exceptions import Conflict

from core.events import Event, RetrainingRequest
from core.settings import Label, Model, Retraining, TrainingPipeline
from functions.adapters.events import decode, encode
from functions.adapters.ports import Data
from functions.api.body import BodyError
from functions.api.retraining import Trainings
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.fakes.retraining import MODEL as TRAINED

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
PIPELINE = TrainingPipeline(
    template="https://us-east1-kfp.pkg.dev/my-project/pipelines/train-delay/v1", root="gs://runs/x"
)
MODEL = replace(
    TRAINED,
    label=Label(table="a.c", column="late", arrives_within=timedelta(hours=12)),
    retraining=Retraining(pipeline=PIPELINE, window=timedelta(days=60)),
)


@dataclass
class Outside:
    """The models, the warehouse and the bus."""

    model: Model = MODEL
    version: str = "7"
    published: list[tuple[str, Event]] = field(default_factory=list)

    def all(self) -> dict[str, Model]:
        return {self.model.name: self.model}

    def query(self, sql: str, **given: Any) -> list[Data]:
        return [{"version": self.version}] if self.version else []

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.published.append((topic, decode(encode(event), RetrainingRequest)))


Post = Callable[..., Data]


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def post(outside: Outside) -> Post:
    trainings = Trainings(outside, outside, lambda: outside, lambda: NOW)  # type: ignore[arg-type] # it is all of them

    def post(name: str = "delay", **body: str) -> Data:
        return trainings.request(pages.told({"by": "Ada", "note": "new routes"} | body), name)

    return post


def test_what_a_person_requests_is_published_with_who_and_why(outside: Outside, post: Post) -> None:
    assert post() == {"request": "delay:2026-03-01T12:00:00Z", "model_version": "7"}
    [(topic, event)] = outside.published
    end = NOW.replace(microsecond=0) - timedelta(hours=12)
    assert topic == "retraining"
    assert event == RetrainingRequest(
        model="delay",
        model_version="7",
        requested_at=NOW.replace(microsecond=0),
        reason="person",
        window_start=end - timedelta(days=60),
        window_end=end,
        n_labels=0,
        requested_by="person:Ada",
        note="new routes",
    )


def test_twice_within_a_second_is_one_request(outside: Outside, post: Post) -> None:
    assert post() == post()
    assert len({event.id for _, event in outside.published}) == 1


def test_it_says_why(outside: Outside, post: Post) -> None:
    with pytest.raises(BodyError, match="note: must say why"):
        post(note=" ")
    with pytest.raises(BodyError, match="by: must be 1 to 80 printable characters"):
        post(by="")
    with pytest.raises(BodyError, match="days: must be one of by, note"):
        post(days="3")
    assert outside.published == []


def test_a_model_that_nothing_trains_is_refused(outside: Outside, post: Post) -> None:
    with pytest.raises(LookupError, match="no model is called 'churn'"):
        post("churn")
    for model in (replace(MODEL, label=None), replace(MODEL, retraining=None), replace(MODEL, retraining=Retraining())):
        outside.model = model
        with pytest.raises(Conflict, match="no pipeline"):
            post()
    outside.model, outside.version = MODEL, ""
    with pytest.raises(Conflict, match="must have a version in use"):
        post()
    assert outside.published == []


def test_the_command_says_what_was_requested_in_words_or_as_json(outside: Outside) -> None:
    trainings = Trainings(outside, outside, lambda: outside, lambda: NOW)  # type: ignore[arg-type] # it is all of them
    opened = SimpleNamespace(trainings=trainings)
    with pages.served(pages.application(lambda: opened)) as url:
        command = ["models", "--url", url, "retrain", "delay", "--why", "new routes"]
        said = CliRunner(env={"LOGNAME": "Ada"}).invoke(main, command)
        given = CliRunner(env={"LOGNAME": "Ada"}).invoke(main, [*command, "--json"])
    assert said.output == "delay: requested as delay:2026-03-01T12:00:00Z, to replace version 7\n"
    assert json.loads(given.output) == {"request": "delay:2026-03-01T12:00:00Z", "model_version": "7"}

"""A pipeline has the challenger score the comparison: before each look, once, of rows that neither trained nor chose it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import stamp
from core.promotion.scoring import PATIENCE
from core.settings import Label, Model, Promotion, TrainingPipeline
from functions.adapters.training.port import Ending
from functions.services.promotions import COLLECTION, read_record
from tests.support.crash.breaking import KilledError
from tests.support.fakes.promotions import MODEL, Tables, give, tick

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LABEL = Label(table="telemetry.flight_labels", column="late", arrives_within=12 * 60 * MINUTE)
SCORING = TrainingPipeline(template="https://europe-west1-kfp.pkg.dev/project/pipelines/score/v1", root="gs://b")
POLICY = Promotion(minimum=100, maximum=10_000, margin=-0.01, watch=timedelta(seconds=1), auto=True, scoring=SCORING)
SCORED = replace(MODEL, label=LABEL, promotion=POLICY)
BETTER = {"n": 12_000, "wins": 600, "losses": 450, "total": 0.0, "squares": 0.0}
FEW = BETTER | {"n": 50, "wins": 3, "losses": 2}
WORSE = BETTER | {"wins": 380, "losses": 580}


def tables(pairs: dict[str, float]) -> Tables:
    made = Tables(now=AT, pairs={"8": pairs})
    made.registered = {"7": AT - 60 * DAY, "8": AT}
    made.unseen_from = {"8": AT - 14 * DAY}
    return made


def advance(world: Tables, number: int, model: Model = SCORED) -> None:
    world.now = AT + number * MINUTE
    give(world, model, tick(world.now))


def end(world: Tables, *, succeeded: bool = True) -> None:
    world.jobs = {name: ended or Ending(world.now, succeeded) for name, ended in world.jobs.items()}


def test_it_is_scored_on_what_it_has_not_seen_and_promoted_in_steps() -> None:
    world = tables(BETTER)
    for number in range(3):
        advance(world, number)
    [given] = world.started
    assert (given["model_version"], given["artifact_uri"]) == ("8", "gs://b/8")
    assert (given["window_start"], given["window_end"]) == (stamp(AT - 14 * DAY), stamp(AT + MINUTE - DAY / 2))
    assert world.looks == {}
    end(world)
    for number in range(3, 8):
        advance(world, number)
    assert len(world.started) == 1
    assert [look["n"] for look in world.looks.values()] == [12_000]
    champion = [(one["stage"], one["share"]) for one in world.changes.values() if one["alias"] == "champion"]
    assert champion == [("step", 95), ("step", 75), ("watch", 100), ("promoted", 100)]
    assert world.holders()["champion"] == ("8", 100)


def test_what_is_not_as_good_is_rejected_at_its_first_look() -> None:
    world = tables(WORSE)
    advance(world, 0), advance(world, 1)
    end(world)
    advance(world, 2)
    [look] = world.looks.values()
    assert look["decision"] == "reject"
    assert world.holders() == {"challenger": (None, 0)}


def test_the_next_look_scores_what_came_since_also_after_a_job_that_failed() -> None:
    world = tables(FEW)
    advance(world, 0), advance(world, 1)
    end(world, succeeded=False)
    advance(world, 2)
    advance(world, 30)
    advance(world, 62)
    end(world)
    advance(world, 63), advance(world, 123)
    starts = [given["window_start"] for given in world.started]
    assert starts == [stamp(AT - 14 * DAY), stamp(AT - 14 * DAY), stamp(AT + 62 * MINUTE - DAY / 2)]
    assert len(world.looks) == 2


def test_rows_of_a_job_that_ended_after_the_tick_count_at_the_next_one() -> None:
    world = tables(BETTER)
    advance(world, 0), advance(world, 1)
    world.jobs = dict.fromkeys(world.jobs, Ending(AT + 3 * MINUTE, succeeded=True))
    advance(world, 2)
    assert world.looks == {}
    advance(world, 3)
    assert len(world.looks) == 1


def test_a_job_that_never_ends_is_not_waited_for_forever() -> None:
    world = tables(BETTER)
    advance(world, 0), advance(world, 1)
    advance(world, 1 + PATIENCE // MINUTE)
    assert len(world.looks) == 1


def test_a_version_whose_training_data_is_not_known_is_compared_on_what_comes() -> None:
    world = tables(FEW)
    world.unseen_from = {}
    advance(world, 0), advance(world, 60)
    assert world.started == []
    advance(world, 13 * 60)
    [given] = world.started
    assert given["window_start"] == stamp(AT)


@pytest.mark.parametrize("boundary", range(1, 40))
def test_killed_anywhere_one_job_scores_a_window(boundary: int) -> None:
    world = tables(BETTER)
    advance(world, 0)
    world.kill_at = world.boundaries + boundary
    try:
        advance(world, 1)
    except KilledError:
        world.dead = False
    world.kill_at = 0
    advance(world, 1), advance(world, 2)
    assert len(world.started) == len(world.jobs) == 1
    state = read_record(world.documents[COLLECTION, MODEL.name]).state
    assert state
    assert state.scoring_until
    assert world.started[0]["window_end"] == stamp(state.scoring_until)

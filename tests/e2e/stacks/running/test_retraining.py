"""A request to train a model again, of a version that is not in use: kept, and answered with why nothing is trained."""

from datetime import UTC, datetime, timedelta

import pytest

from core.events import RetrainingRequest
from tests.support.servers.stack import LocalStack, eventually, midnight

pytestmark = pytest.mark.timeout(240)  # the first test starts the stack


def test_a_request_is_kept_and_says_why_nothing_is_trained(stack: LocalStack) -> None:
    at = midnight(2)
    request = RetrainingRequest(
        model="flight-delay",
        model_version="1",
        requested_at=at,
        reason="incident",
        window_start=at - timedelta(days=60),
        window_end=at,
        n_labels=1200,
        features=("distance",),
    )
    stack.publish("retraining", request)
    sql = "SELECT DISTINCT model, window_end, accuracy FROM ops.retraining_requests WHERE id = @id"
    [row] = eventually(lambda: stack.rows(sql, id=request.id), "row of the request")
    assert row == {"model": "flight-delay", "window_end": at, "accuracy": None}
    eventually(lambda: "no training: flight-delay: other_version: " in stack.log("functions"), "reason in the log")


@pytest.mark.long
def test_a_requested_training_runs_and_its_result_and_stages_are_known(stack: LocalStack) -> None:
    at = datetime.now(UTC)
    request = RetrainingRequest(
        model="flight-delay",
        model_version="v1",
        requested_at=at,
        reason="person",
        window_start=at - timedelta(days=40),
        window_end=at - timedelta(hours=12),
        n_labels=0,
        requested_by="person:Ada",
    )
    stack.publish("retraining", request)
    sql = "SELECT run_id, outcome, n_rows FROM ops.training_results WHERE request_id = @id"
    [row] = eventually(lambda: stack.rows(sql, id=request.id), "result of the training", within=200)
    assert row["outcome"] in ("trained", "not better")
    assert row["n_rows"] > 200
    sql = "SELECT DISTINCT stage, status FROM ops.pipeline_runs WHERE run_id = @id AND LENGTH(stage) > 0"
    stages = eventually(lambda: stack.rows(sql, id=row["run_id"]), "stages of the run", within=90)
    assert {(stage["stage"], stage["status"]) for stage in stages} == {
        (name, "succeeded") for name in ("extract", "validate", "train", "evaluate", "register")
    }


def test_what_is_no_request_is_parked(stack: LocalStack) -> None:
    sent = stack.send("retraining", b'{"type": "retraining_request", "version": 9}')
    sql = "SELECT DISTINCT function, reason FROM ops.dead_letters WHERE message_id = @id"
    [row] = eventually(lambda: stack.rows(sql, id=sent), "parked message")
    assert row["function"] == "retrain"
    assert "must be version 1, got 9" in row["reason"]

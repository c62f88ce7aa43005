"""A request to train a model again where nothing is trained: kept, and answered with why."""

from datetime import timedelta

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
    eventually(
        lambda: "no training: flight-delay: halted: training disabled" in stack.log("functions"), "reason in the log"
    )


def test_what_is_no_request_is_parked(stack: LocalStack) -> None:
    sent = stack.send("retraining", b'{"type": "retraining_request", "version": 9}')
    sql = "SELECT DISTINCT function, reason FROM ops.dead_letters WHERE message_id = @id"
    [row] = eventually(lambda: stack.rows(sql, id=sent), "parked message")
    assert row["function"] == "retrain"
    assert "must be version 1, got 9" in row["reason"]

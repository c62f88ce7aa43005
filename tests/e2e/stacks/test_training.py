"""A requested training, run to its end by the local server of Vertex AI's pipelines: the only stack of the tests that trains."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.events import RetrainingRequest
from tests.support.servers.stack import LocalStack, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]
DAYS = 45
STAGES = {(name, "succeeded") for name in ("extract", "validate", "train", "evaluate", "register")}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("training") / "data", DAYS, trains=True) as stack:
        stack.start()
        yield stack


def test_a_requested_training_runs_once_and_its_result_and_stages_are_known(stack: LocalStack) -> None:
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
    for _ in range(3):
        stack.publish("retraining", request)
    # Drift may have requested one before: then that one runs, and this request is answered with it.
    sql = "SELECT run_id, outcome, n_rows FROM ops.training_results WHERE model = 'flight-delay'"
    [row] = eventually(lambda: stack.rows(sql), "result of the training", within=200)
    assert row["outcome"] in ("trained", "not better")
    assert row["n_rows"] > 200
    sql = "SELECT DISTINCT stage, status FROM ops.pipeline_runs WHERE run_id = @id AND LENGTH(stage) > 0"
    eventually(
        lambda: {(stage["stage"], stage["status"]) for stage in stack.rows(sql, id=row["run_id"])} >= STAGES,
        "stages of the run",
        within=90,
    )
    assert len(list((stack.folder / "vertex" / "runs").glob("aia-train-*"))) == 1

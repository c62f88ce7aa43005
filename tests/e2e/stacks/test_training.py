"""A training that drift requests, run to its end by the local server of Vertex AI's pipelines: the only stack of the tests that trains."""

from collections.abc import Iterator

import pytest

from tests.support.servers.stack import LocalStack, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]
DAYS = 45
STAGES = {(name, "succeeded") for name in ("extract", "validate", "train", "evaluate", "register")}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("training") / "data", DAYS, trains=True) as stack:
        stack.start()
        yield stack


def test_drift_trains_the_model_once_and_the_result_and_the_stages_are_known(stack: LocalStack) -> None:
    sql = "SELECT DISTINCT id, reason, requested_by FROM ops.retraining_requests WHERE model = 'flight-delay'"
    [request] = eventually(lambda: stack.rows(sql), "request of a training", within=120)
    assert request["reason"] in ("drift", "below_floor", "beyond_limit")
    assert request["requested_by"].startswith("finding:model/flight-delay:")
    sql = "SELECT run_id, outcome, n_rows FROM ops.training_results WHERE request_id = @id"
    [row] = eventually(lambda: stack.rows(sql, id=request["id"]), "result of the training", within=200)
    assert row["outcome"] in ("trained", "not better")
    assert row["n_rows"] > 200
    sql = "SELECT DISTINCT stage, status FROM ops.pipeline_runs WHERE run_id = @id AND LENGTH(stage) > 0"
    eventually(
        lambda: {(stage["stage"], stage["status"]) for stage in stack.rows(sql, id=row["run_id"])} >= STAGES,
        "stages of the run",
        within=90,
    )
    assert [path.name for path in (stack.folder / "vertex" / "runs").glob("aia-train-*")] == [row["run_id"]]

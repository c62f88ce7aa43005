"""What came of a request to train a model, from what is known of its run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import PipelineRun, RunStatus
from core.pipelines.run import Run, fold
from core.retraining.outcome import RunOutcome, TrainingResult, training_state

AT = datetime(2026, 3, 1, tzinfo=UTC)
EVENT = PipelineRun(pipeline="train", run_id="one", status=RunStatus.RUNNING, observed_at=AT)
TRAINED = TrainingResult(outcome="trained", version="8", why="better")


def run(status: RunStatus, error: str = "") -> Run:
    ended = replace(EVENT, status=status, observed_at=AT + timedelta(hours=1), error=error)
    return fold(fold(None, EVENT), ended)


@pytest.mark.parametrize(
    ("known", "result", "in_use", "outcome", "detail"),
    [
        (None, None, "7", RunOutcome.REQUESTED, "no run of it is known yet"),
        (fold(None, EVENT), None, "7", RunOutcome.STARTED, "one"),
        (fold(None, replace(EVENT, stage="fit")), None, "7", RunOutcome.STARTED, "fit"),
        (run(RunStatus.FAILED, "out of memory"), None, "7", RunOutcome.FAILED, "failed: out of memory"),
        (run(RunStatus.CANCELLED), None, "7", RunOutcome.FAILED, "cancelled: one"),
        (run(RunStatus.SUCCEEDED), None, "7", RunOutcome.FAILED, "one ended, and registered no version"),
        # A pipeline that notes no result writes the row of its version when that is in use.
        (run(RunStatus.SUCCEEDED), None, "8", RunOutcome.PROMOTED, "version 8 is in use"),
        (run(RunStatus.SUCCEEDED), TRAINED, "7", RunOutcome.TRAINED, "version 8: better"),
        (None, TRAINED, "8", RunOutcome.PROMOTED, "version 8 is in use"),
        # The result is known before the end of the run is.
        (fold(None, EVENT), TRAINED, "7", RunOutcome.TRAINED, "version 8: better"),
        (None, TrainingResult(outcome="not better", why="worse"), "7", RunOutcome.NOT_BETTER, "worse"),
    ],
)
def test_what_is_known_of_a_run_says_what_came_of_it(
    known: Run | None, result: TrainingResult | None, in_use: str, outcome: RunOutcome, detail: str
) -> None:
    found = training_state(known, result, in_use, "7")
    assert (found.outcome, found.detail) == (outcome, detail)

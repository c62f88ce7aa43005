"""What came of a request to train a model, from what is known of its run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import PipelineRun, RunStatus
from core.pipelines.run import Run, fold
from core.retraining.outcome import RunOutcome, TrainingResult, training_state, training_steps, version_steps
from core.versions import AliasChange, AliasName

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


def change(day: int, alias: AliasName, version: str | None, stage: str, why: str = "so") -> AliasChange:
    at = AT + timedelta(days=day)
    return AliasChange(model="m", alias=alias, version=version, stage=stage, changed_at=at, changed_by="test", why=why)


CHAMPION, CHALLENGER = AliasName.CHAMPION, AliasName.CHALLENGER
COMPARED = [change(0, CHAMPION, "7", ""), change(1, CHALLENGER, "8", "comparison")]
STEP = [*COMPARED, change(2, CHAMPION, "7", "step"), change(2, CHALLENGER, "8", "step")]
SWITCHED = [*STEP, change(3, CHAMPION, "8", "watch", "better"), change(3, CHALLENGER, None, "watch")]
PROMOTED = [*SWITCHED, change(4, CHAMPION, "8", "promoted")]


@pytest.mark.parametrize(
    ("changes", "outcomes"),
    [
        (COMPARED, []),
        (STEP, []),
        ([*COMPARED, change(2, CHALLENGER, None, "rejected")], ["rejected"]),
        ([*COMPARED, change(2, CHALLENGER, None, "stopped")], ["rejected"]),
        ([*COMPARED, change(2, CHALLENGER, "9", "comparison")], ["rejected"]),
        ([*STEP, change(3, CHAMPION, "7", "rolled back"), change(3, CHALLENGER, None, "rolled back")], ["rolled back"]),
        (SWITCHED, ["promoted"]),
        (PROMOTED, ["promoted"]),
        ([*PROMOTED, change(5, CHAMPION, "7", "rolled back")], ["promoted", "rolled back"]),
        # A later version takes its place: it was promoted all the same.
        ([*PROMOTED, change(5, CHALLENGER, "9", "comparison"), change(6, CHAMPION, "9", "watch")], ["promoted"]),
        # A person promotes it again after it was rejected.
        (
            [*COMPARED, change(2, CHALLENGER, None, "rejected"), change(3, CHAMPION, "8", "promoted")],
            ["rejected", "promoted"],
        ),
    ],
)
def test_what_became_of_a_version_follows_from_the_aliases(changes: list[AliasChange], outcomes: list[str]) -> None:
    assert [step.outcome.value for step in version_steps("8", changes)] == outcomes
    state = training_state(None, TRAINED, "7", "7", changes)
    assert state.outcome.value == (outcomes[-1] if outcomes else "trained")


def test_the_steps_of_a_training_are_told_in_order_with_their_reasons() -> None:
    result = replace(TRAINED, finished_at=AT + timedelta(hours=2))
    steps = training_steps(fold(None, EVENT), result, "8", "7", SWITCHED)
    assert [(step.outcome.value, step.detail) for step in steps] == [
        ("started", "one"),
        ("trained", "version 8: better"),
        ("promoted", "better"),
    ]
    assert [step.at for step in steps] == [AT, AT + timedelta(hours=2), AT + timedelta(days=3)]
    failed = training_steps(run(RunStatus.FAILED, "out of memory"), None, "7", "7")
    assert [step.outcome.value for step in failed] == ["started", "failed"]
    assert [step.outcome.value for step in training_steps(fold(None, EVENT), None, "7", "7")] == ["started"]
    assert [step.outcome.value for step in training_steps(None, None, "7", "7")] == ["requested"]

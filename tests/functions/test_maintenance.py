"""Tasks of upkeep: step by step, within their time, again after failures, with a row, a finding and metrics each time."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from core.errors import BackupError, UnavailableError
from core.events import Severity, Status, Tick
from core.maintenance.backup import Digest, Manifest
from core.maintenance.task import MOST_ATTEMPTS, RunOutcome
from functions.maintenance.maintenance import BUDGET, NAME, Maintenance, handle
from functions.maintenance.registry import TASKS
from functions.services.maintenance import load
from tests.support.builders.budget import boundaries
from tests.support.crash.breaking import KilledError
from tests.support.fakes import deployed
from tests.support.fakes.upkeep import AT, DAY, MINUTES, Work, findings, new_world, rows, system, task_of, tick

world = pytest.fixture(new_world)


def test_a_task_that_is_due_is_done_once_with_a_row_and_metrics(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world)
    for minute in range(3):
        assert tick(outside, work, AT + minute * MINUTES) is None
    assert work.done == ["one", "two", "three"]
    [row] = rows(outside)
    assert (row["task"], row["outcome"], row["seconds"], row["fault"]) == ("work", "done", 3.0, "")
    assert row["detail"] == "did one; did two; did three"
    assert world.gauges["aia_maintenance_success_timestamp_seconds", "work"] == AT.replace(hour=0).timestamp()
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 1
    assert world.counts["aia_maintenance_runs_total", "work", "done"] == 1
    tick(outside, work, AT + DAY)
    assert len(work.done) == 6


def test_what_does_not_fit_into_the_time_of_a_tick_goes_on_at_the_next(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world, takes=BUDGET)
    for number in range(1, 4):
        tick(outside, work, AT + number * MINUTES)
        assert len(work.done) == number
    assert [row["outcome"] for row in rows(outside)] == ["done"]


def test_a_task_that_fails_is_tried_three_times_and_is_a_finding_until_it_succeeds(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world, error=BackupError("ops.findings: 3 distinct rows differ"))
    for minute in range(5):
        for _ in range(2):  # a tick that is delivered again is no other attempt
            assert tick(outside, work, AT + minute * MINUTES) is None
    assert work.done == ["one"]
    assert [row["outcome"] for row in rows(outside)] == ["failed"] * MOST_ATTEMPTS
    assert len({row["id"] for row in rows(outside)}) == MOST_ATTEMPTS
    [found] = findings(world)
    assert (found.target, found.kind, found.severity) == ("maintenance/work", "maintenance_failed", Severity.CRITICAL)
    assert found.summary == "work failed: ops.findings: 3 distinct rows differ"
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 0
    work.error = None
    tick(outside, work, AT + DAY)
    assert [found.status for found in findings(world)] == [Status.FIRING, Status.RESOLVED]
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 1 / (MOST_ATTEMPTS + 1)


def test_a_fault_of_ours_is_a_failure_of_its_task_and_delays_no_other(world: deployed.Outside) -> None:
    outside, broken, other = system(world), Work(world, error=KeyError("durationn")), Work(world)
    tasks = [task_of(broken), replace(task_of(other), name="other")]
    handle(Maintenance(outside=outside, tasks=tasks), Tick(job=NAME, scheduled_at=AT))
    assert other.done == ["one", "two", "three"]
    assert [found.summary for found in findings(world)] == ["work failed: the task itself is broken: KeyError"]


def test_while_a_dependency_does_not_answer_the_tick_comes_again_and_no_step_is_repeated(
    world: deployed.Outside,
) -> None:
    outside, work = system(world), Work(world, error=UnavailableError("BigQuery: does not answer"))
    for _ in range(2 * MOST_ATTEMPTS):
        assert isinstance(tick(outside, work), UnavailableError)
    assert (work.done, rows(outside), findings(world)) == (["one"], [], [])
    work.error = None
    assert tick(outside, work) is None
    assert work.done == ["one", "two", "three"]


def test_wherever_the_program_ends_every_step_is_done_and_the_run_is_recorded_under_one_id(
    world: deployed.Outside,
) -> None:
    tick(system(world), Work(world))
    for at in boundaries(world.boundaries):
        broken = deployed.Outside(now=AT, kill_at=at)
        outside, work = system(broken), Work(broken)
        try:
            tick(outside, work)
        except KilledError:
            broken.dead, broken.kill_at = False, 0
            broken.now += timedelta(hours=1)  # the lease of the claim is over
            tick(outside, work)
        assert list(dict.fromkeys(work.done)) == ["one", "two", "three"]
        assert len(work.done) <= 4  # the step whose end was not recorded
        assert {row["id"] for row in rows(outside)} == {"work:2026-06-01T00:00Z:0:done"}
        progress = load(outside.store, "work")
        assert progress is not None
        assert progress.outcome is RunOutcome.DONE


def test_a_late_tick_does_not_do_again_what_a_newer_one_did(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world)
    tick(outside, work, AT + DAY)
    tick(outside, work, AT)
    assert len(work.done) == 3


def test_a_new_system_waits_with_its_first_backup_until_the_night(world: deployed.Outside) -> None:
    outside = system(world)
    [backup] = [task for task in TASKS if task.name == "backup"]
    handle(Maintenance(outside=outside, tasks=[backup]), Tick(job=NAME, scheduled_at=AT + MINUTES))
    assert rows(outside) == []
    progress = load(outside.store, "backup")
    assert progress is not None
    assert (progress.outcome, progress.succeeded_at) == (RunOutcome.WAITS, None)
    assert not [name for name, *_ in world.gauges if name.startswith("aia_maintenance_")]
    with pytest.raises(BackupError):  # this warehouse has no manifest of what it is given
        list(backup.steps(outside, AT))


@pytest.mark.parametrize("there", [True, False])
def test_a_restore_that_was_broken_off_is_finished_before_anything_else(
    world: deployed.Outside, *, there: bool
) -> None:
    manifest = Manifest(id="20260601T010000", at=AT, export="1", tables=(), documents=0, digest=Digest().text)
    kept = {"manifest": msgspec.json.encode(manifest).decode(), "status": "verified", "detail": ""}
    outside = system(world, **{"SELECT status, detail, manifest": [kept] if there else []})
    outside.restorer.begin(manifest)
    for step in outside.restorer.steps(manifest):
        step.run()
        if step.name == "exchange":
            break
    outside.store.create("later", "k", {})
    tick(outside, Work(world))
    assert (outside.restorer.unfinished() == "") is there
    assert (outside.store.get("later", "k") is None) is there
    assert [(one.target, one.severity) for one in findings(world)] == (
        [] if there else [("maintenance/restore", Severity.CRITICAL)]
    )

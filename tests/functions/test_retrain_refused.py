"""Requests to train that are refused, wait or are parked: what is said, and when it is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from core.actions.guards import switched
from core.events import Command, Finding, RunStatus, Verb
from core.pipelines.run import Run, Span
from core.pipelines.state import PipelineState
from core.retraining.start import CLAIM
from core.settings import Model
from functions.adapters.actions.vertex import Pipelines
from functions.adapters.pipelines import COLLECTION as PIPELINES
from functions.adapters.pipelines import pipeline_data
from functions.adapters.training.port import ANSWERS
from functions.adapters.training.vertex import VertexTrainings
from functions.services.actions import change_guards
from tests.support.fakes.retraining import (
    AT,
    FIRING,
    HOUR,
    LATER,
    MODEL,
    POLICY,
    REQUEST,
    RESOLVED,
    Deployed,
    new_deployed,
    new_server,
)
from tests.support.servers.grpc_wire import Refused
from tests.support.servers.vertex import BORN, SUCCEEDED

pytest_plugins = ["tests.support.servers.framework"]
server = pytest.fixture(new_server)
deployed = pytest.fixture(new_deployed)


@pytest.mark.parametrize(
    ("models", "outcome", "label"),
    [
        ((), "unknown_model", "unknown"),
        ((replace(MODEL, name="churn"),), "unknown_model", "unknown"),
        ((replace(MODEL, retraining=None),), "no_pipeline", "delay"),
        ((replace(MODEL, retraining=replace(POLICY, pipeline=None)),), "no_pipeline", "delay"),
    ],
)
def test_where_nothing_trains_it_vertex_ai_is_not_asked(
    deployed: Deployed, caplog: pytest.LogCaptureFixture, models: tuple[Model, ...], outcome: str, label: str
) -> None:
    deployed.models = models
    with caplog.at_level("INFO"):
        assert deployed.give(REQUEST) == 204
    assert f"no training: delay: {outcome}: " in caplog.text
    assert deployed.outside.counts["aia_retraining_answers_total", label, outcome] == 1
    assert deployed.connected == 0
    assert deployed.outside.published == []


def limited(deployed: Deployed, **changes: Any) -> None:
    deployed.models = (replace(MODEL, retraining=replace(POLICY, **changes)),)


def test_where_trainings_are_halted_none_is_started(deployed: Deployed) -> None:
    limited(deployed, enabled=False)
    assert deployed.give(REQUEST) == 204
    limited(deployed)
    halt = Command(verb=Verb.HALT, subject="*", at=AT, by="Ada")
    change_guards(deployed.ports.store, lambda guards: switched(guards, halt))
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 0
    assert deployed.outside.answers() == {"halted": 2}


def test_where_training_is_disabled_nothing_is_asked_of_vertex_ai(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIA_TRAINING_DISABLED", "1")
    assert [deployed.give(REQUEST) for _ in range(2)] == [204, 204]
    assert (deployed.connected, deployed.server.calls, deployed.outside.published) == (0, [], [])
    assert deployed.outside.answers() == {"halted": 2}
    kept = deployed.ports.store.get(ANSWERS, "delay")
    assert kept
    [answer] = kept.data["answers"]
    assert (answer["request"], answer["outcome"]) == (REQUEST.id, "halted")
    assert "nothing is trained on this machine" in answer["why"]


def test_no_more_are_started_than_the_budget_allows_and_a_repetition_counts_once(deployed: Deployed) -> None:
    limited(deployed, budget=2)
    requests = [replace(REQUEST, requested_at=AT + number * HOUR) for number in range(4)]
    for request in requests[:3]:
        assert [deployed.give(request) for _ in range(2)] == [204, 204]
        deployed.server.move([job.state for job in deployed.server.jobs.values()], SUCCEEDED)
        deployed.outside.now += CLAIM
    assert deployed.server.effects == 2
    assert deployed.outside.answers() == {"started": 2, "repeated": 2, "budget": 2}
    deployed.outside.now += timedelta(days=31)
    assert deployed.give(requests[3]) == 204
    assert deployed.server.effects == 3


def ran(deployed: Deployed, hours: float) -> None:
    """The pipeline's newest run that succeeded took so long."""
    whole = Span(status=RunStatus.SUCCEEDED, told_at=BORN, ended_at=BORN, started_at=BORN - hours * HOUR)
    state = PipelineState(name="train-delay", runs=(Run(run_id="r", span=whole, first=BORN, last=BORN),))
    deployed.ports.store.create(PIPELINES, "train-delay", pipeline_data(state))


def test_what_would_cost_more_than_the_budget_is_refused_with_the_sum(
    deployed: Deployed, caplog: pytest.LogCaptureFixture
) -> None:
    limited(deployed, budget_dollars=1.5, hourly_price=0.2)
    ran(deployed, 4)
    caplog.set_level("INFO")
    for number in range(2):
        assert deployed.give(replace(REQUEST, requested_at=AT + number * HOUR)) == 204
        deployed.server.move([job.state for job in deployed.server.jobs.values()], SUCCEEDED)
        deployed.outside.now += CLAIM
    assert (deployed.server.effects, deployed.outside.answers()) == (1, {"started": 1, "budget": 1})
    assert "cost $1.60 ($0.80 each: 4.0 h at $0.20 an hour), of $1.50" in caplog.text
    deployed.outside.now += timedelta(days=2)
    deployed.outside.billed = 0.7  # the bill counts for more than an estimate
    assert deployed.give(replace(REQUEST, requested_at=AT + 2 * HOUR)) == 204
    assert deployed.server.effects == 2


def test_before_anything_has_run_or_is_billed_the_cost_is_not_known_and_holds_nothing_back(deployed: Deployed) -> None:
    limited(deployed, budget_dollars=0.01, hourly_price=100.0)
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.answers() == {"started": 1}


def test_a_loop_of_trainings_that_are_not_better_is_ended_and_told_and_a_person_may_go_on(deployed: Deployed) -> None:
    deployed.outside.results = ("not better",) * 3 + ("trained",)
    assert [deployed.give(REQUEST) for _ in range(2)] == [204] * 2
    assert (deployed.server.effects, deployed.outside.findings) == (0, [FIRING])
    [finding] = [event for event in deployed.outside.published if isinstance(event, Finding)]
    assert "none of the last 3 trainings was better than the champion" in finding.summary
    deployed.outside.now += CLAIM
    assert deployed.give(replace(REQUEST, requested_at=AT + HOUR / 2, reason="person")) == 204
    assert deployed.server.effects == 1
    assert deployed.outside.findings == [FIRING, RESOLVED]
    assert deployed.outside.answers() == {"no_progress": 2, "started": 1}


@pytest.mark.parametrize("results", [("not better",) * 2, ("trained", *("not better",) * 5), ()])
def test_a_training_that_was_better_ends_the_count(deployed: Deployed, results: tuple[str, ...]) -> None:
    deployed.outside.results = results
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.answers() == {"started": 1}


def test_what_does_not_answer_comes_again(deployed: Deployed) -> None:
    deployed.outside.down = {"warehouse"}
    assert deployed.give(REQUEST) == 503
    deployed.outside.down = set()
    deployed.server.stop()
    assert deployed.give(REQUEST) == 503
    assert deployed.outside.published == []
    assert deployed.outside.answers() == {}


def test_what_is_refused_is_told_once_and_ends_when_a_later_request_starts(deployed: Deployed) -> None:
    deployed.server.refusal = Refused(grpc.StatusCode.INVALID_ARGUMENT, "The template does not exist.")
    assert [deployed.give(REQUEST) for _ in range(2)] == [204] * 2
    assert deployed.outside.findings == [FIRING]
    [finding] = [event for event in deployed.outside.published if isinstance(event, Finding)]
    assert (finding.severity.value, finding.runbook) == ("error", "models.md#retraining_refused")
    assert "The template does not exist." in finding.summary
    assert deployed.outside.answers() == {"refused": 2}
    deployed.server.refusal = None
    deployed.outside.now += CLAIM
    assert deployed.give(replace(REQUEST, requested_at=AT + HOUR / 2)) == 204
    assert deployed.outside.findings == [FIRING, RESOLVED]


def test_without_a_permission_it_is_refused(deployed: Deployed) -> None:
    deployed.server.deny()
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING]
    assert deployed.outside.answers() == {"refused": 1}


def test_without_credentials_it_is_refused(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/credentials.json")
    monkeypatch.setattr(deployed, "_connect", lambda: VertexTrainings("p", Pipelines(patience=0.5)))
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING]


def test_a_quota_that_is_used_up_is_told_and_comes_again(deployed: Deployed) -> None:
    deployed.server.refusal = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded: concurrent pipelines.")
    assert [deployed.give(REQUEST) for _ in range(2)] == [503] * 2
    assert deployed.outside.findings == [FIRING]
    deployed.server.refusal = None
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING, RESOLVED]
    assert deployed.outside.answers() == {"started": 1}


def test_a_refusal_of_an_old_request_counts_for_nothing_once_a_newer_one_has_started(deployed: Deployed) -> None:
    deployed.give(LATER)
    deployed.server.move([deployed.server.jobs[next(iter(deployed.server.jobs))].state], SUCCEEDED)
    deployed.server.refusal = Refused(grpc.StatusCode.PERMISSION_DENIED, "no")
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == []
    assert deployed.outside.answers() == {"started": 1, "refused": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "retraining_request: Input data was truncated"),
        (b"train!", "retraining_request: JSON is malformed"),
        (b'{"type": "finding", "version": 1}', "type: must be 'retraining_request', got 'finding'"),
        (b'{"type": "retraining_request", "version": 2}', "version: retraining_request must be version 1, got 2"),
        (b'{"type": "retraining_request", "version": 1}', "retraining_request: Object missing required field"),
    ],
)
def test_what_no_retry_can_help_is_parked_with_its_reason(deployed: Deployed, data: bytes, reason: str) -> None:
    assert deployed.post(data) == 204
    [parked] = deployed.outside.park.reasons
    assert parked.startswith(reason)
    assert deployed.server.calls == []


def test_a_request_of_the_future_is_parked(deployed: Deployed) -> None:
    assert deployed.give(REQUEST, published_at="2026-10-31T22:49:59Z") == 204
    [parked] = deployed.outside.park.reasons
    assert parked.startswith("requested_at: must not be after 2026-10-31T22:49:59Z, when it was published, got 2026-10")
    assert deployed.give(REQUEST, published_at="2026-10-31T22:50:00Z") == 204
    assert deployed.outside.answers() == {"started": 1}

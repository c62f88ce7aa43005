"""Whether a request starts a training: every reason, which of them counts, and what the training is given."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import RetrainingRequest
from core.retraining.start import CLAIM, Claim, Decision, Outcome, Seen, decide, pipeline_of, run_of, training
from core.settings import Features, Model, Reference, Retraining, TrainingPipeline

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
REQUEST = RetrainingRequest(
    model="flight-delay",
    model_version="7",
    requested_at=AT,
    reason="drift",
    window_start=AT - timedelta(days=60),
    window_end=AT - timedelta(hours=12),
    n_labels=800,
)
PIPELINE = TrainingPipeline(
    template="https://europe-west4-kfp.pkg.dev/p/pipelines/train-delay/v1",
    root="gs://trainings",
    parameters={"rounds": 300},
)
MODEL = Model(
    name="flight-delay",
    owner="flights",
    table="a.b",
    timestamp="at",
    id="id",
    score="score",
    features=Features(numeric=("hour",)),
    reference=Reference(days=30),
    window=timedelta(days=7),
    retraining=Retraining(important=("hour",), pipeline=PIPELINE),
)
FREE = Seen(version="7", created=False, running="", claim=None, now=AT + timedelta(minutes=5))
MINE, OTHERS = Claim(request=REQUEST.id, at=AT), Claim(request="flight-delay:2026-01-01T00:00:00Z", at=FREE.now)


def test_what_trains_a_model_is_that_of_the_settings() -> None:
    assert pipeline_of(MODEL) is PIPELINE


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        (None, Outcome.UNKNOWN_MODEL),
        (replace(MODEL, retraining=None), Outcome.NO_PIPELINE),
        (replace(MODEL, retraining=Retraining(important=("hour",))), Outcome.NO_PIPELINE),
    ],
)
def test_where_nothing_trains_it_that_is_the_reason(model: Model | None, outcome: Outcome) -> None:
    found = pipeline_of(model)
    assert isinstance(found, Decision)
    assert (found.outcome, bool(found.why)) == (outcome, True)


@pytest.mark.parametrize(
    ("seen", "outcome", "why"),
    [
        ({}, Outcome.STARTED, ""),
        ({"version": "8"}, Outcome.OTHER_VERSION, "version 8 is deployed, 7 was to be replaced"),
        ({"version": ""}, Outcome.OTHER_VERSION, "version none is deployed, 7 was to be replaced"),
        ({"running": "aia-train-1"}, Outcome.RUNNING, "aia-train-1 has not ended"),
        (
            {"version": "8", "running": "aia-train-1"},
            Outcome.OTHER_VERSION,
            "version 8 is deployed, 7 was to be replaced",
        ),
        ({"claim": OTHERS}, Outcome.BUSY, f"{OTHERS.request} is being started"),
        ({"claim": replace(OTHERS, told=True)}, Outcome.STARTED, ""),
        ({"claim": replace(OTHERS, at=FREE.now - CLAIM)}, Outcome.STARTED, ""),
        ({"claim": MINE}, Outcome.STARTED, ""),
        ({"claim": MINE, "version": "8"}, Outcome.OTHER_VERSION, "version 8 is deployed, 7 was to be replaced"),
        ({"claim": MINE, "created": True, "version": "8", "running": "x"}, Outcome.STARTED, ""),
        ({"created": True}, Outcome.STARTED, ""),
        ({"created": True, "claim": OTHERS}, Outcome.REPEATED, ""),
        ({"claim": replace(MINE, told=True), "version": "8"}, Outcome.REPEATED, "its training was started before"),
    ],
)
def test_each_reason_counts_in_its_turn(seen: dict[str, object], outcome: Outcome, why: str) -> None:
    decision = decide(REQUEST, replace(FREE, **seen))  # type: ignore[arg-type] # each of its own type
    assert (decision.outcome, decision.why) == (outcome, why)


def test_a_training_is_given_what_the_request_says_and_what_the_settings_say() -> None:
    made = training(REQUEST, PIPELINE)
    assert made.display_name == "train-flight-delay"
    assert made.parameters == {
        "rounds": 300,
        "model": "flight-delay",
        "model_version": "7",
        "window_start": "2025-11-03T12:00:00Z",
        "window_end": "2026-01-02T00:00:00Z",
        "request_id": "flight-delay:2026-01-02T12:00:00Z",
        "template": "",
    }
    fixed = replace(PIPELINE, template=PIPELINE.template.replace("v1", f"sha256:{'0a' * 32}"))
    assert training(REQUEST, fixed).parameters["template"] == f"sha256:{'0a' * 32}"
    assert set(TrainingPipeline.GIVEN) == set(made.parameters) - {"rounds"}
    assert made.labels == {
        "aia-model": "flight-delay",
        "aia-request": made.job_id.removeprefix("aia-train-"),
        "pipeline": "train-delay",
    }


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), st.text(max_size=63))  # noqa: DTZ001 - bounds of hypothesis are naive
def test_the_id_of_its_job_follows_from_the_request_and_is_one(at: datetime, model: str) -> None:
    request = replace(REQUEST, requested_at=at, model=model)
    made = training(request, PIPELINE)
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,127}", made.job_id)
    assert re.fullmatch(r"[a-z0-9-]{1,63}", made.labels["aia-request"])
    elsewhere = replace(request, requested_at=at.astimezone(timezone(timedelta(hours=9))), reason="incident")
    assert training(elsewhere, PIPELINE).job_id == made.job_id
    assert training(replace(request, requested_at=at + timedelta(microseconds=1)), PIPELINE).job_id != made.job_id


def test_its_run_has_the_names_that_the_log_of_vertex_ai_has() -> None:
    made = training(REQUEST, PIPELINE)
    run = run_of(made, AT)
    assert (run.pipeline, run.run_id, run.status.value, run.observed_at) == ("train-delay", made.job_id, "running", AT)

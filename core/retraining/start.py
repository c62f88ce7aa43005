"""Whether a request starts a training, and what the training is given."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import PipelineRun, RetrainingRequest, RunStatus, stamp
from core.retraining.cost import RunCost, over_budget
from core.settings.models import Model, Retraining
from core.settings.training import Parameter, TrainingPipeline

CLAIM = timedelta(minutes=2)
"""For so long a request that was let pass keeps others of its model out: longer than it takes to create a training."""
BUDGET = timedelta(days=30)
"""The time that the budget is for."""
FRUITLESS = 3
"""After so many trainings in a row that were not better, none is started by itself."""
PERSON = "person"
"""The reason of a request that a person made."""


class Outcome(StrEnum):
    """Outcome of a request."""

    STARTED = "started"
    REPEATED = "repeated"
    """It came again after its training was started and told of."""
    UNKNOWN_MODEL = "unknown_model"
    NO_PIPELINE = "no_pipeline"
    OTHER_VERSION = "other_version"
    """Another version is in use than the one it is to replace: it is answered already, or was never about this one."""
    RUNNING = "running"
    """Another training of the model has not ended."""
    BUSY = "busy"
    """Another request of the model is being started at this moment; it must come again."""
    HALTED = "halted"
    """The settings or a person have stopped trainings."""
    BUDGET = "budget"
    """As many trainings were started in 30 days as the settings allow, or one more would cost more."""
    NO_PROGRESS = "no_progress"
    """The last trainings were none of them better: only a person may request the next."""
    REFUSED = "refused"
    """Vertex AI does not take it, and would not take it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Which request of a model was let pass last.

    Attributes:
        request: its id.
        at: when it was let pass.
        told: whether its training is known to be created and told of.
        started: when trainings of the model were let pass in the last 30 days, this one among them.
    """

    request: str
    at: datetime
    told: bool = False
    started: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known when a request comes.

    Attributes:
        version: of the model, in use; empty where there was none ever.
        created: whether the training of this request is there, of a delivery that did not live to tell.
        running: another training of the model that has not ended, or empty.
        claim: of the model, if there is one.
        now: for how old the claim is.
        limit: why no training of the model may be started now, whatever is requested; None where one may.
    """

    version: str
    created: bool
    running: str
    claim: Claim | None
    now: datetime
    limit: "Decision | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Outcome of a request, with the reason in one line."""

    outcome: Outcome
    why: str = ""


def limit(
    policy: Retraining,
    request: RetrainingRequest,
    claim: Claim | None,
    *,
    halted: str,
    fruitless: int,
    now: datetime,
    cost: RunCost | None = None,
) -> Decision | None:
    """Why no training may be started now, whoever requests it; None where one may.

    Args:
        policy: of the model.
        request: the request; what a person asks for is not held back by fruitless trainings.
        claim: of the model, with the trainings that were started.
        halted: why automation is halted, or empty.
        fruitless: the number of newest trainings in a row that were not better.
        now: the instant.
        cost: of one training, where it is known.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> asked = RetrainingRequest(
    ...     model="churn", model_version="7", requested_at=at, reason="drift", window_start=at.replace(day=1),
    ...     window_end=at, n_labels=800,
    ... )
    >>> limit(Retraining(budget=2), asked, None, halted="", fruitless=3, now=at).why
    'none of the last 3 trainings was better than the champion'
    """
    if not policy.enabled:
        return Decision(outcome=Outcome.HALTED, why="retraining.enabled is false")
    if halted:
        return Decision(outcome=Outcome.HALTED, why=halted)
    started = recent(claim, now)
    if policy.budget is not None and len(started) >= policy.budget:
        why = f"{len(started)} of {policy.budget} trainings were started in the last {BUDGET.days} days"
        return Decision(outcome=Outcome.BUDGET, why=why)
    if why := over_budget(policy, cost, len(started)):
        return Decision(outcome=Outcome.BUDGET, why=why)
    if fruitless >= FRUITLESS and request.reason != PERSON:
        why = f"none of the last {fruitless} trainings was better than the champion"
        return Decision(outcome=Outcome.NO_PROGRESS, why=why)
    return None


def recent(claim: Claim | None, now: datetime) -> tuple[datetime, ...]:
    """When the trainings that count for the budget were started."""
    return tuple(at for at in (claim.started if claim else ()) if at > now - BUDGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What is to be created.

    Attributes:
        job_id: follows from the request, so that it is created once; at most 128 of small letters, digits and dashes.
        display_name: the same for every training of the model.
        labels: the model, and the request as a label can spell it.
        pipeline: the model's.
        parameters: those of the settings and those of the request; instants as in `2026-01-02T03:00:00Z`.
    """

    job_id: str
    display_name: str
    labels: Mapping[str, str]
    pipeline: TrainingPipeline
    parameters: Mapping[str, Parameter]


def pipeline_of(model: Model | None) -> TrainingPipeline | Decision:
    """What trains a model; where nothing does, that is decided, and nothing needs to be looked at.

    Args:
        model: of the settings, or None where they have no such model.

    >>> pipeline_of(None).outcome.value
    'unknown_model'
    """
    if model is None:
        return Decision(outcome=Outcome.UNKNOWN_MODEL, why="the model is not in the settings")
    if model.retraining is None or model.retraining.pipeline is None:
        return Decision(outcome=Outcome.NO_PIPELINE, why="the settings have no retraining.pipeline for this model")
    return model.retraining.pipeline


def decide(request: RetrainingRequest, seen: Seen) -> Decision:
    """Whether the training is started; one that an earlier delivery created is led to its end, whatever came since.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> asked = RetrainingRequest(
    ...     model="churn", model_version="7", requested_at=at, reason="drift", window_start=at.replace(day=1),
    ...     window_end=at, n_labels=800,
    ... )
    >>> seen = Seen(version="7", created=False, running="", claim=None, now=at)
    >>> decide(asked, seen).outcome.value
    'started'
    >>> newer = Seen(version="8", created=False, running="", claim=None, now=at)
    >>> decide(asked, newer).outcome.value, decide(asked, newer).why
    ('other_version', 'version 8 is deployed, 7 was to be replaced')
    """
    mine = seen.claim if seen.claim is not None and seen.claim.request == request.id else None
    if mine is not None and mine.told:
        return Decision(outcome=Outcome.REPEATED, why="its training was started before")
    if seen.created:
        # Of an older request, whose place in the claim a newer one has taken, the log of the runner tells everything.
        return Decision(outcome=Outcome.STARTED if mine or seen.claim is None else Outcome.REPEATED)
    return _held_back(request, seen, claimed=mine is not None) or Decision(outcome=Outcome.STARTED)


def _held_back(request: RetrainingRequest, seen: Seen, *, claimed: bool) -> Decision | None:
    """Why a training that is not created yet is not, or None; what was let pass before is held back by no limit."""
    if seen.version != request.model_version:
        why = f"version {seen.version or 'none'} is deployed, {request.model_version} was to be replaced"
        return Decision(outcome=Outcome.OTHER_VERSION, why=why)
    if seen.limit is not None and not claimed:
        return seen.limit
    if seen.running:
        return Decision(outcome=Outcome.RUNNING, why=f"{seen.running} has not ended")
    if seen.claim is not None and not claimed and not seen.claim.told and seen.now - seen.claim.at < CLAIM:
        return Decision(outcome=Outcome.BUSY, why=f"{seen.claim.request} is being started")
    return None


def training(request: RetrainingRequest, pipeline: TrainingPipeline) -> Training:
    """The training that a request asks for.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> asked = RetrainingRequest(
    ...     model="churn", model_version="7", requested_at=at, reason="drift", window_start=at.replace(day=1),
    ...     window_end=at, n_labels=800,
    ... )
    >>> made = training(asked, TrainingPipeline(template="https://us-kfp.pkg.dev/p/r/train/v1", root="gs://b"))
    >>> made.display_name, made.job_id
    ('train-churn', 'aia-train-065517a0c3e6966b7f212b479ef5ef4e')
    """
    return Training(
        job_id=run_id(request.id),
        display_name=f"train-{request.model}",
        labels={"aia-model": request.model, "aia-request": _digest(request.id), "pipeline": pipeline.label},
        pipeline=pipeline,
        parameters={
            **pipeline.parameters,
            "model": request.model,
            "model_version": request.model_version,
            "window_start": stamp(request.window_start),
            "window_end": stamp(request.window_end),
            "request_id": request.id,
            "template": pipeline.version,
        },
    )


def run_id(request_id: str) -> str:
    """The run of a request: the id of its job.

    >>> run_id("churn:2026-01-02T12:00:00Z")
    'aia-train-065517a0c3e6966b7f212b479ef5ef4e'
    """
    return f"aia-train-{_digest(request_id)}"


def _digest(request_id: str) -> str:
    return hashlib.sha256(request_id.encode()).hexdigest()[:32]


def run_of(training: Training, created_at: datetime) -> PipelineRun:
    """The pipeline run event of a created training, with the names that Vertex AI's log uses."""
    return PipelineRun(
        pipeline=training.pipeline.name,
        run_id=training.job_id,
        status=RunStatus.RUNNING,
        observed_at=created_at,
    )

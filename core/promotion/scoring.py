"""Which predictions a pipeline has the challenger score before a look, and the job that does it."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from core.instants import stamp
from core.promotion.state import PromotionState
from core.retraining.start import Training
from core.settings import Promotion, TrainingPipeline

PATIENCE = timedelta(days=1)
"""For how long a job is waited for; after that a look is made with what is there."""


def due(state: PromotionState, policy: Promotion, at: datetime) -> bool:
    """Whether a look is due; the first one at once where a pipeline scores predictions of the past."""
    last = state.looked_at or (None if policy.scoring else state.began_at)
    return last is None or at - last >= policy.every


def asked(state: PromotionState, until: datetime) -> PromotionState:
    """The state while predictions up to an instant, exclusive, are scored; unchanged where there are no further ones."""
    return replace(state, scoring_until=until) if until > window_start(state) else state


def scored(state: PromotionState, *, succeeded: bool) -> PromotionState:
    """The state after the job has ended; one that failed is followed by one of the same start at the next look."""
    reached = state.scoring_until if succeeded else state.scored_until
    return replace(state, scored_until=reached, scoring_until=None)


def window_start(state: PromotionState) -> datetime:
    """From when on predictions are to be scored next."""
    return state.scored_until or state.compared_from


def job(state: PromotionState, pipeline: TrainingPipeline, artifact_uri: str) -> Training:
    """The job of a state while predictions are scored; its id follows from model, version and window.

    Args:
        state: with `scoring_until`.
        pipeline: of the settings.
        artifact_uri: where the challenger's model is stored.

    Raises:
        ValueError: nothing is being scored.
    """
    if state.scoring_until is None:
        raise ValueError("state: must have scoring_until, got None")
    given = {
        "model": state.model,
        "model_version": state.challenger,
        "window_start": stamp(window_start(state)),
        "window_end": stamp(state.scoring_until),
    }
    digest = hashlib.sha256("\n".join(given.values()).encode()).hexdigest()[:32]
    return Training(
        job_id=f"aia-score-{digest}",
        display_name=f"score-{state.model}",
        labels={"aia-model": state.model},
        pipeline=pipeline,
        parameters={**pipeline.parameters, **given, "artifact_uri": artifact_uri},
    )

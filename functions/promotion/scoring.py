"""Has the challenger score the logged predictions of its comparison: a pipeline job before each look."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.promotion import PromotionState, scoring
from core.retraining.start import Training
from core.settings import Model, Promotion, TrainingPipeline
from functions.adapters.logs import fields
from functions.adapters.ports import Warehouse
from functions.adapters.training.port import Jobs
from functions.promotion.versions import artifact_uri

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """Starts the jobs, and knows when they have ended.

    Attributes:
        warehouse: knows where the model of a version is.
        jobs: Vertex AI's; opened at the first use.
    """

    warehouse: Warehouse
    jobs: Callable[[], Jobs]

    def prepared(self, model: Model, policy: Promotion, state: PromotionState, at: datetime) -> PromotionState:
        """The state before a look: with `scoring_until` where the look has to wait for a job.

        Raises:
            ActionError: Vertex AI refuses to tell of the job.
            UnavailableError: Vertex AI or the warehouse does not answer.
        """
        if policy.scoring is None or model.label is None:
            return state
        if state.scoring_until is None:
            is_due = scoring.due(state, policy, at)
            return scoring.asked(state, at - model.label.arrives_within) if is_due else state
        wanted = self._job(policy.scoring, state)
        ended = self.jobs().ended(wanted)
        if ended is None and at - state.scoring_until - model.label.arrives_within < scoring.PATIENCE:
            return state
        if ended is not None and ended.at > at:  # its rows are newer than this look
            return state
        succeeded = ended is not None and ended.succeeded
        if not succeeded:
            log.error("predictions not scored: %s: %s", model.name, wanted.job_id, extra=fields(model=model.name))
        return scoring.scored(state, succeeded=succeeded)

    def start(self, policy: Promotion, state: PromotionState) -> None:
        """Start the job of a state, unless it is there.

        Raises:
            ActionError: Vertex AI refuses it.
            UnavailableError: Vertex AI or the warehouse does not answer.
        """
        if policy.scoring is not None and state.scoring_until is not None:
            self.jobs().start(self._job(policy.scoring, state))

    def _job(self, pipeline: TrainingPipeline, state: PromotionState) -> Training:
        return scoring.job(state, pipeline, artifact_uri(self.warehouse, state.model, state.challenger))

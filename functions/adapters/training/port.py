"""The ports of trainings and other pipeline jobs: start them, and find those that run or have ended."""

from datetime import datetime
from typing import NamedTuple, Protocol

from core.retraining.start import Training

CLAIMS = "trainings"
"""The documents, by model, of the requests that were let pass last: `retrain` writes them (`core.retraining.start.Claim`)."""

ANSWERS = "train_answers"
"""The documents, by model, of the newest answers to requests that started nothing (`core.retraining.outcome.Answer`)."""


class Trainings(Protocol):
    """Starts trainings.

    Every method raises `UnavailableError` when nothing answers, `QuotaError` of them when a quota is used up, and
    `ActionError` when it is refused, and would be refused again.
    """

    def created_at(self, training: Training) -> datetime | None:
        """When this very training was created, or None where it is not there."""
        ...

    def running(self, training: Training) -> str:
        """Another training of the same display name that has not ended, or the empty text."""
        ...

    def start(self, training: Training) -> datetime:
        """Create it, unless it is there; when it was created."""
        ...


class Ending(NamedTuple):
    """When a job ended, and whether it did what it is for."""

    at: datetime
    succeeded: bool


class Jobs(Protocol):
    """Starts pipeline jobs that are waited for; raises as `Trainings` does."""

    def ended(self, training: Training) -> Ending | None:
        """How this very job ended, or None where it has not, or is not there."""
        ...

    def start(self, training: Training) -> datetime:
        """Create it, unless it is there; when it was created."""
        ...

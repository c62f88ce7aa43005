"""The port of trainings: starts them, and finds those that run."""

from datetime import datetime
from typing import Protocol

from core.retraining.start import Training


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

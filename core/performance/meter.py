"""How the performance of a model is measured and estimated: one meter for each task."""

from collections.abc import Mapping
from typing import Any, Protocol

from core.performance.intervals import Estimate
from core.performance.rows import Rows

Measures = Mapping[str, Estimate]
"""Performance metrics by their names in `core.measures.MEASURES`."""


class Estimator(Protocol):
    """Estimates performance without labels; learnt from rows that have them."""

    def expected(self, rows: Rows) -> Measures:
        """The metrics as they are expected, of rows with or without labels."""
        ...

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        ...


class Meter(Protocol):
    """Measures the models of one task."""

    def measure(self, rows: Rows) -> Measures:
        """The metrics by the rows that have a label.

        Raises:
            ProfileError: a score or a label is not what the task says.
        """
        ...

    def learn(self, rows: Rows) -> Estimator | None:
        """An estimator, learnt from the rows that have a label; None where they are too few or the task has none.

        Raises:
            ProfileError: a score or a label is not what the task says.
        """
        ...

    def load(self, data: Mapping[str, Any]) -> Estimator:
        """An estimator from what `to_data` gave."""
        ...

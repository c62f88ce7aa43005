"""What an evaluation says: apart from how it is computed, because who registers a version computes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.versions import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How a new version did on held-out rows.

    Attributes:
        better: whether it is better than the champion on these rows.
        why: in one line for people.
        rows: on which both were measured.
        metrics: of the new version, `champion_…` of the champion on the same rows, and the gain.
    """

    better: bool
    why: str
    rows: int
    metrics: Mapping[str, Metric] = field(default_factory=dict)

"""Whether the data can be trained on, and the profile of what is trained on."""

from dataclasses import dataclass

import numpy as np

from core.drift import Profile, count, quality
from core.drift.quality import DataQualityIssue, DataQualityIssueKind
from infra.training.steps.table import LABEL, Table, rows

REFUSED = frozenset({DataQualityIssueKind.ABSENT, DataQualityIssueKind.TYPE_CHANGED, DataQualityIssueKind.INFINITE})
"""The issues of the later weeks with which no comparison is fair; the others are reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The least that is trained on and compared on."""

    training_rows: int = 500
    holdout_rows: int = 200
    positives: int = 20


class DataError(ValueError):
    """The data cannot be trained on; the message has every reason."""


def validate(
    training: Table, holdout: Table, *, features: tuple[str, ...], categorical: tuple[str, ...], limits: Limits
) -> tuple[Profile, tuple[DataQualityIssue, ...]]:
    """Check the data, with the profile of the training rows as the reference of the later ones.

    Args:
        training: the rows to train on, in the order of time.
        holdout: the later rows.
        features: the columns to train on.
        categorical: those of them whose values are categories.
        limits: the least that must be there.

    Returns:
        The profile of the training rows, and the data quality issues of the later rows.

    Raises:
        DataError: there are too few rows or too few of one outcome, or an issue that no comparison is fair with.
    """
    faults = [*_sizes("training", training, limits.training_rows, limits.positives)]
    faults += _sizes("held-out", holdout, limits.holdout_rows, limits.positives)
    if faults:
        raise DataError("; ".join(faults))
    profile = Profile.fit({name: training[name] for name in features}, categorical=categorical, together=features)
    issues = quality(profile, count(profile, {name: holdout[name] for name in features}))
    refused = [f"{issue.feature}: {issue.kind} {issue.detail}".rstrip() for issue in issues if issue.kind in REFUSED]
    if refused:
        raise DataError("; ".join(refused))
    return profile, issues


def _sizes(name: str, table: Table, least: int, positives: int) -> list[str]:
    found = {"rows": rows(table)} | {f"rows with label {one}": int(np.sum(table[LABEL] == one)) for one in (0, 1)}
    needed = {"rows": least} | {f"rows with label {one}": positives for one in (0, 1)}
    return [
        f"{name} {what}: must be at least {needed[what]}, got {number}"
        for what, number in found.items()
        if number < needed[what]
    ]

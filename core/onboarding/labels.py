"""What a column of labels makes of a model: its task, and which label is the positive one."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.performance.rows import missing
from core.settings.models import Task

_TWO: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRole:
    """How labels are used.

    Attributes:
        task: of the model; None where the labels cannot be used.
        positive: of two texts, the one that the score is the probability of; None where labels are numbers or booleans.
        reason: why labels are not used, or the texts are understood like that; empty where there is nothing to say.
    """

    task: Task | None
    positive: str | None = None
    reason: str = ""


def label_role(labels: NDArray[Any], scores: NDArray[Any]) -> LabelRole:
    """The task of a model by its labels.

    Args:
        labels: shape (rows,): booleans, numbers or text; None and NaN are missing.
        scores: shape (rows,): numbers.

    >>> label_role(np.array([0, 1, 1]), np.array([0.1, 0.8, 0.6])).task.value
    'binary'
    >>> label_role(np.array(["UP", "DOWN"], dtype=object), np.array([0.9, 0.2])).positive
    'UP'
    """
    values = set(labels[~missing(labels)].tolist())
    is_probability = bool(np.nanmin(scores, initial=0.0) >= 0 and np.nanmax(scores, initial=0.0) <= 1)
    if not values:
        return LabelRole(task=None, reason="empty")
    if not any(isinstance(one, str) for one in values):
        return _of_numbers(values, is_probability=is_probability)
    if len(values) != _TWO:
        return LabelRole(
            task=None,
            reason=f"text with {len(values)} values; labels are 0 and 1, two words, or numbers of the score's unit",
        )
    if not is_probability:
        return LabelRole(task=None, reason="two words, where the score is no probability from 0 to 1")
    return _of_words(labels, scores, sorted(map(str, values)))


def _of_numbers(values: set[Any], *, is_probability: bool) -> LabelRole:
    if values <= {0, 1} and is_probability:
        return LabelRole(task=Task.BINARY)
    if values <= {0, 1}:
        return LabelRole(task=None, reason="0 and 1, where the score is no probability from 0 to 1")
    return LabelRole(task=Task.REGRESSION)


def _of_words(labels: NDArray[Any], scores: NDArray[Any], words: list[str]) -> LabelRole:
    """The word whose rows have the higher scores is the positive one."""
    means = {word: float(np.nanmean(scores[labels == word])) for word in words}
    positive = max(words, key=lambda word: means[word])
    other = next(word for word in words if word != positive)
    return LabelRole(
        task=Task.BINARY,
        positive=positive,
        reason=f"{positive!r} is 1 and {other!r} is 0, because its scores are higher",
    )

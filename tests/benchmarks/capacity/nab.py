"""The score of the Numenta Anomaly Benchmark, standard profile, and two detectors to compare with.

A window counts once, by its earliest detection: 1 at its first row, falling to 0 at its last one along a sigmoid, and -1 where there
is none. Each row that is detected outside of the windows costs 0.11 at most, less shortly after a window. Rows of the probationary
period, 15 % of a series but at most 750, count for nothing. The sum over all series is scaled so that a detector without any
detection has 0, and one that detects each window at its first row and nothing else has 100.

References:
    Lavin and Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta anomaly benchmark.
    numenta/NAB, `nab/sweeper.py` and `config/profiles.json` (weights of a true positive and of a miss 1, of a false positive 0.11).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import erfc
from series import CloudWatchSeries

from core.business.checks import Bools, Floats
from core.capacity.forecast import DAY

FALSE_POSITIVE = 0.11
_PROBATION, _LONGEST = 0.15, 5000
_FAR = 3.0
_WINDOW = 1000  # rows of the windowed Gaussian, as NAB has it
_SEASONS = 4
_SPREAD = 1.4826


def probation(rows: int) -> int:
    """Rows at the start of a series that are not scored."""
    return math.ceil(min(math.floor(_PROBATION * rows), _PROBATION * _LONGEST))


def raw_score(one: CloudWatchSeries, detected: Bools) -> float:
    """The sum of one series, before scaling."""
    rows = np.flatnonzero(detected)
    rows = rows[rows >= probation(one.values.size)]
    total = 0.0
    inside = np.zeros(rows.size, dtype=bool)
    for first, last in _scored(one):
        within = (rows >= first) & (rows <= last)
        inside |= within
        total += _earliest(rows[within], first, last)
    return total + FALSE_POSITIVE * sum(_past(one, row) for row in rows[~inside].tolist())


def nab_score(all_series: Sequence[CloudWatchSeries], detected: Mapping[str, Bools]) -> float:
    """The score of all series: 0 for no detection, 100 for a perfect detector.

    Args:
        all_series: of the corpus.
        detected: which rows are anomalies, by the name of the series.
    """
    windows = sum(len(_scored(one)) for one in all_series)
    return 50.0 * (sum(raw_score(one, detected[one.name]) for one in all_series) / windows + 1.0)


def best_score(all_series: Sequence[CloudWatchSeries], scores: Mapping[str, Floats]) -> float:
    """The score by the threshold that is best for it in hindsight, the same for all series; NAB sets its thresholds so."""
    joined = np.concatenate(list(scores.values()))
    thresholds = np.quantile(joined[joined > 0], np.append(np.linspace(0.9, 0.999, 100), np.linspace(0.9991, 1.0, 40)))
    detections = ({name: of >= threshold for name, of in scores.items()} for threshold in np.unique(thresholds))
    return max(nab_score(all_series, detected) for detected in detections)


def windowed_gaussian(values: Floats) -> Floats:
    """The tail of a normal distribution with mean and deviation of the 1,000 values before, as digits: -log10."""
    scores = np.zeros(values.size)
    for row in range(1, values.size):
        before = values[max(0, row - _WINDOW) : row]
        scores[row] = abs(values[row] - before.mean()) / max(before.std(), 1e-6)
    digits: Floats = -np.log10(np.maximum(erfc(scores / math.sqrt(2)) / 2, 1e-300))
    return digits


def seasonal_median(values: Floats) -> Floats:
    """Distance from the median of the same time on the four days before, in robust deviations of the day before."""
    back = np.arange(values.size)[:, None] - DAY * np.arange(1, _SEASONS + 1)
    usual = np.nanmedian(np.where(back >= 0, values[np.maximum(back, 0)], values[:1]), axis=1)
    distance = np.abs(values - usual)
    before = sliding_window_view(np.concatenate([np.full(DAY, np.nan), distance]), DAY)[: values.size]
    scale = _SPREAD * np.nanmedian(np.where(np.isnan(before).all(axis=1)[:, None], 1.0, before), axis=1)
    deviations: Floats = distance / np.maximum(scale, 1e-6)
    return deviations


def _scored(one: CloudWatchSeries) -> list[tuple[int, int]]:
    """The windows of which a row is scored."""
    return [window for window in one.windows if window[1] >= probation(one.values.size)]


def _earliest(rows: np.ndarray[tuple[int], np.dtype[np.int64]], first: int, last: int) -> float:
    if not rows.size:
        return -1.0
    place = -(last - int(rows[0]) + 1) / (last - first + 1)
    return _sigmoid(place) / _sigmoid(-1.0)


def _past(one: CloudWatchSeries, row: int) -> float:
    """What a false positive costs, by its distance from the window before it in widths of that window."""
    before = [window for window in one.windows if window[1] < row]
    if not before:
        return -1.0
    first, last = before[-1]
    return _sigmoid((row - last) / (last - first))


def _sigmoid(place: float) -> float:
    return -1.0 if place >= _FAR else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0

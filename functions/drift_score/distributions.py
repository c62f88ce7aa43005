"""The distributions of a window beside those of its reference, as the page of the model draws them: one row a window."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from core.detection import Verdict
from core.drift import FeatureDrift, LeftOut, Profile
from core.drift.histograms import Histogram, histograms
from functions.adapters.ports import Data
from functions.drift_score.compare import Current
from functions.drift_score.effects import FEATURE, PREDICTION

_DIGITS = 4
_MORE_DIGITS = (_DIGITS, 6, 9, 17)
_LARGEST = 1e15
_json = msgspec.json.Encoder()


def row(profile: Profile, current: Current, verdict: Verdict, segments: Mapping[str, str]) -> Data:
    """The row of a window for the tables of results.

    Args:
        profile: of its reference.
        current: what was found.
        verdict: on the drift of its features.
        segments: which segments carry the drift, in words by column.
    """
    report = current.features
    return {
        "mode": report.mode.value,
        "n_reference": report.n_reference,
        "n_current": report.n_current,
        "outcome": verdict.outcome.value,
        "summary": verdict.summary,
        "segments": _json.encode(segments).decode(),
        "features": _json.encode(features(profile, current)).decode(),
    }


def features(profile: Profile, current: Current) -> list[Data]:
    """Every feature, those that drifted most first, then the score, then the features that are left out with the reason."""
    found = histograms(profile, current.counts)
    told = [*_told(FEATURE, current.features.ranked, found), *_told(PREDICTION, current.prediction.features, found)]
    threshold = round(current.features.shift_threshold, _DIGITS)
    left_out = [_left_out(name, why, found.get(name)) for name, why in current.features.left_out.items()]
    return [one | {"threshold": round(threshold + one.pop("usual"), _DIGITS)} for one in told] + left_out


def _told(role: str, reports: tuple[FeatureDrift, ...], found: Mapping[str, Histogram]) -> Iterator[Data]:
    for one in reports:
        yield {
            "name": one.name,
            "role": role,
            "drifted": one.drifted,
            "reason": one.reason.value,
            "strength": round(one.strength, _DIGITS),
            "usual": one.usual,
            **_drawn(found[one.name]),
        }


def _left_out(name: str, why: LeftOut, found: Histogram | None) -> Data:
    return {"name": name, "role": FEATURE, "left_out": why.value} | (_drawn(found) if found else {})


def _drawn(found: Histogram) -> Data:
    bins: Data = {"categories": found.categories} if found.categories else {"edges": _rounded(found.edges)}
    return bins | {"reference": found.reference, "current": found.current, "missing": found.missing}


def _rounded(edges: Sequence[float]) -> list[float]:
    """Edges with as few digits as keep them apart; whole ones as they are.

    >>> _rounded((1.23456, 2.5)), _rounded((10001.21, 10001.26)), _rounded((12345.0, 12346.0))
    ([1.235, 2.5], [10001.2, 10001.3], [12345, 12346])
    """
    if all(isinstance(edge, int) or (edge.is_integer() and abs(edge) < _LARGEST) for edge in edges):
        return [int(edge) for edge in edges]
    found = ([float(f"{edge:.{digits}g}") for edge in edges] for digits in _MORE_DIGITS)
    return next(one for one in found if len(set(one)) == len(edges))

"""The distributions of a window beside those of its reference, as the page of the model draws them: one row a window."""

from collections.abc import Iterator, Mapping

import msgspec

from core.detection import Verdict
from core.drift import DriftReport, LeftOut, Profile
from core.drift.histograms import Histogram, histograms
from functions.adapters.ports import Data
from functions.drift_score.compare import Current
from functions.drift_score.effects import FEATURE, PREDICTION

_DIGITS = 4
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
    told = [*_told(FEATURE, current.features, found), *_told(PREDICTION, current.prediction, found)]
    return told + [_left_out(name, why, found.get(name)) for name, why in current.features.left_out.items()]


def _told(role: str, report: DriftReport, found: Mapping[str, Histogram]) -> Iterator[Data]:
    threshold = round(report.shift_threshold, _DIGITS)
    for one in report.ranked:
        yield {
            "name": one.name,
            "role": role,
            "drifted": one.drifted,
            "reason": one.reason.value,
            "strength": round(one.strength, _DIGITS),
            **_drawn(found[one.name]),
            "threshold": round(threshold + one.usual, _DIGITS),
        }


def _left_out(name: str, why: LeftOut, found: Histogram | None) -> Data:
    return {"name": name, "role": FEATURE, "left_out": why.value} | (_drawn(found) if found else {})


def _drawn(found: Histogram) -> Data:
    bins: Data = {"categories": found.categories} if found.categories else {"edges": found.edges}
    return bins | {"reference": found.reference, "current": found.current, "missing": found.missing}

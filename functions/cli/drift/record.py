"""The comparison as JSON, for programs."""

import json
import math
from typing import Any

from core.drift import FeatureDrift, JointDrift, SegmentDrift, StatisticResult
from functions.cli.drift.comparison import Comparison


def to_json(comparison: Comparison) -> str:
    """The comparison as a JSON object: shares are 0 to 1, strengths and shifts in sd; what does not apply is null."""
    report, thresholds = comparison.report, comparison.thresholds
    document = {
        "reference": {"file": str(comparison.reference), "rows": report.n_reference},
        "current": {"file": str(comparison.current), "rows": report.n_current},
        "reason": report.reason.value,
        "drifted": list(report.drifted),
        "without_verdict": [feature.name for feature in comparison.without_verdict],
        "strength": report.strength,
        "thresholds": {
            "shift": thresholds.shift,
            "false_alarms": thresholds.false_alarms,
            "minimum_rows": thresholds.minimum_rows,
        },
        "mode": report.mode.value,
        "features": [_feature(comparison, feature) for feature in comparison.ranked],
        "mix": _mix(comparison.mix),
        "joint": _joint(report.joint),
        "quality": [
            {"feature": issue.feature, "issue": issue.kind.value, "value": issue.value, "limit": issue.limit}
            | ({"detail": issue.detail} if issue.detail else {})
            for issue in comparison.issues
        ],
        "left_out": dict(comparison.left_out),
        "notes": list(comparison.notes),
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _feature(comparison: Comparison, feature: FeatureDrift) -> dict[str, Any]:
    segments = comparison.segments.get(feature.name)
    return {
        "name": feature.name,
        "kind": feature.kind.value,
        "drifted": feature.drifted,
        "reason": feature.reason.value,
        "strength": feature.strength,
        "shift": feature.shift,
        "p_value": feature.p_value,
        "q_value": feature.q_value,
        "tests": {name: _test(test) for name, test in feature.tests.items()},
        "present": {"reference": feature.n_reference, "current": feature.n_current},
        "n_effective": feature.n_effective,
        "mean": {"reference": _finite(feature.means[0]), "current": _finite(feature.means[1])},
        "tail": _tail(feature),
        "bins": [
            {"label": bar.label, "reference": bar.reference, "current": bar.current}
            for bar in comparison.bars[feature.name]
        ],
    } | ({"segments": [_segment(part) for part in segments]} if segments else {})


def _test(test: StatisticResult) -> dict[str, float | None]:
    return {
        "value": _finite(test.value),
        "p_value": _finite(test.p_value),
        "excess": _finite(test.excess),
        "error": _finite(test.error),
    }


def _mix(found: FeatureDrift | None) -> dict[str, Any] | None:
    """The segments' own shares of the rows; null without segments."""
    if found is None:
        return None
    shares = [{"label": part.label, "reference": part.reference, "current": part.current} for part in found.moved]
    about = {"by": found.name, "changed": found.drifted, "strength": found.strength, "q_value": found.q_value}
    return about | {"segments": shares}


def _joint(found: JointDrift | None) -> dict[str, Any] | None:
    """How features go together; null where there are too few rows or features to say."""
    if found is None:
        return None
    return {
        "drifted": found.drifted,
        "p_value": found.p_value,
        "q_value": found.q_value,
        "pairs": [one._asdict() for one in found.pairs],
        "auc": found.auc,
        "rows": {"reference": found.rows[0], "current": found.rows[1]},
    }


def _tail(feature: FeatureDrift) -> dict[str, Any] | None:
    """The rows far out that changed; a threshold of null where it is the mean that moved."""
    if feature.tail is None:
        return None
    side, shares = "upper" if feature.tail.upper else "lower", (feature.tail.reference, feature.tail.current)
    if not feature.tail.threshold:
        return {"side": None, "threshold": None, "reference": None, "current": None}
    return {"side": side, "threshold": feature.tail.threshold, "reference": shares[0], "current": shares[1]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _segment(part: SegmentDrift) -> dict[str, Any]:
    return {
        "by": part.by,
        "segment": part.segment,
        "share": part.share,
        "strength": part.strength,
        "rows": {"reference": part.n_reference, "current": part.n_current},
    }

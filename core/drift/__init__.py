"""Drift: whether what a model sees now is still what it was trained on, which features moved, how far, and where.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> profile = Profile.fit({"age": rng.normal(40, 10, 2000), "city": rng.choice(["Rome", "Oslo"], 2000)})
>>> report = score(profile, {"age": rng.normal(46, 10, 900), "city": rng.choice(["Rome", "Oslo"], 900)})
>>> report.drifted, report.reason.value
(('age',), 'drift')
"""

from core.drift.calibration import hour_of_week
from core.drift.columns import ProfileError
from core.drift.counts import Counts, count
from core.drift.exclusion import LeftOut
from core.drift.joint import JointDrift
from core.drift.pairs import PairChange
from core.drift.profile import Profile
from core.drift.quality import DataQualityIssue, DataQualityIssueKind, QualityThresholds, quality, type_changed
from core.drift.ranges import Range, ranges
from core.drift.report import Bin, DriftReport, FeatureDrift, Kind, Mode, Reason, StatisticResult
from core.drift.scoring import CountedSample, score, score_and_count, score_counts, score_each_counts
from core.drift.segments import SegmentDrift, attribute, count_segments, with_segments
from core.drift.sql import Statement, count_sql, counts_by_segment, counts_from_rows
from core.drift.verdict import Thresholds

__all__ = [
    "Bin",
    "CountedSample",
    "Counts",
    "DataQualityIssue",
    "DataQualityIssueKind",
    "DriftReport",
    "FeatureDrift",
    "JointDrift",
    "Kind",
    "LeftOut",
    "Mode",
    "PairChange",
    "Profile",
    "ProfileError",
    "QualityThresholds",
    "Range",
    "Reason",
    "SegmentDrift",
    "Statement",
    "StatisticResult",
    "Thresholds",
    "attribute",
    "count",
    "count_segments",
    "count_sql",
    "counts_by_segment",
    "counts_from_rows",
    "hour_of_week",
    "quality",
    "ranges",
    "score",
    "score_and_count",
    "score_counts",
    "score_each_counts",
    "type_changed",
    "with_segments",
]

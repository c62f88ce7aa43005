"""Model performance: measured from labels, which arrive late, and estimated without labels until then.

Every metric carries a confidence interval and is compared with the reference's. Rows whose label or prediction is missing
are passed over. The drift of the predictions themselves is that of any other feature: fit a profile to the score.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> score, hours = rng.random(4000), np.arange(4000) * 900.0
>>> rows = Rows(score=score, label=(rng.random(4000) < score).astype(float))
>>> reference = learn_performance(BinaryMeter(), rows, hours, window=604800)
>>> now = Rows(score=score[:900], label=(rng.random(900) < 0.5).astype(float))
>>> [one.metric for one in assess(BinaryMeter(), now, reference, total=900).against_reference if one.trend is Trend.WORSE]
['accuracy', 'precision', 'recall', 'f1', 'auc', 'log_loss', 'brier', 'calibration_error']
"""

from core.performance.assessment import Assessment, assess
from core.performance.binary import Classifier, classifier
from core.performance.calibrator import Calibrator
from core.performance.comparison import Between, Comparison, Standing, Trend, compare_metrics, stands
from core.performance.direct import LossEstimator, RegressionMeter
from core.performance.expected import BinaryMeter, ConfidenceEstimator, expected
from core.performance.groups import Gap, by_group, gaps, largest_gap
from core.performance.intervals import Estimate
from core.performance.meter import Estimator, Measures, Meter
from core.performance.multiclass import multiclass
from core.performance.multiclass_expected import ClassEstimator, MulticlassMeter
from core.performance.ranking import RankingMeter, ndcg
from core.performance.reference import PerformanceReference, learn_performance
from core.performance.regression import Regressor, regressor
from core.performance.rows import Rows

__all__ = [
    "Assessment",
    "Between",
    "BinaryMeter",
    "Calibrator",
    "ClassEstimator",
    "Classifier",
    "Comparison",
    "ConfidenceEstimator",
    "Estimate",
    "Estimator",
    "Gap",
    "LossEstimator",
    "Measures",
    "Meter",
    "MulticlassMeter",
    "PerformanceReference",
    "RankingMeter",
    "RegressionMeter",
    "Regressor",
    "Rows",
    "Standing",
    "Trend",
    "assess",
    "by_group",
    "classifier",
    "compare_metrics",
    "expected",
    "gaps",
    "largest_gap",
    "learn_performance",
    "multiclass",
    "ndcg",
    "regressor",
    "stands",
]

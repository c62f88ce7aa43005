"""The detectors that the benchmark can be pointed at: `module:name` names another one."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import spatial, stats
from workloads import Window

from core.drift import DataQualityIssueKind, Profile, Reason, count, quality, score


class Fitted(Protocol):
    """A detector that knows its reference."""

    def __call__(self, current: Window) -> frozenset[str]:
        """The features that drifted."""
        ...


Detector = Callable[[Window, Iterable[str]], Fitted]
"""Takes the reference and the names of its categorical features."""


def ours(reference: Window, categorical: Iterable[str] = ()) -> Fitted:
    """`core.drift` with its own defaults: what drifted, and constants that vary, which are told as an issue of data quality instead."""
    profile = Profile.fit(reference, categorical=categorical)

    def detect(current: Window) -> frozenset[str]:
        found = frozenset(score(profile, current).drifted)
        if profile.left_out:
            issues = quality(profile, count(profile, current))
            found |= {issue.feature for issue in issues if issue.kind is DataQualityIssueKind.VARIES}
        return found

    return detect


def certain(reference: Window, current: Window) -> frozenset[str]:
    """The features that `core.drift` reports as changed, alarmed or not."""
    profile = Profile.fit(reference)
    changed = {Reason.DRIFT, Reason.SEASONAL, Reason.SMALL_CHANGE}
    return frozenset(feature.name for feature in score(profile, current).features if feature.reason in changed)


def scipy_loop(reference: Window, categorical: Iterable[str] = ()) -> Fitted:
    """What is written when there is no library: scipy, a feature at a time, p < .05."""
    chosen = frozenset(categorical)

    def detect(current: Window) -> frozenset[str]:
        return frozenset(
            name
            for name in reference
            if five_tests(reference[name], current[name], is_categorical=name in chosen) < 0.05
        )

    return detect


def five_tests(reference: NDArray[Any], current: NDArray[Any], *, is_categorical: bool) -> float:
    """The five tests with scipy, and the p-value of the first that applies."""
    if is_categorical:
        both = np.unique(np.concatenate((reference, current)))
        table = np.array([[np.sum(side == value) for value in both] for side in (reference, current)])
        return float(stats.chi2_contingency(table).pvalue)
    p_value = float(stats.ks_2samp(reference, current, method="asymp").pvalue)
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    table = np.array(
        [np.bincount(np.searchsorted(edges, side, "right"), minlength=10) for side in (reference, current)]
    )
    shares = (table + 0.5) / (table + 0.5).sum(axis=1, keepdims=True)
    stats.wasserstein_distance(reference, current)
    np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1]))
    spatial.distance.jensenshannon(*shares)
    stats.chi2_contingency(table[:, table.sum(axis=0) > 0])
    return p_value


def load(name: str) -> Detector:
    """One of those above, or any other as `module:name`."""
    known: dict[str, Detector] = {"core.drift": ours, "scipy": scipy_loop}
    if name in known:
        return known[name]
    module, _, attribute = name.partition(":")
    found: Detector = getattr(importlib.import_module(module), attribute)
    return found

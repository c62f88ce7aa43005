"""Changes that no mean, rank or bin of a feature shows: few rows far out, and features that no longer go together; and neither of them."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from workloads import Window

from core.drift import DriftReport, Profile, score

Floats = NDArray[np.float64]
_TAIL_FEATURES = 20
_TAIL_ROWS = 10_000


def _amounts(rng: np.random.Generator, rows: int, features: int) -> Window:
    return {f"f{k}": rng.lognormal(3, 1, rows) for k in range(features)}


TAILS: Mapping[str, tuple[float, Callable[[Floats], Floats]]] = {
    "1 % times 100": (0.01, lambda x: 100 * x),
    "2 % at 100,000": (0.02, lambda x: np.full_like(x, 1e5)),
    "3 % times 10": (0.03, lambda x: 10 * x),
    "1 % nearly 0": (0.01, lambda x: x / 1e4),
}
"""By name which share of the rows changes, and how."""

CLEAN: Mapping[str, Callable[[np.random.Generator, int], Floats]] = {
    "Pareto 1.5": lambda rng, n: rng.pareto(1.5, n) + 1,
    "log-normal 2": lambda rng, n: rng.lognormal(0, 2, n),
    "80 % zeros": lambda rng, n: np.where(rng.random(n) < 0.2, rng.lognormal(2, 1.5, n), 0.0),
    "counts": lambda rng, n: np.round(rng.lognormal(1, 1.5, n)),
}
"""Heavy tails without drift, by name."""


def tails_found(rng: np.random.Generator, change: str, windows: int) -> int:
    """Of so many windows, in how many the one feature whose tail changed is found, and no other."""
    share, move = TAILS[change]
    found = 0
    for _ in range(windows):
        profile = Profile.fit(_amounts(rng, _TAIL_ROWS, _TAIL_FEATURES))
        current = _amounts(rng, _TAIL_ROWS, _TAIL_FEATURES)
        hit = rng.random(_TAIL_ROWS) < share
        current["f0"] = np.where(hit, move(current["f0"]), current["f0"])
        found += score(profile, current).drifted == ("f0",)
    return found


def clean_tails(rng: np.random.Generator, kind: str, windows: int) -> int:
    """Of so many windows without drift, how many alarm: 20 features, 100 to 10,000 rows beside 5,000."""
    alarms = 0
    for rows in (100, 1000, 10_000):
        for _ in range(windows // 3):
            profile = Profile.fit({f"f{k}": CLEAN[kind](rng, 5000) for k in range(_TAIL_FEATURES)})
            alarms += bool(score(profile, {f"f{k}": CLEAN[kind](rng, rows) for k in range(_TAIL_FEATURES)}).drifted)
    return alarms


def correlated(rng: np.random.Generator, rows: int, features: int, correlation: float) -> Window:
    """Normal features, of which the first two correlate."""
    window = {f"f{k}": rng.standard_normal(rows) for k in range(features)}
    window["f1"] = correlation * window["f0"] + np.sqrt(1 - correlation**2) * window["f1"]
    return window


def parabola(rng: np.random.Generator, rows: int, features: int) -> Window:
    """Normal features, of which the second falls and rises again with the first."""
    window = {f"f{k}": rng.standard_normal(rows) for k in range(features)}
    window["f1"] = np.abs(window["f0"]) + 0.5 * window["f1"]
    return window


def three(rng: np.random.Generator, rows: int, features: int) -> Window:
    """Normal features, of which the third has the sign of the product of the first two: no pair shows it."""
    window = {f"f{k}": rng.standard_normal(rows) for k in range(features)}
    window["f2"] = np.abs(window["f2"]) * np.sign(window["f0"] * window["f1"])
    return window


def _shuffled(rng: np.random.Generator, window: Window, name: str) -> Window:
    return window | {name: rng.permutation(window[name])}


def _names(report: DriftReport) -> list[set[str]]:
    return [{pair.first, pair.second} for pair in report.joint.pairs] if report.joint else []


def pairs_found(
    rng: np.random.Generator, correlations: tuple[float, float], rows: int, features: int, windows: int
) -> tuple[int, int]:
    """Of so many windows, in how many the change is found, and in how many its pair is the only one named."""
    found = named = 0
    for _ in range(windows):
        old, new = (correlated(rng, rows, features, one) for one in correlations)
        report = score(Profile.fit(old), new)
        found += report.joint_drifted
        named += _names(report) == [{"f0", "f1"}]
    return found, named


def links_found(rng: np.random.Generator, kind: str, rows: int, features: int, windows: int) -> tuple[int, int]:
    """Of so many windows in which a link that is no correlation is gone, in how many that is found; of as many where it is still there, how many alarm."""
    make, name = {"parabola": (parabola, "f1"), "three": (three, "f2")}[kind]
    found = alarms = 0
    for _ in range(windows):
        profile = Profile.fit(make(rng, rows, features))
        current = make(rng, rows, features)
        alarms += score(profile, current).joint_drifted
        found += score(profile, _shuffled(rng, current, name)).joint_drifted
    return found, alarms


def clean_pairs(rng: np.random.Generator, rows: int, features: int, windows: int) -> int:
    """Of so many windows of correlated features without drift, how many alarm."""
    alarms = 0
    for _ in range(windows):
        profile = Profile.fit(correlated(rng, rows, features, 0.8))
        alarms += score(profile, correlated(rng, rows, features, 0.8)).joint_drifted
    return alarms

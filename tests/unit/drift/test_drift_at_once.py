"""Windows that are compared at once: each report is the one that its window has by itself, but for the last digits of a number."""

from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from core.drift import CountedSample, DriftReport, Profile, ProfileError, count, score_counts, score_each_counts
from core.drift.columns import Columns

ROWS = 800


def columns(rng: np.random.Generator, features: int, moved: float) -> dict[str, Any]:
    base = rng.standard_normal(ROWS)
    found: dict[str, Any] = {f"f{k}": 0.6 * base + rng.standard_normal(ROWS) + moved for k in range(features)}
    found["f0"][rng.random(ROWS) < 0.1] = np.nan
    return found


def windows() -> list[CountedSample]:
    """Of other features, cells, bins and kinds; one without a column, one with infinite values, one of categories alone."""
    rng = np.random.default_rng(4)
    found = []
    for features, cells, bins, moved in ((3, 1024, 10, 0.0), (20, 64, 10, 0.5), (2, 16, 5, 0.0), (1, 1024, 10, 3.0)):
        reference, current = columns(rng, features, 0.0), columns(rng, features, moved)
        found.append((Profile.fit(reference, cells=cells, bins=bins), current))
    reference, current = columns(rng, 4, 0.0), columns(rng, 4, 0.0)
    found.append((Profile.fit(reference), {name: current[name] for name in ("f0", "f2")}))
    current = columns(rng, 4, 0.1)
    current["f1"][:9] = np.inf
    found.append((Profile.fit(reference), current))
    plans = [{"plan": rng.choice(list("abc"), ROWS, p=p)} for p in ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])]
    found.append((Profile.fit(plans[0]), plans[1]))
    found.append((Profile.fit(columns(rng, 2, 0.0) | plans[0]), columns(rng, 2, 0.2) | plans[1]))
    return [window(profile, current) for profile, current in found]


def window(profile: Profile, current: Columns) -> CountedSample:
    return CountedSample(profile, count(profile, current), current)


def said(value: object) -> Iterator[object]:
    """All that a report says, one after another; of numbers the digits that do not depend on where in an array they were computed."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from said(part)
    elif isinstance(value, dict):
        yield from said(list(value.items()))
    else:
        yield float(f"{value:.13g}") if isinstance(value, float) else value


def told(reports: list[DriftReport]) -> list[list[object]]:
    return [list(said(astuple(report))) for report in reports]


def test_each_window_has_the_report_that_it_has_by_itself() -> None:
    given = windows()
    alone = [score_counts(one.profile, one.counts, sample=one.sample) for one in given]
    assert told(score_each_counts(given)) == told(alone)
    assert told(score_each_counts(given[::-1])) == told(alone[::-1])
    assert {report.reason for report in alone} > {alone[0].reason}
    assert sum(report.joint is not None for report in alone) > 1


def test_no_window_has_no_report() -> None:
    assert score_each_counts([]) == []


def test_counts_of_another_profile_are_refused() -> None:
    first, second, *_ = windows()
    with pytest.raises(ProfileError, match="counts: must be of profile"):
        score_each_counts([first, CountedSample(first.profile, second.counts)])

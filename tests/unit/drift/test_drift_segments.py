"""Which segments carry the drift."""

from typing import Any

import numpy as np
import pytest

from core.drift import (
    Profile,
    ProfileError,
    attribute,
    count_segments,
    score,
    with_segments,
)
from core.drift.storage import dump_profile, load_profile

AIRPORTS = np.array(["JFK", "LGA", "EWR"])


def window(seed: int, rows: int, *, late: str = "", share: float = 1 / 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    origin = rng.choice(AIRPORTS, rows, p=[share, (1 - share) / 2, (1 - share) / 2])
    delay = rng.normal(size=rows) + 0.8 * (origin == "EWR") + 2.0 * (origin == late)
    return {"origin": origin, "delay": delay, "carrier": rng.choice(["AA", "UA"], rows)}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return with_segments(Profile.fit(window(1, 9000)), window(1, 9000), ["origin"])


def test_the_segment_that_moved_carries_the_drift(profile: Profile) -> None:
    current = window(2, 3000, late="LGA")
    report = score(profile, current)
    found = attribute(profile, count_segments(profile, current, "origin"), by="origin", report=report)
    assert {part.feature for part in found} == {"delay"}
    assert found[0].segment == "LGA"
    assert found[0].share > 0.8
    assert found[0].strength == pytest.approx(2.0, abs=0.5)
    assert sum(part.share for part in found) == pytest.approx(1.0)
    assert all(part.strength < 0.1 for part in found[1:])
    assert sum(part.n_current for part in found) == 3000
    assert sum(part.n_reference for part in found) == 9000


def test_a_segment_that_only_grew_carries_drift_without_having_moved(profile: Profile) -> None:
    current = window(3, 3000, share=0.8)
    found = attribute(profile, count_segments(profile, current, "origin"), by="origin", report=score(profile, current))
    delays = [part for part in found if part.feature == "delay"]
    assert sum(part.share for part in delays) == pytest.approx(1.0)
    assert all(part.strength < 0.15 for part in delays)


def test_a_new_segment_is_named(profile: Profile) -> None:
    current = window(4, 3000)
    current["origin"] = np.where(np.arange(3000) < 1500, "BOS", current["origin"])
    current["delay"] = current["delay"] + 3.0 * (current["origin"] == "BOS")
    found = attribute(profile, count_segments(profile, current, "origin"), by="origin", report=score(profile, current))
    assert next(part for part in found if part.feature == "delay").segment == "BOS"
    assert next(part for part in found if part.segment == "BOS").n_reference == 0


def test_nothing_is_attributed_where_nothing_drifted(profile: Profile) -> None:
    current = window(5, 3000)
    counts = count_segments(profile, current, "origin")
    assert attribute(profile, counts, by="origin", report=score(profile, current)) == ()


def test_many_segments_are_kept_apart_up_to_a_limit() -> None:
    rng = np.random.default_rng(6)
    reference = {"gate": rng.integers(0, 300, 20_000), "x": rng.normal(size=20_000)}
    profile = with_segments(Profile.fit(reference, categorical=["gate"]), reference, ["gate"])
    assert len(profile.segments) == 101
    rest = next(part for part in profile.segments if part.segment == "other")
    assert sum(part.rows for part in profile.segments) == 20_000
    assert rest.rows > 10_000
    moved = {"gate": reference["gate"], "x": reference["x"] + (reference["gate"] < 150)}
    counts = count_segments(profile, moved, "gate")
    assert counts.keys() == {part.segment for part in profile.segments}
    found = attribute(profile, counts, by="gate", report=score(profile, moved))
    assert found[0].segment == "other"


def test_segments_survive_storage(profile: Profile) -> None:
    again = load_profile(dump_profile(profile))
    current = window(7, 3000, late="JFK")
    report = score(again, current)
    found = attribute(again, count_segments(again, current, "origin"), by="origin", report=report)
    assert found == attribute(profile, count_segments(profile, current, "origin"), by="origin", report=report)


def test_an_unknown_segment_column_is_refused(profile: Profile) -> None:
    with pytest.raises(ProfileError, match=r"by: must be one of \['origin'\], got 'carrier'"):
        count_segments(profile, window(8, 10), "carrier")
    with pytest.raises(ProfileError, match=r"by: must name a column of \['delay'\], got 'origin'"):
        count_segments(profile, {"delay": [1.0]}, "origin")
    with pytest.raises(ProfileError, match=r"by: must name a column of \['delay'\], got 'gate'"):
        with_segments(profile, {"delay": [1.0]}, ["gate"])

"""`aia drift`: features that no longer go together, rows far out, segments and bins, and what fails by them."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.support.builders.drift_command import Page, drift, feature, parquet, told


def test_rows_far_out_are_told_with_both_means(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    amounts, later = rng.lognormal(3, 1, 8000), rng.lognormal(3, 1, 8000)
    later[:80] *= 100
    old = parquet(tmp_path / "old.parquet", {"amount": amounts})
    new = parquet(tmp_path / "new.parquet", {"amount": later})
    path = tmp_path / "page.html"
    output = drift(old, new, "--html", path).stdout
    assert re.search(r"tail +amount: at or above [\d.e+]+: 0\.\d+% → \d\.\d+%, mean 3\d", output)
    assert re.search(r"Far out: at or above", Page(path.read_text(encoding="utf-8")).text)
    found = feature(told(old, new), "amount")
    assert found["mean"] == pytest.approx({"reference": amounts.mean(), "current": later.mean()})
    assert found["tail"]["side"] == "upper"
    assert found["tail"]["current"] > found["tail"]["reference"]


def test_features_that_no_longer_go_together_are_named_everywhere(tmp_path: Path) -> None:
    def table(name: str, sign: int) -> Path:
        rng = np.random.default_rng(10 + sign)
        income = rng.lognormal(10, 1, 2000)
        return parquet(tmp_path / name, {"income": income, "rent": income**sign * rng.lognormal(0, 0.3, 2000)})

    old, new = table("old.parquet", 1), table("new.parquet", 1)
    assert told(old, new)["joint"]["drifted"] is False
    old = parquet(tmp_path / "old.parquet", pq.read_table(old).to_pydict())
    columns = pq.read_table(new).to_pydict()
    shuffled = np.random.default_rng(3).permutation(columns["rent"])
    new = parquet(tmp_path / "new.parquet", columns | {"rent": shuffled})
    path = tmp_path / "page.html"
    output = drift(old, new, "--html", path).stdout
    assert "No feature drifted by itself, but they no longer go together as they did" in output
    assert re.search(r"joint +rank correlation of income and rent 0\.9\d → -?0\.0\d", output)
    assert "rank correlation of income and rent" in Page(path.read_text(encoding="utf-8")).text
    document = told(old, new)
    assert (document["reason"], document["drifted"]) == ("drift", [])
    [pair] = document["joint"]["pairs"]
    assert {pair["first"], pair["second"]} == {"income", "rent"}
    assert drift(old, new, "--fail").exit_code == 1


def planted(tmp_path: Path, *, moved: bool, missing: bool) -> tuple[Path, Path]:
    """Two files, of which the second is warmer, or lacks values, or is like the first."""
    rng = np.random.default_rng(12)
    old, new = rng.normal(size=2000), rng.normal(size=2000)
    new = new + 2 if moved else new
    gaps = np.where(rng.random(2000) < 0.2, np.nan, rng.normal(size=2000)) if missing else rng.normal(size=2000)
    paths = tmp_path / "old.parquet", tmp_path / "new.parquet"
    parquet(paths[0], {"x": old, "y": rng.normal(size=2000)})
    parquet(paths[1], {"x": new, "y": gaps})
    return paths


@pytest.mark.parametrize(
    ("moved", "missing", "options", "status"),
    [
        (True, False, ("--fail-on", "drift"), 1),
        (True, False, ("--fail-on", "joint"), 0),
        (True, False, ("--fail-on", "none"), 0),
        (False, False, ("--fail-on", "drift", "--fail-on", "quality", "--fail-on", "joint"), 0),
        (False, True, ("--fail-on", "quality"), 1),
        (False, True, ("--fail-on", "joint"), 0),
        (False, True, ("--fail-on", "joint", "--fail-on", "quality"), 1),
        (True, False, ("--fail",), 1),
        (False, False, ("--fail",), 0),
        (True, True, (), 0),
    ],
)
def test_what_fails_is_what_was_asked_for(
    tmp_path: Path, *, moved: bool, missing: bool, options: tuple[str, ...], status: int
) -> None:
    assert drift(*planted(tmp_path, moved=moved, missing=missing), *options).exit_code == status


def test_few_rows_fail_only_where_a_verdict_on_drift_is_asked_for(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", {"x": np.arange(9.0)})
    assert drift(path, path, "--fail-on", "quality").exit_code == 0
    assert drift(path, path, "--fail-on", "joint").exit_code == 3
    assert "'all' is not one of 'drift', 'quality', 'joint', 'none'" in drift(path, path, "--fail-on", "all").stderr


@pytest.mark.parametrize("changed", [False, True])
def test_a_mix_of_segments_that_changed_is_told(tmp_path: Path, *, changed: bool) -> None:
    rng = np.random.default_rng(13)

    def table(name: str, share: float) -> Path:
        city = np.where(rng.random(3000) < share, "Rome", "Oslo")
        return parquet(tmp_path / name, {"city": city, "age": rng.normal(40, 9, 3000) + 9 * (city == "Rome")})

    old, new = table("old.parquet", 0.3), table("new.parquet", 0.6 if changed else 0.3)
    path = tmp_path / "page.html"
    output = drift(old, new, "--by", "city", "--ignore", "city", "--html", path).stdout
    line = r"mix changed: city (Rome|Oslo): \d+(\.\d)?% → \d+(\.\d)?% of the rows"
    assert bool(re.search(line, output)) is changed
    assert bool(re.search(line, Page(path.read_text(encoding="utf-8")).text)) is changed
    assert told(old, new, "--by", "city")["mix"]["changed"] is changed
    assert told(old, new)["mix"] is None


def test_bins_are_named_by_the_values_they_hold(tmp_path: Path) -> None:
    hours = np.repeat(np.arange(24), 100)
    rain = np.concatenate((np.zeros(1800), np.random.default_rng(0).exponential(2, 600)))
    path = parquet(tmp_path / "x.parquet", {"hour": hours, "rain": rain, "view": np.tile([2.5, 5.0, 9.5], 800)})
    document = told(path, path)
    named = {part["label"]: part["reference"] for part in feature(document, "hour")["bins"]}
    for label, share in named.items():
        ends = [int(text) for text in re.findall(r"\d+", label)]
        low = 0 if label.startswith("up to") else ends[0]
        high = 23 if label.endswith("and above") else ends[-1]
        assert share == pytest.approx(np.mean((hours >= low) & (hours <= high))), label
    dry = feature(document, "rain")["bins"][0]
    assert (dry["label"], dry["reference"]) == ("up to 0", 0.75)
    assert [part["label"] for part in feature(document, "view")["bins"]] == ["up to 2.5", "2.5 to 5", "above 5"]

"""`aia drift`: names that are hostile or many, on the page and in the terminal."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from tests.support.builders.drift_command import Page, drift, parquet, refused, told

pytest_plugins = ["tests.support.builders.drift_command_fixtures"]

HOSTILE = ("<script>alert(1)</script>", "x" * 500, "größe 大きさ", "a\"b'c&amp;", "up\u202eside", "two\nlines\x1b[31m")


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(3)
    words = ["<img src=x onerror=alert(1)>", "b" * 300, "", "naïve"]
    paths = []
    for name, shift in (("<old>&.parquet", 0.0), ("<new>&.parquet", 0.8)):
        columns: dict[str, Any] = {column: rng.normal(shift, 1, 500) for column in HOSTILE}
        columns["<b>by</b>"] = rng.choice(words, 500, p=[0.25 + shift / 4, 0.25 - shift / 4, 0.25, 0.25])
        paths.append(parquet(tmp_path / name, columns))
    return paths[0], paths[1]


def test_hostile_names_are_only_text_on_the_page(hostile: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    result = drift(*hostile, "--by", "<b>by</b>", "--html", path)
    assert result.exit_code == 0, result.stderr
    page = Page(path.read_text(encoding="utf-8"))
    assert not {"script", "img", "b>"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for text in (
        "<script>alert(1)</script>",
        "größe 大きさ",
        "a\"b'c&amp;",
        "<img src=x",
        "<new>&.parquet",
        "<b>by</b>",
    ):
        assert text in page.text
    assert "x" * 121 not in page.text
    assert "\u202e" not in page.text


def test_hostile_names_leave_the_terminal_alone(hostile: tuple[Path, Path]) -> None:
    output = drift(*hostile, "--by", "<b>by</b>").stdout
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert r"two\nlines\x1b[31m" in output
    assert max(map(len, output.splitlines())) <= 140
    assert "\\n" in refused(*hostile, "--ignore", "no\nsuch")


def test_hostile_names_survive_json(hostile: tuple[Path, Path]) -> None:
    assert {part["name"] for part in told(*hostile)["features"]} == {*HOSTILE, "<b>by</b>"}


def test_the_page_loads_nothing_and_draws_every_drifted_feature(
    months: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    result = drift(months[0], months[2], "--by", "origin", "--html", path, "--json")
    source = path.read_text(encoding="utf-8")
    page = Page(source)
    drifted = json.loads(result.stdout)["drifted"]
    assert page.tags.count("article") == len(drifted)
    assert page.tags.count("figure") == len(drifted)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "href"} and not str(value).startswith("#")]
    assert "url(" not in source
    assert "@import" not in source
    assert {f"#{value}" for name, value in page.attributes if name == "id"} == {
        value for name, value in page.attributes if name == "href"
    }


def test_the_bars_on_the_page_are_the_bins_of_the_report(tmp_path: Path) -> None:
    old = parquet(tmp_path / "old.parquet", {"x": np.repeat([0.0, 1.0], [300, 100])})
    new = parquet(tmp_path / "new.parquet", {"x": np.repeat([0.0, 1.0], [100, 300])})
    path = tmp_path / "page.html"
    assert drift(old, new, "--html", path).exit_code == 0
    source = path.read_text(encoding="utf-8")
    assert re.findall(r"<title>(.*?)</title>", source)[1:] == ["up to 0: 75% → 25%", "1 and above: 25% → 75%"]
    figure = source[source.index("<figure") : source.index("</figure>")]
    heights = re.findall(r'<rect class="(ref|cur)".*?height="([\d.]+)"', figure)
    assert heights == [("ref", "93.75"), ("cur", "31.25"), ("ref", "31.25"), ("cur", "93.75")]  # the axis ends at 80 %


def test_two_hundred_columns_are_all_told_but_not_all_printed(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    paths = []
    for name, shift in (("old.csv", 0.0), ("new.csv", 0.5)):
        table = pa.table({f"column {k}": rng.normal(shift * (k < 3), 1, 600) for k in range(200)})
        pa_csv.write_csv(table, tmp_path / name)
        paths.append(tmp_path / name)
    document = told(*paths)
    assert document["drifted"] == ["column 0", "column 1", "column 2"]
    assert len(document["features"]) == 200
    assert "… and 160 more" in drift(*paths).stdout


def test_the_program_itself_keeps_standard_output_for_json(months: tuple[Path, Path, Path], tmp_path: Path) -> None:
    def aia(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "functions.cli.main", "drift", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")

    page = tmp_path / "page.html"
    found = aia(months[0], months[2], "--json", "--html", page, "--fail")
    assert found.returncode == 1
    assert json.loads(found.stdout)["reason"] == "drift"
    assert found.stderr == f"page: {page}\n"
    assert page.exists()
    lost = aia(months[0], tmp_path / "nowhere.csv")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr == f"Error: {tmp_path / 'nowhere.csv'}: no such file or directory\n"

"""The dashboards as files, with the runbooks, alert rules and settings that they name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.metrics import CATALOGUE, HISTOGRAMS
from infra.lint import alert_files
from infra.lint.alert_files import Rule
from infra.lint.fault import Fault, load

FOLDER = "dashboards"
TITLES_ONLY = {"text", "sectionHeader"}
"""Widgets that ask nothing."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAMED = re.compile(r'"(aia_\w+)"')
_GOAL = re.compile(r'variable "availability_goal" \{.*?default\s*=\s*([\d.]+)', re.DOTALL)
_BURNS = re.compile(r"^\s*(\w+)\s*=\s*\{\s*rate\s*=\s*([\d.]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a tile: the expression, the legend and the unit."""

    expr: str
    template: str
    unit: str

    @property
    def plain(self) -> str:
        """As Prometheus reads it: where a variable stands for a matcher there is one."""
        return _VARIABLE.sub(lambda match: "1m" if match[1] == "__interval" else f'{match[1]}=~".*"', self.expr)

    @property
    def variables(self) -> set[str]:
        """The names that are filled in."""
        return {variable.removesuffix(".value") for variable in _VARIABLE.findall(self.expr)} - {"__interval"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile.

    Attributes:
        file: the name of its file.
        title: its own, or its number where it has none.
        kind: the widget's, as xyChart.
        widget: its content.
        place: x, y, width and height.
        line: where it begins in its file.
    """

    file: str
    title: str
    kind: str
    widget: dict[str, Any]
    place: tuple[int, int, int, int]
    line: int

    def fault(self, what: str) -> Fault:
        """A fault of the tile."""
        return Fault(f"{FOLDER}/{self.file}", self.line, f"{self.title}: {what}")

    @property
    def queries(self) -> list[Query]:
        """Its queries."""
        sets = self.widget.get("dataSets", [self.widget] if "timeSeriesQuery" in self.widget else [])
        return [_query(data_set) for data_set in sets]

    @property
    def thresholds(self) -> list[dict[str, Any]]:
        """Its thresholds."""
        thresholds: list[dict[str, Any]] = self.widget.get("thresholds", [])
        return thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    """Everything that is to be checked.

    Attributes:
        texts: each file by its name.
        documents: those that are JSON.
        tiles: in the order of the files.
        rules: the alert rules by their names.
        sections: the anchors of each runbook, by `docs/runbooks/NAME.md`.
        limits: values of thresholds without an alert rule, by label.
        written: the metrics of the catalogue that a function names, or core for it, as one must to write them.
        faults: what could not be read.
    """

    texts: dict[str, str]
    documents: dict[str, dict[str, Any]]
    tiles: tuple[Tile, ...]
    rules: dict[str, Rule]
    sections: dict[str, set[str]]
    limits: dict[str, float]
    written: frozenset[str]
    faults: tuple[Fault, ...]

    def of(self, file: str) -> list[Tile]:
        """The tiles of a file."""
        return [tile for tile in self.tiles if tile.file == file]

    @property
    def asked(self) -> Iterator[tuple[Tile, Query]]:
        """Each question with its tile."""
        return ((tile, query) for tile in self.tiles for query in tile.queries)


def fault(file: str, what: str, line: int = 1) -> Fault:
    """A fault of a whole dashboard."""
    return Fault(f"{FOLDER}/{file}", line, what)


def read(root: Path) -> Dashboards:
    """Read the dashboards of a tree, with the alert rules, runbooks, Terraform limits and metrics that they name."""
    faults, documents = list[Fault](), dict[str, dict[str, Any]]()
    texts = {path.name: path.read_text() for path in sorted((root / FOLDER).glob("*.json"))}
    for file, text in texts.items():
        try:
            documents[file] = json.loads(text)
        except json.JSONDecodeError as error:
            faults.append(fault(file, f"must be JSON: {error}", error.lineno))
    rules = alert_files.read(root)
    return Dashboards(
        texts=texts,
        documents=documents,
        tiles=tuple(
            tile for file, document in documents.items() for tile in _tiles(file, document, _lines(texts[file]))
        ),
        rules={rule.name: rule for rule in rules.rules},
        sections=rules.sections,
        limits=_limits(root / "infra" / "terraform"),
        written=_written(root),
        faults=tuple(faults),
    )


def _tiles(file: str, document: dict[str, Any], lines: list[int]) -> Iterator[Tile]:
    for number, tile in enumerate(_layout(document)):
        widget = tile.get("widget", {})
        kind = next((name for name in widget if name not in {"title", "id"}), "")
        x, y, width, height = (int(tile.get(name, 0)) for name in ("xPos", "yPos", "width", "height"))
        yield Tile(
            file=file,
            title=widget.get("title", f"tile {number}"),
            kind=kind,
            widget=widget.get(kind, {}),
            place=(x, y, width, height),
            line=lines[number] if number < len(lines) else 1,
        )


def _layout(document: dict[str, Any]) -> list[Any]:
    tiles: list[Any] = document.get("mosaicLayout", {}).get("tiles", [])
    return tiles


def _lines(text: str) -> list[int]:
    """The line of each tile: JSON as it is written here is YAML, which has lines."""
    try:
        return [tile.line for tile in _layout(load(text))]
    except yaml.YAMLError:
        return []


def _limits(folder: Path) -> dict[str, float]:
    """The objective of availability, and the rates at which its budget is said to burn fast or slowly."""
    goal = _GOAL.findall((folder / "variables.tf").read_text())
    burns = _BURNS.findall((folder / "slos.tf").read_text())
    return {"objective": float(goal[0])} | {f"slo/{speed}": float(rate) for speed, rate in burns}


def _written(root: Path) -> frozenset[str]:
    files = (path for folder in ("core", "functions") for path in sorted((root / folder).rglob("*.py")))
    only_name = tuple(
        root / "core" / folder for folder in ("metrics", "reports")
    )  # the catalogue, and what reads the values
    sources = "\n".join(path.read_text() for path in files if not any(map(path.is_relative_to, only_name)))
    parts = {metric.name: histogram.name for histogram in HISTOGRAMS.values() for metric in histogram.metrics}
    named = set(_NAMED.findall(sources))
    return frozenset(name for name in CATALOGUE if parts.get(name, name) in named)


def _query(data_set: dict[str, Any]) -> Query:
    asked = data_set.get("timeSeriesQuery", {})
    template = data_set.get("legendTemplate", data_set.get("tableTemplate", ""))
    return Query(expr=asked.get("prometheusQuery", ""), template=template, unit=asked.get("unitOverride", ""))

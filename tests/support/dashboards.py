"""The dashboards as files, with the runbooks and alert rules that they name: read once, and told about as `file: tile: what`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import stage
from tests.support import alert_rules
from tests.support.alert_rules import Rule

TITLES_ONLY = {"text", "sectionHeader"}
"""Widgets that ask nothing."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question of a tile: what is asked, how the answers are called, and in which unit they are."""

    expr: str
    template: str
    unit: str

    @property
    def plain(self) -> str:
        """As Prometheus reads it: where a variable stands for a matcher there is one."""
        return _VARIABLE.sub(lambda found: "1m" if found[1] == "__interval" else f'{found[1]}=~".*"', self.expr)

    @property
    def variables(self) -> set[str]:
        """The names that are filled in."""
        return {found.removesuffix(".value") for found in _VARIABLE.findall(self.expr)} - {"__interval"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile.

    Attributes:
        file: the name of its file.
        title: its own, or its number where it has none.
        kind: the widget's, as xyChart.
        widget: what is in it.
        place: x, y, width and height.
    """

    file: str
    title: str
    kind: str
    widget: dict[str, Any]
    place: tuple[int, int, int, int]

    def fault(self, what: str) -> str:
        """A fault of the tile, as it is told."""
        return f"{self.file}: {self.title}: {what}"

    @property
    def queries(self) -> list[Query]:
        """What it asks."""
        sets = self.widget.get("dataSets", [self.widget] if "timeSeriesQuery" in self.widget else [])
        return [_query(one) for one in sets]

    @property
    def thresholds(self) -> list[dict[str, Any]]:
        """Its thresholds."""
        found: list[dict[str, Any]] = self.widget.get("thresholds", [])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    """Everything that is to be checked.

    Attributes:
        texts: each file by its name.
        documents: those that are JSON.
        tiles: in the order of the files.
        rules: the alert rules by their names.
        sections: the anchors of each runbook, by `docs/runbooks/NAME.md`.
        faults: what could not be read.
    """

    texts: dict[str, str]
    documents: dict[str, dict[str, Any]]
    tiles: tuple[Tile, ...]
    rules: dict[str, Rule]
    sections: dict[str, set[str]]
    faults: tuple[str, ...]

    def of(self, file: str) -> list[Tile]:
        """The tiles of a file."""
        return [tile for tile in self.tiles if tile.file == file]

    @property
    def asked(self) -> Iterator[tuple[Tile, Query]]:
        """Each question with its tile."""
        return ((tile, query) for tile in self.tiles for query in tile.queries)


def read(root: Path = stage.ROOT) -> Dashboards:
    """Read `dashboards`, `infra/alerts` and `docs/runbooks` of a tree."""
    faults, documents = list[str](), dict[str, dict[str, Any]]()
    texts = {path.name: path.read_text() for path in sorted((root / "dashboards").glob("*.json"))}
    for file, text in texts.items():
        try:
            documents[file] = json.loads(text)
        except json.JSONDecodeError as error:
            faults.append(f"{file}: must be JSON: {error}")
    rules = alert_rules.read(root)
    return Dashboards(
        texts=texts,
        documents=documents,
        tiles=tuple(tile for file, document in documents.items() for tile in _tiles(file, document)),
        rules={rule.name: rule for rule in rules.rules},
        sections=rules.sections,
        faults=tuple(faults),
    )


def _tiles(file: str, document: dict[str, Any]) -> Iterator[Tile]:
    for number, tile in enumerate(document.get("mosaicLayout", {}).get("tiles", [])):
        widget = tile.get("widget", {})
        kind = next((name for name in widget if name not in {"title", "id"}), "")
        x, y, width, height = (int(tile.get(name, 0)) for name in ("xPos", "yPos", "width", "height"))
        yield Tile(
            file=file,
            title=widget.get("title", f"tile {number}"),
            kind=kind,
            widget=widget.get(kind, {}),
            place=(x, y, width, height),
        )


def _query(one: dict[str, Any]) -> Query:
    asked = one.get("timeSeriesQuery", {})
    template = one.get("legendTemplate", one.get("tableTemplate", ""))
    return Query(expr=asked.get("prometheusQuery", ""), template=template, unit=asked.get("unitOverride", ""))

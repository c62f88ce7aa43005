"""The command `aia drift` and the files that it is given."""

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from functions.cli.main import main

Columns = Mapping[str, Any]


def drift(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["drift", *map(str, arguments)], env={"COLUMNS": "140"})


def told(*arguments: str | Path) -> dict[str, Any]:
    result = drift(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refused(*arguments: str | Path) -> str:
    """The one line that a refusal is."""
    result = drift(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def parquet(path: Path, columns: Columns) -> Path:
    pq.write_table(pa.table(dict(columns)), path)
    return path


def csv(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def feature(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in document["features"] if part["name"] == name)


class Page(HTMLParser):
    """What a browser makes of the page: its elements, their attributes and the text between them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

"""One word for one thing: retired identifiers stay out of the code; `docs/glossary.md` has the words that are used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RETIRED = frozenset(
    [
        "Desk",
        "Desks",
        "Charter",
        "Watch",
        "Tracked",
        "Heard",
        "Ladder",
        "Lane",
        "Troubled",
        "Turn",
        "Informed",
        "Notice",
        "Harm",
        "Flaw",
        "Made",
        "Look",
        "Door",
        "Hand",
        "Office",
        "Night",
        "obey",
        "admits",
        "tempering",
        "tempered",
        "wild",
        "lonely",
        "worth",
        "gains",
        "carriers",
        "leftovers",
        "elsewhere",
        "letter",
        "post",
    ]
)
FILES = [path for top in ("core", "functions", "infra", "tests") for path in sorted((ROOT / top).rglob("*.py"))]
OTHERS = {"letter", "post", "worth", "wild"}
"""Ordinary words: retired as names of modules and classes only."""


def defined(path: Path) -> Iterator[str]:
    """The names of a module and of what is defined in it: modules, classes, functions, fields."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            yield node.name
            fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
            yield from (one.id for one in fields if isinstance(one, ast.Name) and one.id not in OTHERS)
        elif isinstance(node, ast.FunctionDef) and node.name not in OTHERS:
            yield node.name


def test_no_retired_identifier_is_defined() -> None:
    found = {f"{path.relative_to(ROOT)}: {name}" for path in FILES for name in defined(path) if name in RETIRED}
    assert found == set()


@pytest.mark.parametrize("code", ["class Desk: ...", "class A:\n    wild: int\n    lonely: int", "def obey(): ..."])
def test_a_retired_identifier_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(code)
    assert RETIRED.intersection(defined(tmp_path / "module.py"))


def test_the_glossary_has_each_word_once() -> None:
    rows = [
        line.split("|")[1].strip() for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if "|" in line
    ]
    words = [word for row in rows[2:] for word in row.split(", ")]
    assert len(words) == len(set(words)) > 30

"""One word for one thing: retired identifiers stay out of the code; `docs/glossary.md` has the words that are used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RETIRED = frozenset(
    [
        "Deps",
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
        "flaw",
        "flaws",
        "flawed",
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

RETIRED_PHRASES = (
    r"\bflaw",
    r"\bhow right\b",
    r"\bright predictions",
    r"\bis right less often",
    r"\bsurer of itself",
    r"\bwhat (it|they|models?) (is|are) given",
    r"\bdrifted now\b",
    r"\bsince the newest\b",
    r"\bwhat to do about\b",
    r"\bhow many times too fast\b",
    r"\bthat watch and act\b",
    r"\bthat count, and\b",
    r"\bgiven up\b",
    r"\bnobody has taken\b",
    r"\bthat wait\b",
    r"\bfind(s)? no node",
    r"\brequests? (to functions )?that fail\b",
    r"\bmessages to people\b",
    r"\bin each column\b",
    r"\brequests to train again\b",
    r"\btrained again\b",
    r"\bunder way\b",
    r"\bagain and again\b",
    r"\b(was|is) done by itself",
    r"\bis told of\b",
    r"\bthat is none\b",
    r"\bhangs? on\b",
    r"\bstands? in\b",
    r"\bthe begin\b",
    r"\bwhat comes of\b",
    r"\bhas not done its job\b",
    r"\bthree \w+ and more\b",
    r"\bone of twenty\b",
    r"\ba quarter of an hour\b",
    r"\bfor want of\b",
    r"\bis not what it was\b",
    r"\bnothing answers\b",
    r"\ball is well\b",
    r"\bno answer in time\b",
    r"\bif you want\b",
    r"\bmust be exposed\b",
    r"\b(is|are|was|were|be|been) told\b",
    r"\bwhat (came|becomes|became) of\b",
    r"\bhea(r|rs|rd) of\b",
    r"\btaken for\b",
)
"""Phrases that have a technical term: none of them is in dashboards, pages, alert rules, metrics, tables,
guides and runbooks."""
READ_FIRST = [
    path
    for pattern in (
        "dashboards/*.json",
        "functions/api/templates/*.html",
        "functions/api/static/*.js",
        "infra/alerts/*.yaml",
        "infra/tables/*.json",
        "core/metrics/*.py",
        "docs/runbooks/*.md",
        "docs/*.md",
        "README.md",
    )
    for path in sorted(ROOT.glob(pattern))
]
COMMENTS = {".js": r"^\s*//.*|\s//\s.*$", ".yaml": r"^\s*#.*"}


def shown(path: Path) -> str:
    """The text of a file without its comments, and without the targets of its links."""
    text = path.read_text()
    if path.suffix in COMMENTS:
        text = re.sub(COMMENTS[path.suffix], "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)", "]", text)


def phrases(text: str) -> set[str]:
    return {found[0].lower() for phrase in RETIRED_PHRASES for found in re.finditer(phrase, text, re.IGNORECASE)}


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
    # Only files that have such a word where a definition begins are parsed.
    word = re.compile(rf"^\s*(?:class |(?:async )?def )?(?:{'|'.join(map(re.escape, RETIRED))})\b", re.MULTILINE)
    suspected = [path for path in FILES if word.search(path.stem) or word.search(path.read_text())]
    assert 0 < len(suspected) < len(FILES)
    found = {f"{path.relative_to(ROOT)}: {name}" for path in suspected for name in defined(path) if name in RETIRED}
    assert found == set()


@pytest.mark.parametrize("code", ["class Desk: ...", "class A:\n    wild: int\n    lonely: int", "def obey(): ..."])
def test_a_retired_identifier_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(code)
    assert RETIRED.intersection(defined(tmp_path / "module.py"))


def test_no_retired_phrase_is_shown() -> None:
    assert len(READ_FIRST) > 50
    found = {f"{path.relative_to(ROOT)}: {phrase}" for path in READ_FIRST for phrase in phrases(shown(path))}
    assert found == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"title": "Right predictions (%)"', {"right predictions"}),
        ('"title": "What to do about drift"', {"what to do about"}),
        ("summary: What it is given has several flaws", {"what it is given", "flaw"}),
        ("Messages that wait, by channel", {"that wait"}),
        ("Everybody is told what came of it", {"is told", "what came of"}),
        ("Dead letters by subscription", set()),
    ],
)
def test_a_retired_phrase_is_found(text: str, found: set[str]) -> None:
    assert phrases(text) == found


def test_the_glossary_has_each_word_once() -> None:
    rows = [
        line.split("|")[1].strip() for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if "|" in line
    ]
    words = [word for row in rows[2:] for word in row.split(", ")]
    assert len(words) == len(set(words)) > 30

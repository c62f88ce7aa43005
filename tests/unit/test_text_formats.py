"""Numbers as people read them: the rules that texts and pages share, on the same examples as those of the pages."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core import text

CASES = json.loads((Path(__file__).parents[1] / "data" / "formats.json").read_text())
RULES: dict[str, Callable[[float], str]] = {
    "dollars": text.money,
    "short_dollars": text.short_money,
    "percent": text.percent,
    "number": text.number,
    "seconds": lambda value: text.number(value, "seconds"),
}


@pytest.mark.parametrize(("rule", "value", "says"), CASES)
def test_a_value_is_written_by_its_rule(rule: str, value: float, says: str) -> None:
    assert RULES[rule](value) == says

"""Numbers, instants and days as people read them: the rules that texts and pages share, on the same examples as those of the pages."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core import text

CASES = json.loads((Path(__file__).parents[1] / "data" / "formats.json").read_text())
_read = datetime.fromisoformat
UTC = {"instant", "interval"}
"""What a text says the zone of; a page says it once."""
RULES: dict[str, Callable[[Any], str]] = {
    "dollars": text.money,
    "short_dollars": text.short_money,
    "percent": text.percent,
    "number": text.number,
    "seconds": lambda value: text.number(value, "seconds"),
    "instant": lambda value: text.instant(_read(value)),
    "interval": lambda value: text.interval(*map(_read, value)),
    "day": lambda value: text.day(_read(value)),
    "days": lambda value: text.days(*map(_read, value)),
    "short_day": lambda value: text.short_day(_read(value)),
}


@pytest.mark.parametrize(("rule", "value", "says"), CASES)
def test_a_value_is_written_by_its_rule(rule: str, value: Any, says: str) -> None:
    assert RULES[rule](value) == says + (" UTC" if rule in UTC else "")

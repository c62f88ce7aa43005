"""The guide for other places: each test that it names is there."""

import re

from infra.stage import ROOT


def test_what_works_where_is_shown_by_tests_that_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs" / "elsewhere.md").read_text())
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).is_file()] == []

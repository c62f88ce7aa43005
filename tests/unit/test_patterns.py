"""Patterns: `*` alone is special, and the answer is that of the standard library's shell patterns."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patterns import any_matches, matches

PATTERNS = st.text(alphabet="ab*", max_size=8)
TEXTS = st.text(alphabet="ab", max_size=10)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("model/*", "model/flight-delay", True),
        ("model/*", "model/", True),
        ("model/*", "Model/flight-delay", False),
        ("*latency*", "latency", True),
        ("aba*aba", "aba", False),
        ("a**b", "ab", True),
        ("a*b*c", "acb", False),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("a*", "a\nb", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_only_the_star_is_special(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - what is expected
    assert matches(pattern, text) is expected


@given(PATTERNS, TEXTS)
def test_it_matches_what_shell_patterns_match(pattern: str, text: str) -> None:
    assert matches(pattern, text) == bool(re.match(fnmatch.translate(pattern), text))


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert not matches("*a" * 500 + "*b", "a" * 100_000)


def test_one_pattern_of_several_is_enough() -> None:
    assert any_matches(("model/*", "table/*"), "table/t")
    assert not any_matches(("model/*", "table/*"), "probe/api")

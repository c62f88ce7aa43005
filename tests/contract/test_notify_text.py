"""Foreign text is made fit for a channel: what is a link, what is a secret, and how long a line is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.notify.text import encodable, fit, paragraph, redacted, web
from tests.support.builders.letters import TEXTS


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/#incident=model-m-1",
        "https://pages.example",
        "https://user@pages.example/a%20b?c=d&e=f#g",
        "http://[::1]:8080/x",
    ],
)
def test_an_address_of_the_web_is_a_link(url: str) -> None:
    assert web(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/#incident=1",
        "docs/runbooks/models.md#drift",
        "javascript:alert(1)",
        "ftp://x.example",
        "http:///x",
        "http://[",
        "http://x.example:99999/",
        "http://x.example:0/",
        "http://x.example/ y",
        "http://x.example/\n",
        "http://x.example/<b>",
        "http://x.example/|click",
        'http://x.example/"onclick="',
        "http://x.example/'",
        "http://x.example/`",
        "http://x.exämple/",
        "http://x.example/" + "y" * 1000,
    ],
)
def test_anything_else_is_none(url: str) -> None:
    assert web(url) == ""


@given(TEXTS, st.integers(2, 400))
def test_a_line_fits_and_is_one(text: str, limit: int) -> None:
    line = fit(text, limit)
    assert len(line.encode("utf-16-le")) <= 2 * limit
    assert line.isprintable()
    assert line == line.strip()


@given(TEXTS, st.integers(2, 400))
def test_a_paragraph_fits_and_has_no_empty_line(text: str, limit: int) -> None:
    shown = paragraph(text, limit)
    assert len(shown.encode("utf-16-le")) <= 2 * limit
    assert all(line.strip() and line.isprintable() for line in shown.split("\n") if shown)


def test_a_character_that_takes_two_units_is_not_cut_in_half() -> None:
    assert fit("💥💥💥", 5) == "💥💥…"
    assert fit("💥💥💥", 6) == "💥💥💥"


def test_a_secret_is_left_out_in_any_spelling_and_an_empty_one_is_none() -> None:
    assert redacted("a S3cr.t b s3CR.T c S3crxt", "s3cr.t", "") == "a … b … c S3crxt"


def test_half_a_pair_becomes_a_question_mark_wherever_it_is() -> None:
    assert encodable({"a": ["\ud800x", ({"b": "\udfff"},)], "c": 1}) == {"a": ["?x", [{"b": "?"}]], "c": 1}

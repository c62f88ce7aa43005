"""The filter language: what matches, what is refused, and that no text does anything else."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.pubsub.filters import compile_filter
from infra.local.pubsub.rpc import RefusalError

COM = {"domain": "com"}
KEYS = st.sampled_from(["a", "b", "job-name", "_x", "iana.org/language_tag", "hasPrefix", "ключ", ""])
VALUES = st.sampled_from(["", "x", "xy", 'q"uote', "back\\slash", "new\nline", "ü☂", "AND"])

Rendered = tuple[str, Callable[[Mapping[str, str]], bool]]
"""A filter as text, and what it must mean."""


def quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(one):04x}" if ord(one) < 32 or ord(one) == 0xFC else one for one in _escape(text))
    return f'"{escaped}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def key_text(key: str) -> st.SearchStrategy[str]:
    plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return st.sampled_from([key, quoted(key)]) if plain else st.just(quoted(key))


@st.composite
def comparisons(draw: st.DrawFn) -> Rendered:
    key, value = draw(KEYS), draw(VALUES)
    text = draw(key_text(key))
    rendered: Rendered = draw(
        st.sampled_from(
            [
                (f"attributes:{text}", lambda attributes: key in attributes),
                (f"attributes.{text}={quoted(value)}", lambda attributes: attributes.get(key) == value),
                (f"attributes.{text} != {quoted(value)}", lambda attributes: attributes.get(key) != value),
                (
                    f"hasPrefix(attributes.{text}, {quoted(value)})",
                    lambda attributes: key in attributes and attributes[key].startswith(value),
                ),
            ]
        )
    )
    return rendered


def combined(inner: st.SearchStrategy[Rendered]) -> st.SearchStrategy[Rendered]:
    many = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        inner.map(lambda one: (f"NOT ({one[0]})", lambda attributes: not one[1](attributes))),
        inner.map(lambda one: (f"-({one[0]})", lambda attributes: not one[1](attributes))),
        many.map(lambda all_: (join(" AND ", all_), lambda attributes: all(one[1](attributes) for one in all_))),
        many.map(lambda any_: (join("  OR ", any_), lambda attributes: any(one[1](attributes) for one in any_))),
    )


def join(operator: str, terms: list[Rendered]) -> str:
    return operator.join(f"({text})" for text, _ in terms)


@given(st.recursive(comparisons(), combined, max_leaves=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_filter_means_what_it_is_made_of(rendered: Rendered, attributes: dict[str, str]) -> None:
    text, meaning = rendered
    if len(text.encode()) > 256:
        with pytest.raises(RefusalError, match="at most 256 bytes"):
            compile_filter(text)
        return
    compiled = compile_filter(text)
    assert compiled
    assert compiled(attributes) == meaning(attributes), text


PIECES = ["attributes", ".", ":", "=", "!=", "(", ")", '"x"', "AND", "OR", "NOT", "-", "hasPrefix", ",", "a", " ", "\\"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_any_text_is_a_filter_or_refused_with_a_reason(text: str) -> None:
    try:
        compiled = compile_filter(text)
    except RefusalError as refusal:
        reason = str(refusal)
    else:
        reason = ""
        assert (compiled is None) == (text == "")
        assert compiled is None or compiled({}) in {True, False}
    assert not reason or reason.startswith("filter: ")


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("attributes:domain", COM, True),
        ("attributes:domain", {}, False),
        ('attributes.domain = "com"', COM, True),
        ('attributes.domain = "com"', {"domain": "org"}, False),
        ('attributes.domain != "com"', {"domain": "org"}, True),
        ('attributes.domain != "com"', {}, True),
        ("NOT attributes:domain AND attributes:x", {"x": ""}, True),
        ("-attributes:domain", {}, True),
        ('hasPrefix(attributes.domain, "co")', COM, True),
        ('hasPrefix(attributes.domain, "")', {}, False),
        ('attributes:"iana.org/language_tag"', {"iana.org/language_tag": "en"}, True),
        ('attributes:"\\u307F\\u3093\\u306A"', {"みんな": ""}, True),
        ('attributes.k = "\\x41\\102\\u0043\\U00000044\\n"', {"k": "ABCD\n"}, True),
        ('attributes.domain = "Com"', COM, False),
        ('attributes:x AND (attributes.domain = "net" OR attributes.domain = "com")', COM | {"x": ""}, True),
    ],
)
def test_the_documented_forms_match(text: str, attributes: dict[str, str], *, expected: bool) -> None:
    compiled = compile_filter(text)
    assert compiled
    assert compiled(attributes) is expected


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "attributes",
        "attributes:",
        "attributes.a",
        "attributes.a = x",
        "attributes.a = 'x'",
        'attributes.a > "x"',
        'attributes.a = "x',
        'attributes.a = "\\q"',
        'attributes.a = "\\uD800"',
        'attributes.a = "\\UFFFFFFFF"',
        'data = "x"',
        "attributes:a attributes:b",
        "attributes:a AND",
        "attributes:a and attributes:b",
        "attributes:a AND attributes:b OR attributes:c",
        "NOT NOT attributes:a",
        "(attributes:a",
        "()",
        "attributes:AND",
        'hasPrefix(attributes:a, "x")',
        'hasprefix(attributes.a, "x")',
        "attributes:" + "a" * 256,
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(RefusalError, match=r"^filter: "):
        compile_filter(text)

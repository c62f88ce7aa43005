"""Values as GoogleSQL literals: for expressions that stand within statements of several models, where parameters would clash."""

from collections.abc import Iterable

_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(value: str) -> str:
    r"""A text as a literal; quotes, backslashes and breaks of lines are escaped.

    >>> print(text("it's"), text("naïve"), text("a" + chr(92)))
    'it\'s' 'naïve' 'a\\'

    Raises:
        ValueError: it has a character that is not printable.
    """
    for one in value:
        if not one.isprintable() and one not in _ESCAPED:
            raise ValueError(f"text: must be printable, got {value!r:.80}")
    return f"'{''.join(_ESCAPED.get(one, one) for one in value)}'"


def texts(values: Iterable[str]) -> str:
    """Texts as literals, with commas between.

    >>> texts(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(map(text, values))

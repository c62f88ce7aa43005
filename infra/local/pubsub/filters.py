r"""The filter language of subscriptions: https://cloud.google.com/pubsub/docs/subscription-message-filter.

    filter     = sequence
    sequence   = term {"AND" term} | term {"OR" term}       both in one sequence need parentheses
    term       = ["NOT" | "-"] (comparison | "(" sequence ")")
    comparison = "attributes" ":" key
               | "attributes" "." key ("=" | "!=") string
               | "hasPrefix" "(" "attributes" "." key "," string ")"
    key        = identifier | string
    string     = '"' {character | escape} '"'               escapes: \\ \" \n \r \t ... \xHH \OOO \uHHHH \UHHHHHHHH

`!=` is the negation of `=`: it also matches a message without the attribute. A filter has at most 256 bytes.
"""

import re
from collections.abc import Callable, Mapping

from infra.local.pubsub.rpc import invalid

Filter = Callable[[Mapping[str, str]], bool]
"""Whether a message with these attributes is delivered."""

MAX_BYTES = 256

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<word>[A-Za-z0-9_][A-Za-z0-9_-]*)
      | (?P<mark>!=|[=:.,()-])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {c: c for c in "\\\"'`?"}
_KEYWORDS = frozenset({"AND", "OR", "NOT"})


def compile_filter(text: str) -> Filter | None:
    """The filter as a function; None if it is empty and matches everything.

    Raises:
        RefusalError: the filter is invalid; the message says where and what is expected.
    """
    if len(text.encode()) > MAX_BYTES:
        raise invalid(f"filter: must have at most {MAX_BYTES} bytes, got {len(text.encode())}")
    return _Parser(text).filter() if text else None


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def filter(self) -> Filter:
        result = self._sequence()
        self._expect("")
        return result

    def _sequence(self) -> Filter:
        terms, operator = [self._term()], self._peek()
        while operator in {"AND", "OR"} and self._accept(operator):
            terms.append(self._term())
        if self._peek() in {"AND", "OR"}:
            raise self._fault("parentheses, since AND and OR stand side by side")
        return _any(terms) if operator == "OR" else _all(terms)

    def _term(self) -> Filter:
        if self._accept("NOT") or self._accept("-"):
            return _negate(self._plain())
        return self._plain()

    def _plain(self) -> Filter:
        if self._accept("("):
            inner = self._sequence()
            self._expect(")")
            return inner
        return self._has_prefix() if self._accept("hasPrefix") else self._comparison()

    def _comparison(self) -> Filter:
        self._expect("attributes")
        if self._accept(":"):
            return _has(self._key())
        self._expect(".")
        key = self._key()
        negated = self._accept("!=")
        if not negated:
            self._expect("=")
        equal = _equal(key, self._string())
        return _negate(equal) if negated else equal

    def _has_prefix(self) -> Filter:
        for mark in ("(", "attributes", "."):
            self._expect(mark)
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return _starts(key, prefix)

    def _key(self) -> str:
        token = self._peek()
        if token.startswith('"'):
            return self._string()
        if not token or not (token[0].isalnum() or token[0] == "_") or token in _KEYWORDS:
            raise self._fault("an attribute's key")
        return self._next()

    def _string(self) -> str:
        if not self._peek().startswith('"'):
            raise self._fault("a string in double quotes")
        return self._unescape(self._next()[1:-1])

    def _unescape(self, text: str) -> str:
        def character(match: re.Match[str]) -> str:
            *codes, simple = match.groups()
            if simple:
                if simple not in _SIMPLE:
                    raise invalid(f"filter: {match[0]} is no escape sequence in {self._text!r}")
                return _SIMPLE[simple]
            base = 8 if codes[3] else 16
            return _character(int(next(code for code in codes if code), base), self._text)

        return _ESCAPE.sub(character, text)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self._fault(repr(token) if token else "the end")

    def _fault(self, wanted: str) -> Exception:
        return invalid(f"filter: expected {wanted}, got {self._peek() or 'the end'} in {self._text!r}")


def _tokens(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            raise invalid(f"filter: {text[at:].strip()[:20]!r} does not belong in {text!r}")
        tokens.append(match[0].strip() if not match["string"] else match["string"])
        at = match.end()
    if not tokens:
        raise invalid("filter: must not be blank")
    return tokens


def _character(code: int, text: str) -> str:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - Unicode's own bounds
        raise invalid(f"filter: U+{code:X} is no character in {text!r}")
    return chr(code)


def _has(key: str) -> Filter:
    return lambda attributes: key in attributes


def _equal(key: str, value: str) -> Filter:
    return lambda attributes: attributes.get(key) == value


def _starts(key: str, prefix: str) -> Filter:
    return lambda attributes: key in attributes and attributes[key].startswith(prefix)


def _negate(inner: Filter) -> Filter:
    return lambda attributes: not inner(attributes)


def _all(terms: list[Filter]) -> Filter:
    return terms[0] if len(terms) == 1 else lambda attributes: all(term(attributes) for term in terms)


def _any(terms: list[Filter]) -> Filter:
    return lambda attributes: any(term(attributes) for term in terms)

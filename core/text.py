"""Text for people: times, numbers, and foreign text that is safe to show on one line."""

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

LINE_LIMIT = 300
_LONG, _ENDLESS = 120.0, 1e9
"""Seconds from which on larger units are used, and beyond which no unit makes sense."""
_POWERS = 1e15
"""From which on numbers are written as powers of ten."""
_ELLIPSIS = "…"
_REFERENCE = re.compile(r"https?://[^\s<>\"'\\^`{|}]+|[^:\s]*", re.IGNORECASE)


def clean(text: str, limit: int = LINE_LIMIT) -> str:
    r"""Foreign text as one line: no control or direction characters, no runs of blanks, no more than `limit` characters.

    >>> clean("a\n\x1b[31mb\u202e  c")
    'a [31mb c'
    >>> clean("longer than that", 10)
    'longer th…'
    """
    if len(text) <= limit and text.isprintable() and "  " not in text:
        return text.strip()
    cut = text[: limit * 4]
    line = " ".join(part for word in cut.split() for part in ((word,) if word.isprintable() else _printable(word)))
    return line if len(line) <= limit and len(cut) == len(text) else line[: limit - 1].rstrip() + _ELLIPSIS


def reference(text: str) -> str:
    """Foreign text that a page may link: a web address, or a section of the runbooks; empty if it is neither.

    >>> reference("https://example.com/a"), reference("models.md#drift"), reference("javascript:alert(1)")
    ('https://example.com/a', 'models.md#drift', '')
    """
    return text if _REFERENCE.fullmatch(text) else ""


def _printable(word: str) -> list[str]:
    return "".join(char if char.isprintable() else " " for char in word).split()


def clean_utf8(text: str, limit: int = LINE_LIMIT) -> str:
    r"""Foreign text as one clean line of at most `limit` bytes in UTF-8: for documents of bounded size.

    >>> clean_utf8("a\nb"), clean_utf8("longer than that", 10), clean_utf8("\N{CAT FACE}" * 10, 11)
    ('a b', 'longer …', '🐱🐱…')
    """
    return _cached(text, limit) if len(text) <= limit else _truncated(text, limit)


@lru_cache(maxsize=4096)
def _cached(text: str, limit: int) -> str:
    """Short texts repeat: names, units, summaries of conditions that keep firing."""
    return _truncated(text, limit)


def _truncated(text: str, limit: int) -> str:
    line = clean(text, limit)
    raw = line.encode()
    if len(raw) <= limit:
        return line
    return raw[: limit - len(_ELLIPSIS.encode())].decode(errors="ignore").removesuffix(_ELLIPSIS) + _ELLIPSIS


def instant(at: datetime) -> str:
    """An instant for people, to the minute.

    >>> instant(datetime(2026, 1, 2, 9, 5, tzinfo=UTC))
    '2026-01-02 09:05 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def period(start: datetime, end: datetime) -> str:
    """A time between two instants for people; the day is written once where it is the same.

    >>> period(datetime(2026, 1, 2, 9, 5, tzinfo=UTC), datetime(2026, 1, 2, 10, 0, tzinfo=UTC))
    'from 2026-01-02 09:05 to 10:00 UTC'
    >>> period(datetime(2026, 1, 2, 9, 5, tzinfo=UTC), datetime(2026, 1, 3, 10, 0, tzinfo=UTC))
    'from 2026-01-02 09:05 UTC to 2026-01-03 10:00 UTC'
    """
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    if first.date() == last.date():
        return f"from {first:%Y-%m-%d %H:%M} to {last:%H:%M} UTC"
    return f"from {instant(first)} to {instant(last)}"


def duration(span: timedelta) -> str:
    """A length of time for people: its two largest units.

    >>> duration(timedelta(seconds=42)), duration(timedelta(minutes=95)), duration(timedelta(days=2, hours=3))
    ('42 s', '1 h 35 min', '2 d 3 h')
    """
    seconds = int(abs(span).total_seconds())
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in sizes:
        if count := seconds // size:
            parts.append(f"{count} {name}")
            seconds -= count * size
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def number(value: float, unit: str = "") -> str:
    """A number with its unit, as short as it can be read.

    >>> number(0.61234, "ratio"), number(1234567.0), number(2.0, "seconds"), number(0.5, "dollars")
    ('61.2 %', '1,234,567', '2 s', '$0.5')
    >>> number(1e308, "seconds")
    '1e+308 s'
    """
    if unit == "ratio":
        return f"{100 * value:.3g} %"
    size = abs(value)
    if unit == "seconds" and _LONG <= size < _ENDLESS:
        return f"{'-' if value < 0 else ''}{duration(timedelta(seconds=size))}"
    digits = f"{value:,.0f}" if 1000 <= size < _POWERS else f"{value:.3g}"  # noqa: PLR2004 - three digits are what people read
    if unit == "dollars":
        return f"${digits}"
    return f"{digits} {'s' if unit == 'seconds' else unit}".rstrip()


def comparison(value: float | None, threshold: float | None, unit: str = "") -> str:
    """The observed number against its threshold in words, or nothing when there is no number.

    >>> comparison(0.61, 0.2, "ratio")
    'Observed 61 %: 3.0 times the threshold of 20 %.'
    >>> comparison(0.78, 0.85)
    'Observed 0.78: 8 % below the threshold of 0.85.'
    >>> comparison(4.0, 3.0, "seconds")
    'Observed 4 s: 33 % above the threshold of 3 s.'
    >>> comparison(2.0, None), comparison(3.0, 0.0), comparison(None, 1.0)
    ('Observed 2.', 'Observed 3; the threshold is 0.', '')
    """
    if value is None or not math.isfinite(value):
        return ""
    observed = f"Observed {number(value, unit)}"
    if threshold is None or not math.isfinite(threshold):
        return f"{observed}."
    if threshold <= 0 or value < 0:
        return f"{observed}; the threshold is {number(threshold, unit)}."
    return f"{observed}: {_relation(value / threshold)} the threshold of {number(threshold, unit)}."


def _relation(ratio: float) -> str:
    if ratio >= 2:  # noqa: PLR2004 - from there on "times" reads better than per cent
        return f"{ratio:,.1f} times" if ratio < _POWERS else f"{ratio:.3g} times"
    if round(abs(ratio - 1), 2) == 0:
        return "about"
    return f"{abs(ratio - 1):.0%} {'above' if ratio > 1 else 'below'}".replace("%", " %")

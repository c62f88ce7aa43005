"""Text for people: times, numbers, and foreign text that is safe to show on one line."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

LINE_LIMIT = 300
_LONG, _ENDLESS = 120.0, 1e9
"""Seconds from which on larger units are used, and beyond which no unit makes sense."""
_POWERS = 1e15
"""From which on numbers are written as powers of ten."""
_POWER = re.compile(r"e(-?)\+?0*")
"""What a power of ten is written with that says nothing."""
_MILLISECOND = 0.001
_WHOLE_DOLLARS, _SHORT_DOLLARS = 99.995, 1e5
"""From which on cents are left out, and from which on an amount is shortened where there is little room."""
_LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_MOST_DIGITS = 9
_NEARLY, _HUNDRED = 99, 100
"""Per cent between which two digits count, as of what is nearly all."""
_ELLIPSIS = "…"
_REFERENCE = re.compile(r"https?://[^\s<>\"'\\^`{|}]+|[^:\s]*", re.IGNORECASE)


def clean(text: str, limit: int = LINE_LIMIT) -> str:
    r"""Foreign text as one line: no control or direction characters, no runs of blanks, no more than `limit` characters.

    It is cut after a word, where there is one in the second half of what fits.

    >>> clean("a\n\x1b[31mb\u202e  c")
    'a [31mb c'
    >>> clean("longer than that", 14), clean("incomprehensible", 10)
    ('longer than…', 'incompreh…')
    """
    if len(text) <= limit and text.isprintable() and "  " not in text:
        return text.strip()
    cut = text[: limit * 4]
    line = " ".join(part for word in cut.split() for part in ((word,) if word.isprintable() else _printable(word)))
    return line if len(line) <= limit and len(cut) == len(text) else _whole_words(line, line[: limit - 1]) + _ELLIPSIS


def _whole_words(line: str, kept: str) -> str:
    """The first part of a line without a part of a word at its end, unless that is most of it."""
    if line[len(kept) : len(kept) + 1].strip():
        begun = kept.rfind(" ")
        kept = kept[:begun] if begun >= len(kept) // 2 else kept
    return kept.rstrip().rstrip(_ELLIPSIS + ",;:")


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

    >>> clean_utf8("a\nb"), clean_utf8("longer than that", 14), clean_utf8("\N{CAT FACE}" * 10, 11)
    ('a b', 'longer than…', '🐱🐱…')
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
    return _whole_words(line, raw[: limit - len(_ELLIPSIS.encode())].decode(errors="ignore")) + _ELLIPSIS


def instant(at: datetime) -> str:
    """An instant for people, to the minute. The pages have the same rules for times and days (`functions/api/static/format.js`).

    >>> instant(datetime(2026, 1, 2, 9, 5, tzinfo=UTC))
    '2026-01-02 09:05 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def period(start: datetime, end: datetime) -> str:
    """A time between two instants within a sentence.

    >>> period(datetime(2026, 1, 2, 9, 5, tzinfo=UTC), datetime(2026, 1, 2, 10, 0, tzinfo=UTC))
    'from 2026-01-02 09:05 to 10:00 UTC'
    """
    return f"from {interval(start, end)}"


def interval(start: datetime, end: datetime) -> str:
    """Two instants for people; the day is written once where it is the same.

    >>> interval(datetime(2026, 1, 2, 9, 5, tzinfo=UTC), datetime(2026, 1, 3, 10, 0, tzinfo=UTC))
    '2026-01-02 09:05 to 2026-01-03 10:00 UTC'
    """
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    until = f"{last:%H:%M} UTC" if first.date() == last.date() else instant(last)
    return f"{first:%Y-%m-%d %H:%M} to {until}"


def day(at: date) -> str:
    """A day for people; an instant's own, in its zone.

    >>> day(date(2026, 1, 2))
    '2026-01-02'
    """
    return f"{at:%Y-%m-%d}"


def days(first: date, last: date) -> str:
    """The first and the last of several days for people.

    >>> days(date(2026, 11, 16), date(2026, 11, 22))
    '2026-11-16 to 2026-11-22'
    """
    return f"{day(first)} to {day(last)}"


def short_day(at: date) -> str:
    """A day on the axis of a chart, where there is little room and the days around it are seen.

    >>> short_day(date(2026, 1, 2))
    'Jan 2'
    """
    return f"{at:%b} {at.day}"


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
            parts.append(f"{count:,} {name}")
            seconds -= count * size
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def number(value: float, unit: str = "", digits: int = 3) -> str:
    """A number with its unit, as short as it can be read. The pages have the same rules (`functions/api/static/format.js`).

    >>> number(0.61234, "ratio"), number(1234567.0), number(2.0, "seconds"), number(0.5, "dollars")
    ('61.2%', '1,234,567', '2 s', '$0.50')
    >>> number(2024.4), number(0.0000123), number(0.684, "seconds"), number(1e308, "seconds")
    ('2,024', '1.23e-5', '684 ms', '1e308 s')
    """
    if unit == "ratio":
        return percent(value)
    if unit == "dollars":
        return money(value)
    if unit == "seconds":
        return _seconds(value)
    size = abs(value)
    text = f"{value:,.0f}" if 1000 <= size < _POWERS else f"{value:.{digits}g}"  # noqa: PLR2004 - where digits behind the point say nothing
    spelt = _POWER.sub(r"e\1", text)
    return f"{spelt} {unit}".rstrip()


def counted(count: int, noun: str) -> str:
    """A number of things with their noun.

    >>> counted(1, "row"), counted(12000, "row")
    ('1 row', '12,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(ratio: float) -> str:
    """A share for people; of what is not 0 or 100 it never says so.

    >>> percent(0.843), percent(1.0), percent(0.99987), percent(0.0042)
    ('84.3%', '100%', '99.99%', '0.42%')
    """
    value = 100 * ratio
    text, digits = "", 1 if 1 <= abs(value) <= _NEARLY or abs(value) >= _HUNDRED else 2
    for more in range(digits, _MOST_DIGITS):
        text = _unsigned(_trimmed(f"{value:,.{more}f}"))
        if text not in ("0", "100", "-100") or abs(value) in (0, _HUNDRED):
            break
    return f"{text}%"


def money(value: float) -> str:
    """An amount of money: whole dollars from 100 on, cents below.

    >>> money(1100.4), money(12.5), money(-5.0), money(0.0012)
    ('$1,100', '$12.50', '-$5', '$0.0012')
    """
    size = abs(value)
    if size >= _WHOLE_DOLLARS or size == int(size):
        text = f"{size:,.0f}"
    else:
        text = f"{size:.2f}" if size >= 0.01 else _trimmed(f"{size:.{1 - math.floor(math.log10(size))}f}")  # noqa: PLR2004 - a cent
    return f"{'-' if value < 0 else ''}${text}"


def short_money(value: float, largest: float | None = None) -> str:
    """The same for an axis or a narrow column: thousands and millions from 100,000 on.

    Args:
        value: in dollars.
        largest: the amount beside it that is largest, so that an axis keeps to one form; the value itself where it is alone.

    >>> short_money(61200.0), short_money(145812.0), short_money(2584000.0)
    ('$61,200', '$145.8K', '$2.58M')
    >>> short_money(50000.0, 200000.0), short_money(0.0, 200000.0)
    ('$50K', '$0')
    """
    size = abs(value)
    if max(size, abs(largest or 0.0)) < _SHORT_DOLLARS:
        return money(value)
    limit, letter = next(((limit, letter) for limit, letter in _LETTERS if size >= limit), (1.0, ""))
    digits = 1 if size < 1e6 else 2  # noqa: PLR2004 - a million
    return f"{'-' if value < 0 else ''}${_trimmed(f'{size / limit:,.{digits}f}')}{letter}"


def _seconds(value: float) -> str:
    size = abs(value)
    if _LONG <= size < _ENDLESS:
        return f"{'-' if value < 0 else ''}{duration(timedelta(seconds=size))}"
    if 0 < value < _MILLISECOND / 2:
        return "under 1 ms"
    return f"{1000 * value:.0f} ms" if 0 < value < 1 - _MILLISECOND / 2 else number(value, "s")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unsigned(text: str) -> str:
    """What rounds to zero has no sign."""
    return text.removeprefix("-") if not text.strip("-0.") else text


def comparison(value: float | None, threshold: float | None, unit: str = "") -> str:
    """The observed number against its threshold in words, or nothing when there is no number.

    >>> comparison(0.61, 0.2, "ratio")
    'Observed 61%: 3.0 times the threshold of 20%.'
    >>> comparison(0.78, 0.85)
    'Observed 0.78: 8% below the threshold of 0.85.'
    >>> comparison(4.0, 3.0, "seconds")
    'Observed 4 s: 33% above the threshold of 3 s.'
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
        return f"{ratio:,.1f} times" if ratio < _POWERS else f"{number(ratio)} times"
    if round(abs(ratio - 1), 2) == 0:
        return "about"
    return f"{abs(ratio - 1):.0%} {'above' if ratio > 1 else 'below'}"

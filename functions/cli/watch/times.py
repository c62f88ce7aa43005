"""The column of times of a log, whatever it is written as, in microseconds since 1970 (UTC)."""

import re
from datetime import timedelta
from functools import reduce
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from core.onboarding import OnboardingError
from functions.cli.drift.text import several, show

FORMATS: Final = tuple(
    f"{day}{time}"
    for day in (
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y%m%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%d.%m.%y",
        "%m/%d/%y",
        "%d-%b-%Y",
        "%d %b %Y",
    )
    for time in ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
ISO: Final = "ISO 8601"
"""A format that `strptime` cannot say: fractions of a second and a zone may be there."""
_ISO_PARTS: Final = r"^(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<time>(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?$"
_COMPOSITES: Final = {"%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%T": "%H:%M:%S", "%R": "%H:%M"}
_DIRECTIVES: Final = {
    "%Y": r"\s*\d{1,4}",
    **dict.fromkeys(("%y", "%m", "%H", "%I", "%M", "%S"), r"\s*\d{1,2}"),
    **dict.fromkeys(("%d", "%e"), r"\s*(?P<day>\d{1,2})"),
    "%j": r"\s*(?P<day_of_year>\d{1,3})",
    "%%": "%",
}
_SHIFTS: Final = tuple(pa.scalar(timedelta(days=days), pa.duration("us")) for days in (-1, 0, 1))
"""By so much a zone or a leap second may move an instant from its written day; never to the one of another month."""
_HOURS_ONLY: Final = len("+01:")
_EPOCH: Final = 500_000_000, 4_200_000_000
"""Seconds since 1970 that a number may mean: 1985 to 2103."""
_UNITS: Final = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
_MICROS: Final = 10**6


def instants(name: str, column: pa.ChunkedArray, given: str | None) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    """The instants of a column.

    Args:
        name: of the column.
        column: times, dates, numbers since 1970, or text.
        given: the format of text as `strptime` has it, or None where it is to be found.

    Returns:
        Microseconds since 1970, shape (rows,); which of them are known, shape (rows,); and how the column was read.

    Raises:
        OnboardingError: it holds no times, or text that is read in two ways.
    """
    if pt.is_temporal(column.type) and not pt.is_time(column.type) and not pt.is_duration(column.type):
        found, told = column, "without a time zone: read as UTC" if getattr(column.type, "tz", None) is None else ""
    elif pt.is_integer(column.type) or pt.is_floating(column.type):
        return _numbers(name, column)
    elif pt.is_string(column.type) or pt.is_large_string(column.type):
        found, form = _text(name, column, given)
        told = f"read as {form}, UTC where it has no zone" if form == ISO else f"read as {form}, UTC"
    else:
        raise OnboardingError(f"--timestamp: {show(name)!r} must hold times, holds {column.type}")
    micros = pc.cast(pc.cast(found, pa.timestamp("us", tz="UTC"), safe=False), pa.int64())
    return _split(micros, told)


def _split(micros: pa.ChunkedArray, told: str) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    known = pc.is_valid(micros).to_numpy(zero_copy_only=False)
    return pc.fill_null(micros, 0).to_numpy(), known, told


def _numbers(name: str, column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    wide = pa.int64() if pt.is_integer(column.type) and not pt.is_uint64(column.type) else column.type
    column = pc.cast(column, wide)  # microseconds do not fit 32 bits
    if pt.is_floating(wide):
        column = pc.cast(column, pa.float64())
        column = pc.if_else(pc.is_nan(column), None, column)
    ends = pc.min_max(column).as_py()
    for unit, word in _UNITS.items():
        if ends["min"] is not None and _EPOCH[0] * unit <= ends["min"] and ends["max"] <= _EPOCH[1] * unit:
            scaled: NDArray[Any] = pc.fill_null(column, 0).to_numpy()
            micros = scaled // (unit // _MICROS) if unit > _MICROS else (scaled * (_MICROS // unit))
            known = pc.is_valid(column).to_numpy(zero_copy_only=False)
            return micros.astype(np.int64), known, f"{word} since 1970"
    told = f"{ends['min']} to {ends['max']}"
    raise OnboardingError(
        f"--timestamp: {show(name)!r} must hold times, or numbers since 1970, got numbers from {told}"
    )


def _text(name: str, column: pa.ChunkedArray, given: str | None) -> tuple[pa.ChunkedArray, str]:
    trimmed = pc.utf8_trim_whitespace(column)
    trimmed = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    sample = pc.drop_null(trimmed)
    parsed = {form: _parsed(trimmed, form) for form in ((given,) if given else (ISO, *FORMATS)) if _fits(sample, form)}
    whole = {form: times for form, times in parsed.items() if times.null_count == trimmed.null_count}
    if not whole:
        raise OnboardingError(_refusal(name, sample, given))
    if ISO in whole:
        return whole[ISO], ISO
    rising = [form for form, times in whole.items() if _rises(times)]
    chosen = rising or list(whole)
    if len(chosen) > 1:
        raise OnboardingError(
            f"--time-format: must be given, {show(name)!r} can be read as {several(chosen)}: {show(sample[0].as_py())!r}"
        )
    return whole[chosen[0]], chosen[0]


def _fits(sample: pa.ChunkedArray, form: str) -> bool:
    """Whether the first values can be of a format: most formats are dismissed by them."""
    head = sample[: min(len(sample), 50)]
    return len(head) > 0 and _parsed(head, form).null_count == 0


def _refusal(name: str, sample: pa.ChunkedArray, given: str | None) -> str:
    """Which values are no times: those that do not fit the format of the most, else the first one."""
    fits = {form: _parsed(sample, form) for form in ((given,) if given else (ISO, *FORMATS))} if len(sample) else {}
    form = min(fits, key=lambda form: fits[form].null_count, default="")
    if not fits or fits[form].null_count == len(sample):
        wanted = f"as {given}" if given else "in a known format; --time-format says another, as in '%d.%m.%Y %H:%M'"
        return f"--timestamp: {show(name)!r} must hold times {wanted}, got {show(sample[0].as_py() if len(sample) else '')!r}"
    odd = sample.filter(pc.is_null(fits[form]))
    return (
        f"--timestamp: {show(name)!r} must hold times as {form}, or nothing, in each row: "
        f"not so {len(odd):,} of {len(sample):,}, as {show(odd[0].as_py())!r}"
    )


def _parsed(text: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    return _iso(text) if form == ISO else _by_format(text, form)


def _by_format(text: pa.ChunkedArray, form: str) -> pa.ChunkedArray:
    """Times of a format; what is none, or has a day that its month or year does not have, is null.

    `strptime` goes on counting at a day that there is not: 31 February is 2 March to it.
    """
    found = pc.strptime(text, format=form, unit="us", error_is_null=True)
    parts = pc.extract_regex(pc.cast(text, pa.string()), _pattern(form))
    for part, day_of in (("day", pc.day), ("day_of_year", pc.day_of_year)):
        if parts.type.get_field_index(part) >= 0:
            written = pc.cast(pc.struct_field(parts, part), pa.int64())
            days = (day_of(pc.add(found, shift)) for shift in _SHIFTS)
            is_day = reduce(pc.or_, (pc.equal(day, written) for day in days))
            found = pc.if_else(pc.fill_null(is_day, fill_value=True), found, None)
    return found


def _pattern(form: str) -> str:
    """A regular expression with the days of a format of `strptime` as its groups."""
    form = re.sub("%[FDTR]", lambda match: _COMPOSITES[match[0]], form)
    parts = re.findall(r"%[EO]?.|\s+|.", form)
    return f"^{''.join(_DIRECTIVES.get(part, _other(part)) for part in parts)}"


def _other(part: str) -> str:
    return ".*?" if part[0] == "%" else r"\s*" if part.isspace() else re.escape(part)


def _iso(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times of ISO 8601, without a zone as of UTC; what is none is null."""
    parts = pc.extract_regex(pc.cast(text, pa.string()), _ISO_PARTS)
    day, time, zone = (pc.struct_field(parts, part) for part in ("day", "time", "zone"))
    zone = pc.if_else(pc.is_in(zone, pa.array(["", "Z"])), "+00:00", zone)
    zone = pc.replace_substring_regex(zone, r"^([+-]\d{2}):?(\d{2})?$", r"\1:\2")
    zone = pc.if_else(pc.equal(pc.utf8_length(zone), _HOURS_ONLY), pc.binary_join_element_wise(zone, "00", ""), zone)
    day = pc.if_else(pc.is_valid(_by_format(day, "%Y-%m-%d")), day, None)
    try:
        whole = pc.binary_join_element_wise(pc.binary_join_element_wise(day, time, "T"), zone, "")
        found = pc.cast(whole, pa.timestamp("ns", tz="UTC"))
    except pa.ArrowInvalid:  # an offset of more than a day
        return pa.chunked_array([pa.nulls(len(text), pa.timestamp("us", tz="UTC"))])
    return pc.cast(found, pa.timestamp("us", tz="UTC"), safe=False)


def _rises(times: pa.ChunkedArray) -> bool:
    values = pc.drop_null(pc.cast(times, pa.int64())).to_numpy()
    return bool((np.diff(values) >= 0).all())

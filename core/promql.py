"""The metrics that a PromQL expression needs, over which ranges, and how often Cloud Monitoring evaluates it at most."""

import re
from datetime import timedelta
from typing import Final

_LANGUAGE = """
    sum min max avg count by without on ignoring and or unless offset bool group_left group_right rate increase changes
    last_over_time avg_over_time max_over_time min_over_time sum_over_time count_over_time absent absent_over_time histogram_quantile time vector
    label_replace count_values round clamp_min clamp_max timestamp NaN sort_desc bottomk
"""
_WORDS = frozenset(_LANGUAGE.split())
_TEXT = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")
_BRACES = re.compile(r"\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"[A-Za-z_][\w:]*")
_SELECTED = re.compile(r"([A-Za-z_][\w:]*)(?:\{\})?\[(\d+)([smhdw])\]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIME = r"((?:\d+[smhdw])+)"
_RANGES = re.compile(rf"\[{_TIME}\](?:\s*offset\s+{_TIME})?")
_OFFSETS = re.compile(rf"\boffset\s+{_TIME}")
_SUBQUERIES = re.compile(rf"\[{_TIME}:")

LONGEST_LOOKBACK: Final = timedelta(days=32)
"""Google's guide names no interval for a longer one."""
INTERVALS: Final = (
    (timedelta(hours=25), timedelta(seconds=30)),
    (timedelta(days=8), timedelta(minutes=5)),
    (timedelta(days=16), timedelta(hours=1)),
    (LONGEST_LOOKBACK, timedelta(hours=2)),
)
"""Lookbacks, each with the shortest evaluation interval that a policy of Cloud Monitoring may have below it: "Using PromQL in
alerting policies", https://docs.cloud.google.com/monitoring/alerts/using-promql, as read in November 2026. The guide does not
say on which side a lookback of exactly 8 days is: here it is on the longer one, which both readings allow."""


def metrics(expr: str) -> list[str]:
    """The metrics that an expression names, each once.

    >>> metrics('sum by (job) (rate(aia_x_total{job=~"a|b"}[5m] offset 1w)) > 0.5')
    ['aia_x_total']
    """
    bare = _RANGE.sub(" ", _BRACES.sub(" ", _GROUPING.sub(" ", _TEXT.sub(" ", expr))))
    return list(dict.fromkeys(name for name in _NAME.findall(bare) if name not in _WORDS))


def longest_ranges(expr: str) -> dict[str, timedelta]:
    """The longest range over which an expression selects each metric; zero where it takes the newest value only.

    >>> {name: str(span) for name, span in longest_ranges('rate(aia_x_total{job="a"}[5m]) / rate(aia_x_total[1h]) > aia_y').items()}
    {'aia_x_total': '1:00:00', 'aia_y': '0:00:00'}
    """
    found = dict.fromkeys(metrics(expr), timedelta(0))
    bare = _BRACES.sub("", _TEXT.sub("", expr))
    for name, number, unit in _SELECTED.findall(re.sub(r"\s+\[", "[", bare)):
        if name in found:
            found[name] = max(found[name], timedelta(**{_UNITS[unit]: int(number)}))
    return found


def lookback(expr: str) -> timedelta:
    """How far back an expression reads at most: its longest range with the offset of that, and all its subqueries.

    >>> str(lookback('rate(a[1h] offset 1w) > rate(a[25h])')), str(lookback('max_over_time(sum(rate(a[5m]))[1d12h:1m])'))
    ('7 days, 1:00:00', '1 day, 12:05:00')
    """
    bare = _TEXT.sub("", expr)
    ranges = [duration(span) + duration(offset) for span, offset in _RANGES.findall(bare)]
    offsets = [duration(offset) for offset in _OFFSETS.findall(bare)]
    around = sum((duration(span) for span in _SUBQUERIES.findall(bare)), timedelta(0))
    return max([timedelta(0), *ranges, *offsets]) + around


def duration(text: str) -> timedelta:
    """A duration of PromQL.

    >>> str(duration("1h30m"))
    '1:30:00'
    """
    parts = re.findall(r"(\d+)([smhdw])", text)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def evaluation_interval(expr: str, wanted: timedelta) -> timedelta:
    """How often a policy of Cloud Monitoring evaluates an expression: as its group wants, or as seldom as its lookback requires.

    Raises:
        ValueError: it looks back for 32 days or more.

    >>> str(evaluation_interval('a > avg_over_time(a[1h] offset 2w)', timedelta(minutes=5)))
    '1:00:00'
    """
    back = lookback(expr)
    required = next((interval for limit, interval in INTERVALS if back < limit), None)
    if required is None:
        raise ValueError(f"lookback: must be less than {LONGEST_LOOKBACK.days} days, got {back} in {expr!r}")
    return max(wanted, required)

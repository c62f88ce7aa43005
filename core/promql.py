"""The metrics that a PromQL expression needs, and over which ranges."""

import re
from datetime import timedelta

_LANGUAGE = """
    sum min max avg count by without on ignoring and or unless offset bool group_left group_right rate increase changes
    last_over_time avg_over_time max_over_time min_over_time sum_over_time count_over_time absent absent_over_time histogram_quantile time vector
    label_replace round clamp_min clamp_max timestamp NaN
"""
_WORDS = frozenset(_LANGUAGE.split())
_TEXT = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")
_BRACES = re.compile(r"\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"[A-Za-z_][\w:]*")
_SELECTED = re.compile(r"([A-Za-z_][\w:]*)(?:\{\})?\[(\d+)([smhdw])\]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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

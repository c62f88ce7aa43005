"""The parameters of a request for a tile: its span, and the variables of the dashboard.

The instants of a span are bounded, and the same for all viewers within ten seconds. They are counted back from the end,
as Cloud Monitoring does, so that the newest values are included however long the step is. The value of a variable is
escaped, so that it can only be a value in a query.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from werkzeug.exceptions import BadRequest

from functions.api.layout import Filter
from functions.api.request import Request

LONGEST = 400 * 86_400
"""Seconds of a span."""
SHORTEST_STEP, LONGEST_STEP = 15, 31 * 86_400
"""Seconds."""
MOST_POINTS = 1000
"""Instants of a span."""
_POINTS = 400
"""Instants of a span without a requested step."""
_HOUR = 3600
_TOGETHER = 10
"""Seconds within which all viewers see the same."""
_END_OF_TIME = 1 << 33
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_SHOWN = 80
LONGEST_VALUE = 200
"""Characters of a value."""
ANY = ".*"
"""What stands for a value if nothing is chosen."""
SHORTEST_INTERVAL = 60
"""The least `${__interval}` in seconds: no metric is written more often."""
_VARIABLE = re.compile(r"\$\{(\w+)(\.value)?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Instants from `start` to `end`, `step` apart: all in seconds."""

    start: int
    end: int
    step: int


def read_span(request: Request, now: int) -> Span:
    """The span of a request: `start` and `end` (default: the last hour), and `step` (default: as fits).

    Raises:
        BadRequest: it is invalid, or has too many instants.
    """
    end = _seconds(request, "end", now, least=0, most=_END_OF_TIME)
    start = _seconds(request, "start", end - _HOUR, least=0, most=_END_OF_TIME)
    if not 0 < end - start <= LONGEST:
        raise BadRequest(f"start: must be before end, by at most {LONGEST // 86_400} days, got {start} and {end}")
    step = _seconds(request, "step", fitting(end - start), least=SHORTEST_STEP, most=LONGEST_STEP)
    if (end - start) // step >= MOST_POINTS:
        raise BadRequest(f"step: must make at most {MOST_POINTS} instants of {end - start} s, got {step}")
    count, together = (end - start) // step, min(step, _TOGETHER)
    end = end // together * together
    return Span(start=end - count * step, end=end, step=step)


def fitting(seconds: int) -> int:
    """The shortest round step by which a span has a few hundred instants at most.

    >>> fitting(3600), fitting(30 * 86_400), fitting(400 * 86_400)
    (15, 7200, 86400)
    """
    return next(step for step in _STEPS if seconds <= step * _POINTS)


def _seconds(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and least <= int(given) <= most):
        raise BadRequest(f"{name}: must be a whole number of seconds, {least} to {most}, got {given[:_SHOWN]!r}")
    return int(given)


def read_variables(request: Request, filters: Sequence[Filter]) -> dict[str, str]:
    """The value of each variable from the request, or else its default; empty if nothing is chosen.

    Raises:
        BadRequest: a value is invalid for a label.
    """
    return {variable.template_variable: _value(request, variable) for variable in filters if variable.template_variable}


def fill(query: str, filters: Sequence[Filter], values: Mapping[str, str], *, step: int) -> str:
    r"""A query with its variables fill in, as Cloud Monitoring does: `${model}` is a matcher, `${model.value}` the value.

    >>> fill("up{${m}}", [Filter(label_key="model", template_variable="m")], {"m": 'a.b"}'}, step=60)
    'up{model=~"a\\\\.b\\"\\\\}"}'
    >>> fill("rate(x[${__interval}])", [], {}, step=15)
    'rate(x[60s])'
    """
    labels = {variable.template_variable: variable.label_key for variable in filters}

    def replaced(match: re.Match[str]) -> str:
        name, alone = match[1], match[2]
        if name == "__interval":
            return f"{max(step, SHORTEST_INTERVAL)}s"
        if name not in labels:
            return match[0]
        value = _literal(values.get(name, ""))
        return value if alone else f'{labels[name]}=~"{value}"'

    return _VARIABLE.sub(replaced, query)


def _literal(value: str) -> str:
    """A regular expression that only the value matches, as it stands within the quotes of PromQL."""
    pattern = re.escape(value) if value else ANY
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _value(request: Request, one: Filter) -> str:
    name = one.template_variable
    given = request.args.get(name)
    if given is None:
        return "" if one.string_value == ANY else one.string_value
    if len(given) > LONGEST_VALUE or not given.isprintable():
        raise BadRequest(f"{name}: must be at most {LONGEST_VALUE} printable characters, got {given[:_SHOWN]!r}")
    return given

"""Which instants a chart is asked for: bounded, and the same for all who look within ten seconds.

They are counted back from the end, as Cloud Monitoring does, so that the newest values are there however far apart they are.
"""

from dataclasses import dataclass

import flask
from werkzeug.exceptions import BadRequest

LONGEST = 400 * 86_400
"""Seconds of a span."""
SHORTEST_STEP, LONGEST_STEP = 15, 31 * 86_400
"""Seconds."""
MOST_POINTS = 1000
"""Instants of a span."""
_POINTS = 400
"""Instants of a span whose step nobody says."""
_HOUR = 3600
_TOGETHER = 10
"""Seconds within which all see the same."""
_END_OF_TIME = 1 << 33
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Instants from `start` to `end`, `step` apart: all in seconds."""

    start: int
    end: int
    step: int


def read(request: flask.Request, now: int) -> Span:
    """The span that a request asks for: `start` and `end` (the last hour), and `step` (as fits).

    Raises:
        BadRequest: it is not one, or has too many instants.
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


def _seconds(request: flask.Request, name: str, default: int, *, least: int, most: int) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and least <= int(given) <= most):
        raise BadRequest(f"{name}: must be a whole number of seconds, {least} to {most}, got {given[:_SHOWN]!r}")
    return int(given)

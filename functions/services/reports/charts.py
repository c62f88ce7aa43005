"""Charts as HTML and SVG: lines over days with bands, and horizontal bars. Nothing runs in the browser."""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from core.reports.document import Chart, Series, amount
from core.text import short_day, short_money

_HEIGHT, _WIDTH = 100.0, 100.0
"""Of the plot's own coordinates, which are stretched to its place."""
_GRID = 4
_TICKS = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def figure(chart: Chart) -> str:
    """A chart with its title and key."""
    body = _bars(chart) if chart.kind == "bars" else _lines(chart)
    key = (
        "".join(_key(place, series.name) for place, series in enumerate(chart.series)) if len(chart.series) > 1 else ""
    )
    link = f'<a class="source" href="#q-{escape(chart.query)}">{escape(chart.query)}</a>'
    return (
        f"<figure><figcaption><b>{escape(chart.title)}</b>{link}</figcaption>"
        f'{f"""<p class="keys">{key}</p>""" if key else ""}{body}</figure>'
    )


def ticks(low: float, high: float) -> list[float]:
    """Round values from one that is not above `low` to one that is not below `high`.

    >>> ticks(0.0, 87.0), ticks(0.2, 0.75)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [0.2, 0.4, 0.6, 0.8])
    """
    span = high - low if high > low else abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / _GRID))
    step = next(power * step for step in _STEPS if power * step * _GRID >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _key(place: int, name: str) -> str:
    return f'<span><i class="k{place % 5}"></i>{escape(name)}</span>'


def _lines(chart: Chart) -> str:
    values = [
        value
        for series in chart.series
        for of in (series.values, series.low, series.high)
        for value in of
        if value is not None
    ]
    if not values:
        return '<p class="nk">not known</p>'
    least = min(values)
    marks = ticks(0.0 if least >= 0 and chart.unit != "ratio" else least, max(values))
    low, high = marks[0], marks[-1]
    shapes = [_grid(mark, low, high) for mark in marks]
    shapes += [shape for place, series in enumerate(chart.series) for shape in _shapes(series, place, low, high)]
    shapes += [_hit(chart, place) for place in range(len(chart.labels))]
    axis = "".join(
        f'<span style="top:{_y(mark, low, high):.2f}%">{escape(short(mark, chart.unit, max(map(abs, marks))))}</span>'
        for mark in marks
    )
    return (
        f'<div class="plot"><div class="axis" aria-hidden="true">{axis}</div><div class="area">'
        f'<svg role="img" aria-label="{escape(chart.title)}" viewBox="0 0 100 100" preserveAspectRatio="none">{"".join(shapes)}</svg>'
        f'<div class="days" aria-hidden="true">{"".join(_days(chart.labels))}</div></div></div>'
    )


def _x(place: int, size: int) -> float:
    return _WIDTH * (place + 0.5) / size


def _y(value: float, low: float, high: float) -> float:
    return _HEIGHT * (1 - (value - low) / (high - low))


def _grid(mark: float, low: float, high: float) -> str:
    y = _y(mark, low, high)
    return f'<line class="grid" x1="0" x2="100" y1="{y:.2f}" y2="{y:.2f}"/>'


def _shapes(series: Series, place: int, low: float, high: float) -> Iterator[str]:
    """The band of a series and its line, in pieces where values are missing; a value alone is a short line."""
    size = len(series.values)
    if series.low and series.high:
        edges = [
            (at, below, above)
            for at, (below, above) in enumerate(zip(series.low, series.high, strict=True))
            if below is not None and above is not None
        ]
        above_points = [f"{_x(at, size):.2f},{_y(above, low, high):.2f}" for at, _, above in edges]
        below_points = [f"{_x(at, size):.2f},{_y(below, low, high):.2f}" for at, below, _ in reversed(edges)]
        yield f'<polygon class="band s{place % 5}" points="{" ".join([*above_points, *below_points])}"/>'
    for run in _runs(series.values):
        points = [(_x(at, size), _y(value, low, high)) for at, value in run]
        if len(points) == 1:
            points = [(points[0][0] - 0.4, points[0][1]), (points[0][0] + 0.4, points[0][1])]
        yield f'<polyline class="line s{place % 5}" points="{" ".join(f"{x:.2f},{y:.2f}" for x, y in points)}"/>'


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for at, value in enumerate(values):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _hit(chart: Chart, place: int) -> str:
    """What is shown of a day under the pointer."""
    shown = [
        f"{series.name}: {amount(value, chart.unit)}"
        for series in chart.series
        if (value := series.values[place]) is not None
    ]
    title = "\n".join([chart.labels[place], *shown])
    width = _WIDTH / len(chart.labels)
    return f'<rect class="hit" x="{place * width:.2f}" y="0" width="{width:.2f}" height="100"><title>{escape(title)}</title></rect>'


def _days(labels: Sequence[str]) -> Iterator[str]:
    """Some days, evenly spaced."""
    size = len(labels)
    for number in range(_TICKS):
        place = round(number * (size - 1) / (_TICKS - 1)) if size > 1 else 0
        side = "first" if number == 0 else "last" if number == _TICKS - 1 else ""
        day = short_day(date.fromisoformat(labels[place]))
        yield f'<span class="{side}" style="left:{_x(place, size):.2f}%">{day}</span>'


def _bars(chart: Chart) -> str:
    largest = (
        max((abs(value) for series in chart.series for value in series.values if value is not None), default=0.0) or 1.0
    )
    rows = []
    for place, label in enumerate(chart.labels):
        bars = "".join(
            _bar(series.values[place], number, largest, chart.unit) for number, series in enumerate(chart.series)
        )
        rows.append(f'<div class="bar"><span class="name">{escape(label)}</span><div>{bars}</div></div>')
    return f'<div class="bars">{"".join(rows)}</div>'


def _bar(value: float | None, place: int, largest: float, unit: str) -> str:
    if value is None:
        return ""
    width = 100 * abs(value) / largest
    minus = " minus" if value < 0 else ""
    return (
        f'<div class="one"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="s{place % 5}{minus}" x="0" y="0" width="{max(width, 0.4 if value else 0):.2f}" height="10"/></svg>'
        f"<span>{escape(amount(value, unit))}</span></div>"
    )


def short(value: float, unit: str, largest: float = 0.0) -> str:
    """A value on an axis.

    >>> short(250000.0, "dollars"), short(0.5, "ratio"), short(1500000.0, "")
    ('$250K', '50%', '1.5M')
    """
    if unit in ("ratio", "seconds"):
        return amount(value, unit)
    if unit == "dollars":
        return short_money(value, largest)
    size = abs(value)
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= limit:
            return f"{'-' if value < 0 else ''}{size / limit:.3g}{letter}"
    return amount(value, unit)

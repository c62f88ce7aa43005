"""Two distributions beside each other, as SVG; the texts around it are HTML, so that they keep their size on a phone."""

import math
from collections.abc import Sequence
from html import escape

from core.drift import FeatureDrift, Kind
from functions.cli.drift.bars import Bar, worst
from functions.cli.drift.text import label, move, percent, show

_GAP = 0.35  # between ranges and special bins, in slots
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_LINES = 4
_MANY = 8
_LONG = 9
_CLOSE = 1e-9


def chart(feature: FeatureDrift, bars: Sequence[Bar]) -> str:
    """The bins of a feature: columns for numbers, rows for categories."""
    if feature.kind is Kind.CATEGORICAL:
        return _rows(feature, worst(tuple(bars)))
    return _columns(feature, bars)


def meter(share: float) -> str:
    """A bar of that share of the width, 0 to 1."""
    width = 100 * min(max(share, 0.0), 1.0)
    return f'<svg class="meter" viewBox="0 0 100 10" {_STRETCHED}>{_rect("cur", 0, 0, width, 10)}</svg>'


_STRETCHED = 'preserveAspectRatio="none" aria-hidden="true"'


def _columns(feature: FeatureDrift, bars: Sequence[Bar]) -> str:
    places = _places(bars)
    slot = 100 / (places[-1] + 1)
    top, step = _scale(max(max(bar.reference, bar.current) for bar in bars))
    drawn = "".join(_pair(bar, place * slot, slot, top) for bar, place in zip(bars, places, strict=True))
    lines = [step * k for k in range(round(top / step) + 1)]
    grid = "".join(
        f'<line x1="0" x2="100" y1="{_y(at, top):.2f}" y2="{_y(at, top):.2f}" class="grid"/>' for at in lines
    )
    axis = "".join(f'<span style="top:{_y(at, top):.2f}%">{percent(at)}</span>' for at in lines)
    told = escape(f"Share of the rows in each bin of {show(feature.name)}, reference and current")
    return (
        f'<figure class="columns"><div class="axis" aria-hidden="true">{axis}</div>'
        f'<div class="plot"><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{told}">'
        f"{grid}{drawn}</svg>{_ticks(bars, places, slot)}</div></figure>"
    )


def _places(bars: Sequence[Bar]) -> list[float]:
    """Where each bin stands, in slots: special ones a little apart."""
    apart = next((k for k, bar in enumerate(bars) if bar.special), len(bars))
    return [k + (_GAP if apart and k >= apart else 0.0) for k in range(len(bars))]


def _scale(highest: float) -> tuple[float, float]:
    """Where the axis ends, and how far apart its lines are."""
    step = next((step for step in _STEPS if highest <= step * _LINES), _STEPS[-1])
    return step * max(math.ceil(highest / step - _CLOSE), 1), step


def _y(share: float, top: float) -> float:
    return 100 - 100 * share / top


def _pair(bar: Bar, left: float, slot: float, top: float) -> str:
    width = slot * 0.42
    return (
        f'<g class="pair"><title>{escape(move(bar))}</title>'
        f"{_rect('hit', left, 0, slot, 100)}"
        f"{_rect('ref', left + slot * 0.07, _y(bar.reference, top), width, 100 * bar.reference / top)}"
        f"{_rect('cur', left + slot * 0.51, _y(bar.current, top), width, 100 * bar.current / top)}</g>"
    )


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{name}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>'


def _ticks(bars: Sequence[Bar], places: Sequence[float], slot: float) -> str:
    """What stands below: between two bars where one ends and the next begins, below a bar what else it is."""
    crowded = sum(bool(bar.tick) for bar in bars) >= _MANY or max(len(bar.tick) for bar in bars) > _MANY
    every = 3 if max(len(bar.tick) for bar in bars) > _LONG else 1
    found: list[str] = []
    for k, (bar, place) in enumerate(zip(bars, places, strict=True)):
        name = " class=odd" if crowded and every == 1 and k % 2 and bar.tick else ""
        if bar.tick and k % every == 1 % every:
            found.append(f'<span{name} style="left:{place * slot:.2f}%">{escape(bar.tick)}</span>')
        elif not bar.tick and (bar.special or len(bars) == 1):
            at = 'class="end"' if k and k == len(bars) - 1 else f'style="left:{(place + 0.5) * slot:.2f}%"'
            found.append(f"<span {at}><i>{escape(bar.label)}</i></span>")
    return f'<div class="ticks" aria-hidden="true">{"".join(found)}</div>'


def _rows(feature: FeatureDrift, bars: Sequence[Bar]) -> str:
    top = max(max(bar.reference, bar.current) for bar in bars if not bar.gathered)
    rows = "".join(_row(bar, top) for bar in bars)
    told = escape(f"Share of the rows in each category of {show(feature.name)}, reference and current")
    return f'<figure class="rows" role="img" aria-label="{told}">{rows}</figure>'


def _row(bar: Bar, top: float) -> str:
    name = escape(label(bar))
    drawn = (
        f"{_rect('ref', 0, 1, 100 * bar.reference / top, 8)}{_rect('cur', 0, 11, 100 * bar.current / top, 8)}"
        if not bar.gathered  # many categories in one would dwarf the others
        else ""
    )
    return (
        f'<div class="row"><span class="name" title="{name}">'
        f"{f'<i>{name}</i>' if bar.special or bar.gathered else name}</span>"
        f'<svg viewBox="0 0 100 20" {_STRETCHED}>{drawn}</svg>'
        f'<span class="num">{percent(bar.reference)} → {percent(bar.current)}</span></div>'
    )

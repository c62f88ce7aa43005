"""The comparison in the terminal."""

from collections.abc import Iterator
from itertools import islice

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from core.drift import FeatureDrift, Reason
from core.statistics import STATISTICS
from core.text import counted
from functions.cli.drift.bars import minus
from functions.cli.drift.comparison import Comparison
from functions.cli.drift.text import (
    VERDICTS,
    chance,
    effective_size,
    issue,
    mix,
    move,
    policy,
    sd,
    shift,
    show,
    statistic,
    tail,
    together,
)

_WITHOUT = 66  # columns of the terminal that a table takes without statistics
_NUMBER = 6  # of a number
_GAP = 3  # between two
_ROWS = 40
_SEGMENTS = 3
_ATTRIBUTED = 10
_STYLES = {
    Reason.DRIFT: "bold red",
    Reason.SMALL_CHANGE: "yellow",
    Reason.SEASONAL: "yellow",
    Reason.INSUFFICIENT_DATA: "cyan",
    Reason.ABSENT: "cyan",
    Reason.TYPE_CHANGED: "cyan",
}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print it: what was compared, the features, the segments that carry the drift, and what else is to be known."""
    wide = _WITHOUT + sum(max(len(label), _NUMBER) + _GAP for label in _labels(comparison))
    for part in _parts(comparison, wide=console.width >= wide):
        console.print(part)


def _labels(comparison: Comparison) -> list[str]:
    return [STATISTICS[name].label for name in comparison.statistics]


def _parts(comparison: Comparison, *, wide: bool) -> Iterator[RenderableType]:
    report = comparison.report
    yield Text(
        f"reference  {show(comparison.reference)}, {counted(report.n_reference, 'row')}\n"
        f"current    {show(comparison.current)}, {counted(report.n_current, 'row')}\n",
    )
    yield Text(comparison.verdict, style=_STYLES.get(comparison.reason, "bold green"))
    yield _features(comparison, wide=wide)
    if comparison.segments:
        yield _segments(comparison)
    yield from _notes(comparison)


def _features(comparison: Comparison, *, wide: bool) -> Table:
    numbers = (f">{label}" for label in ("q", *_labels(comparison)) if wide)
    table = _table("feature", "verdict", ">strength", ">shift", *numbers, "moved most")
    shown = comparison.ranked[: max(_ROWS, len(comparison.report.drifted))]
    for feature in shown:
        table.add_row(*_row(comparison, feature, wide=wide))
    if rest := len(comparison.ranked) - len(shown):
        table.add_row(Text(f"… and {rest:,} more", style="dim"), Text(f"{VERDICTS[comparison.ranked[-1].reason]}"))
    return table


def _row(comparison: Comparison, feature: FeatureDrift, *, wide: bool) -> list[Text]:
    style = _STYLES.get(feature.reason, "")
    moved = comparison.most_moved(feature)
    numbers = [chance(feature.q_value), *map(statistic, feature.results)] if wide else []
    return [
        _outer(show(feature.name), style="bold" if feature.drifted else ""),
        Text(VERDICTS[feature.reason], style=style or "dim"),
        Text(sd(feature.strength), style=style),
        Text(shift(feature)),
        *map(Text, numbers),
        _outer(move(moved) if moved else ""),
    ]


def _segments(comparison: Comparison) -> Table:
    table = _table("feature", show(comparison.by, limit=30), ">share of the drift", ">strength", ">rows")
    for name, parts in islice(comparison.segments.items(), _ATTRIBUTED):
        for k, part in enumerate(parts[:_SEGMENTS]):
            table.add_row(
                _outer("" if k else show(name), style="bold"),
                Text(show(part.segment)),
                Text(minus(f"{100 * part.share:.0f}%")),
                Text(sd(part.strength)),
                Text(f"{part.n_reference:,} → {part.n_current:,}"),
            )
    return table


def _notes(comparison: Comparison) -> Iterator[Text]:
    for found in comparison.issues:
        yield Text.assemble(("quality  ", "yellow"), issue(found))
    for feature in comparison.ranked:
        if feature.dependent:
            yield Text.assemble(("sample   ", "dim"), effective_size(feature))
    if changed := mix(comparison.mix):
        yield Text.assemble(("segments ", "yellow"), changed)
    for line in together(comparison.report.joint):
        yield Text.assemble(("joint    ", "bold red"), show(line))
    for feature in comparison.ranked:
        if feature.drifted and (told := tail(feature)):
            yield Text.assemble(("tail     ", "dim"), f"{show(feature.name)}: {told}")
    for name, why in comparison.left_out.items():
        yield Text.assemble(("left out ", "dim"), f"{show(name)}: {why}")
    for note in comparison.notes:
        yield Text.assemble(("note     ", "dim"), note)
    yield Text(policy(comparison.thresholds), style="dim")


def _outer(text: str, style: str = "") -> Text:
    """What is cut, not wrapped, when the terminal is narrow."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _table(*heads: str) -> Table:
    """A table of columns; `>` before a name sets it to the right, and the first and last one give way when it is narrow."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for k, head in enumerate(heads):
        right = head.startswith(">")
        outer = k in {0, len(heads) - 1}
        table.add_column(
            Text(head.removeprefix(">")),
            justify="right" if right else "left",
            no_wrap=not outer,
            max_width=44 if outer else None,
        )
    return table

"""The comparison as one HTML page without anything outside it. Every text comes from outside and is escaped."""

from collections.abc import Iterable
from html import escape

from core.drift import FeatureDrift, Reason, SegmentDrift
from core.statistics import STATISTICS
from core.text import counted
from functions.cli.drift.bars import minus
from functions.cli.drift.chart import chart, meter
from functions.cli.drift.comparison import Comparison
from functions.cli.drift.text import (
    VERDICTS,
    chance,
    direction,
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
from functions.cli.html_page import bullets, document, section

_SEGMENTS = 5
_FULL = 2.0  # a meter of strength is full at so many sd

_HEADER = """<p class="kind">Drift report</p>
<h1>{verdict}</h1>
<dl class="files">{files}</dl>
<p class="soft">{policy}</p>"""
_HELP = """<details>
<summary>How to read this page</summary>
<p><b>Strength</b> is how far a normal distribution would have to shift, in standard deviations of the reference, to change
as much as this column did; what chance alone does at these numbers of rows is taken off. <b>Shift</b> is where the values
went: above 0 up, below 0 down.</p>
<p>Columns of a <b>chart</b> are bins, each of which holds about a tenth of the reference, so the reference is level by
construction wherever values seldom repeat. Where the current bar stands above it, there is more of that than there was.
Values that are missing, infinite or new stand apart.</p>
<p><b>q</b> is the chance of such a change without drift, corrected for the number of columns. The verdict rests on KS, JS,
chi-square, the ranks of the values, the rows far out in either tail and the mean, whichever statistics are shown. Each has its blind spot:</p>
{blind}
</details>"""


def page(comparison: Comparison) -> str:
    """The whole page."""
    drifted = [feature for feature in comparison.ranked if feature.drifted]
    parts = [
        section("Features", _table(comparison)),
        section("What changed", _cards(comparison, drifted)),
        section("Segments", bullets(filter(None, [mix(comparison.mix)]))),
        section("Joint drift", bullets(show(line) for line in together(comparison.report.joint))),
        section("Data quality", bullets(issue(found) for found in comparison.issues)),
        section("Effective sample size", bullets(effective_size(one) for one in comparison.ranked if one.dependent)),
        section("Left out", bullets(f"{show(name)}: {why}" for name, why in comparison.left_out.items())),
        section("How the files were read", bullets(comparison.notes)),
        _HELP.format(blind=bullets(_blind_spots(comparison))),
    ]
    header = _HEADER.format(
        verdict=escape(comparison.verdict), files=_files(comparison), policy=escape(policy(comparison.thresholds))
    )
    title = f"{comparison.verdict} · {show(comparison.current.name)}"
    return document(title=title, tone=_tone(comparison.reason), header=header, parts=parts)


def _blind_spots(comparison: Comparison) -> Iterable[str]:
    shown = (STATISTICS[name] for name in comparison.statistics)
    return (f"{one.label}: {one.blind_to}" for one in shown)


def _tone(reason: Reason) -> str:
    if reason is Reason.DRIFT:
        return "bad"
    return "none" if reason in {Reason.INSUFFICIENT_DATA, Reason.ABSENT} else "good"


def _files(comparison: Comparison) -> str:
    report = comparison.report
    files = [
        ("ref", "Reference", comparison.reference, report.n_reference),
        ("cur", "Current", comparison.current, report.n_current),
    ]
    return "".join(
        f'<div><dt><span class="key {key}"></span>{name}</dt><dd>{escape(show(file))}'
        f' <span class="soft">{counted(rows, "row")}</span></dd></div>'
        for key, name, file, rows in files
    )


def _table(comparison: Comparison) -> str:
    rows = "\n".join(_row(comparison, k, feature) for k, feature in enumerate(comparison.ranked))
    return (
        '<table>\n<thead><tr><th>Feature</th><th>Verdict</th><th class="right">Strength, sd</th>'
        '<th class="right middle">Shift, sd</th><th class="wide">Moved most</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(comparison: Comparison, k: int, feature: FeatureDrift) -> str:
    name = f"<bdi>{escape(show(feature.name))}</bdi>"
    moved = comparison.most_moved(feature)
    return (
        f'<tr class="{feature.reason.value}"><th scope="row">'
        f"{f'<a href=#f{k}>{name}</a>' if feature.drifted else name}</th>"
        f'<td><span class="pill">{VERDICTS[feature.reason]}</span></td>'
        f'<td><span class="strong">{meter(feature.strength / _FULL)}<span>{sd(feature.strength)}</span></span></td>'
        f'<td class="right middle">{shift(feature)}</td><td class="wide">{escape(move(moved)) if moved else ""}</td></tr>'
    )


def _cards(comparison: Comparison, drifted: list[FeatureDrift]) -> str:
    return "\n".join(_card(comparison, k, feature) for k, feature in enumerate(drifted))


def _card(comparison: Comparison, k: int, feature: FeatureDrift) -> str:
    parts = comparison.segments.get(feature.name, ())
    moved = comparison.most_moved(feature)
    return (
        f'<article id="f{k}"><div class="head"><h3><bdi>{escape(show(feature.name))}</bdi></h3>'
        f'<span class="strength">{sd(feature.strength)} sd</span></div>'
        f"<p>{escape(direction(feature))}{f' Most moved: {escape(move(moved))}.' if moved else ''}"
        f"{f' Far out: {escape(told)}.' if (told := tail(feature)) else ''}</p>"
        f"{chart(feature, comparison.bars[feature.name])}"
        f"{_segments(comparison, parts)}{_tests(feature)}</article>"
    )


def _segments(comparison: Comparison, parts: tuple[SegmentDrift, ...]) -> str:
    if not parts:
        return ""
    rows = "".join(_segment(part) for part in parts[:_SEGMENTS])
    more = f'<p class="soft">and {len(parts) - _SEGMENTS:,} more</p>' if len(parts) > _SEGMENTS else ""
    return f'<div class="segments"><h4>Carried by {escape(show(comparison.by))}</h4>{rows}{more}</div>'


def _segment(part: SegmentDrift) -> str:
    share = minus(f"{100 * part.share:.0f}%")
    name = escape(show(part.segment, limit=60))
    return (
        f'<div class="row"><span class="name" title="{name}">{name}</span>{meter(part.share)}'
        f'<span class="num">{share}, moved {sd(part.strength)} sd</span></div>'
    )


def _tests(feature: FeatureDrift) -> str:
    told = [
        f"<span>{STATISTICS[name].label} <b>{statistic(result)}</b></span>"
        for name, result in feature.tests.items()
        if result.value is not None
    ]
    return f'<p class="tests">{"".join(told)}<span>q <b>{escape(chance(feature.q_value))}</b></span></p>'

"""Two files compared: everything that the terminal, the page and the JSON tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Self

import numpy as np

from core.drift import (
    Counts,
    DataQualityIssue,
    DataQualityIssueKind,
    DriftReport,
    FeatureDrift,
    Profile,
    Reason,
    SegmentDrift,
    Thresholds,
    attribute,
    count,
    count_segments,
    quality,
    score,
    type_changed,
    with_segments,
)
from core.text import counted
from functions.cli.drift.bars import Bar, bars
from functions.cli.drift.large import Units
from functions.cli.drift.match import Choice, Matched, match
from functions.cli.drift.text import REASONS, VERDICTS, show

_WITHOUT_VERDICT = (Reason.INSUFFICIENT_DATA, Reason.ABSENT, Reason.TYPE_CHANGED)
_NAMED = 3
"""Features without a verdict that the sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """What two files have to do with each other.

    Attributes:
        reference: the file of what was normal.
        current: the file of what is now.
        report: of the columns of both.
        bars: by feature what there is to draw.
        issues: what is wrong with the current file beside drift.
        segments: by drifted feature, the strongest first, the segments that carry its drift, the largest share first.
        left_out: why, by the name of each column that is not compared.
        by: the name of the column that parts the rows, or None.
        mix: what is said of that column itself, as a category; None without one.
        thresholds: when a change is called drift.
        notes: how the files were read where that is not plain, a sentence each.
    """

    reference: Path
    current: Path
    report: DriftReport
    bars: Mapping[str, tuple[Bar, ...]]
    issues: tuple[DataQualityIssue, ...]
    segments: Mapping[str, tuple[SegmentDrift, ...]]
    left_out: Mapping[str, str]
    by: str | None
    mix: FeatureDrift | None
    thresholds: Thresholds
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, reference: Path, current: Path, choice: Choice, thresholds: Thresholds) -> Self:
        """Compare two files.

        Raises:
            FileError: a file can not be read, or the two can not be compared.
            ProfileError: a column holds what can not be counted.
        """
        found = match(reference, current, choice)
        units = Units.of(found.reference)
        found = replace(found, reference=units.shrunk(found.reference), current=units.shrunk(found.current))
        profile, report, issues = _compared(found, choice, thresholds, units)
        segments: dict[str, tuple[SegmentDrift, ...]] = {}
        if found.parts and choice.by is not None and report.drifted:
            profile = with_segments(profile, {**found.reference, choice.by: found.parts[0]}, (choice.by,))
            counted = count_segments(profile, {**found.current, choice.by: found.parts[1]}, choice.by)
            parts = attribute(profile, counted, by=choice.by, report=report)
            segments = {
                name: tuple(group) for name, group in groupby(parts, key=lambda part: part.feature) if name != choice.by
            }
        return cls(
            reference=reference,
            current=current,
            report=report,
            bars={feature.name: bars(profile, feature) for feature in report.features},
            issues=issues,
            segments=segments,
            left_out={**found.left_out, **{name: REASONS[why] for name, why in report.left_out.items()}},
            by=choice.by,
            mix=_mix(found, choice.by, thresholds),
            thresholds=thresholds,
            notes=found.notes,
        )

    @property
    def statistics(self) -> tuple[str, ...]:
        """The names of the statistics that are shown."""
        return next((feature.statistics for feature in self.report.features), ())

    @property
    def judged(self) -> bool:
        """Whether both files have rows enough for a verdict."""
        return self.report.reason is not Reason.INSUFFICIENT_DATA

    @property
    def without_verdict(self) -> tuple[FeatureDrift, ...]:
        """The features that nothing is concluded about: too few rows, absent from the current file, or of another type there."""
        return tuple(feature for feature in self.report.features if feature.reason in _WITHOUT_VERDICT)

    @property
    def complete(self) -> bool:
        """Whether there is a verdict about every feature, and one at all."""
        return bool(self.report.features) and not self.without_verdict

    @property
    def ranked(self) -> tuple[FeatureDrift, ...]:
        """The features: drifted ones first, then changed ones, then by strength."""
        order = [Reason.DRIFT, Reason.SEASONAL, Reason.SMALL_CHANGE]
        places = {reason: k for k, reason in enumerate(order)}
        return tuple(sorted(self.report.ranked, key=lambda feature: places.get(feature.reason, len(order))))

    @property
    def verdict(self) -> str:
        """All of it in a sentence."""
        report = self.report
        if not report.features:
            return "No verdict: no feature to compare"
        if not self.judged:
            return f"No verdict: a file has fewer than {self.thresholds.minimum_rows:,} rows"
        unknown = self.without_verdict
        if len(unknown) == len(report.features):
            return f"No verdict: {_named(unknown)}"
        if report.joint_drifted and not report.drifted:
            found = "No feature drifted by itself, but they no longer go together as they did"
        elif report.drifted:
            found = f"{len(report.drifted)} of {len(report.features)} features drifted"
        else:
            found = f"No drift in {counted(len(report.features) - len(unknown), 'feature')}"
        return f"{found}; no verdict for {_named(unknown)}" if unknown else found

    @property
    def reason(self) -> Reason:
        """Why the verdict is what it is: of features without a verdict the first, unless something drifted."""
        unknown = self.without_verdict
        return unknown[0].reason if unknown and self.report.reason is not Reason.DRIFT else self.report.reason

    def most_moved(self, feature: FeatureDrift) -> Bar | None:
        """The bin whose share changed most, or None when none did."""
        moved = max(self.bars[feature.name], key=lambda bar: abs(bar.moved), default=None)
        return moved if moved and moved.moved else None


def _named(features: Sequence[FeatureDrift]) -> str:
    """Features without a verdict, the first ones with the reason."""
    named = [f"{show(feature.name)} ({VERDICTS[feature.reason]})" for feature in features[:_NAMED]]
    rest = len(features) - len(named)
    return ", ".join(named) + (f" and {rest:,} more" if rest else "")


def _compared(
    found: Matched, choice: Choice, thresholds: Thresholds, units: Units
) -> tuple[Profile, DriftReport, tuple[DataQualityIssue, ...]]:
    """The profile of the reference, what is said of drift, and of the quality of the data; columns are in these units."""
    always = choice.categorical | choice.numeric
    profile = Profile.fit(found.reference, categorical=found.categorical, always=always)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # values that are far beyond those of the reference: as far as can be
        report = score(profile, found.current, thresholds=thresholds, statistics=choice.statistics)
        counts = count(profile, found.current)
    restored = units.restored(profile)
    issues = _issues(restored, units.restored_counts(profile, counts), found)
    return restored, units.restored_report(restored, report), issues


def _issues(profile: Profile, counts: Counts, found: Matched) -> tuple[DataQualityIssue, ...]:
    """The data quality issues, also of columns that are left out."""
    issues = quality(profile, counts)
    known = {issue.feature for issue in issues if issue.kind is DataQualityIssueKind.TYPE_CHANGED}
    changed = (type_changed(name, *kinds) for name, kinds in found.changed.items() if name not in known)
    return (*changed, *issues)


def _mix(found: Matched, by: str | None, thresholds: Thresholds) -> FeatureDrift | None:
    """Whether the segments have other shares of the rows than in the reference."""
    if by is None or found.parts is None:
        return None
    profile = Profile.fit({by: found.parts[0]}, categorical=[by], always=[by])
    return score(profile, {by: found.parts[1]}, thresholds=thresholds)[by]

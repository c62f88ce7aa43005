"""What a check found: good, bad, or not known where Google did not answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final

from functions.cli.doctor.google import AskError


class Verdict(StrEnum):
    """Of a finding."""

    GOOD = "good"
    BAD = "bad"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table.

    Attributes:
        check: the kind of thing that was looked at.
        subject: which one.
        verdict: of it.
        detail: what was found, and what to do where it is bad.
        dollars: that it costs a day, where it is a statement.
    """

    check: str
    subject: str
    verdict: Verdict
    detail: str = ""
    dollars: float = 0.0


MOST_ALIKE: Final = 4
"""Findings of a check that are alike and have a line each."""
_GOOD: Final = Verdict.GOOD
_ORDER: Final = (Verdict.BAD, Verdict.NOT_KNOWN, Verdict.GOOD)
Check = Callable[[], Iterable[Finding]]


def run(name: str, check: Check) -> Iterator[Finding]:
    """The findings of a check; where Google does not answer it, that it is not known."""
    try:
        yield from check()
    except AskError as error:
        yield Finding(check=name, subject="all", verdict=Verdict.NOT_KNOWN, detail=str(error))


def missing(check: str, wanted: Iterable[str], found: Iterable[str], *, advice: str) -> Iterator[Finding]:
    """Bad findings of what is absent, and one good finding where nothing is.

    >>> [one.subject for one in missing("api", ["a", "b"], ["b"], advice="enable it")]
    ['a']
    """
    absent = sorted(set(wanted) - set(found))
    for one in absent:
        yield Finding(check=check, subject=one, verdict=Verdict.BAD, detail=f"absent: {advice}")
    if not absent:
        yield Finding(check=check, subject="all", verdict=Verdict.GOOD, detail=f"{len(set(wanted))} are there")


def brief(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with what needs somebody first, and alike ones of a check in one line.

    Good ones of a check are alike; others where they have the same detail.

    >>> good = [Finding(check="statement", subject=f"{n}.sql", verdict=Verdict.GOOD, dollars=0.5) for n in range(9)]
    >>> bad = Finding(check="table", subject="orders", verdict=Verdict.BAD, detail="not partitioned")
    >>> [(one.subject, one.detail) for one in brief([*good, bad])]
    [('orders', 'not partitioned'), ('9, as 0.sql', '4.50 $ a day together')]
    """
    listed = sorted(findings, key=lambda one: _ORDER.index(one.verdict))
    found: list[Finding] = []
    for _, alike in groupby(listed, key=lambda one: (one.check, one.verdict, one.verdict is _GOOD or one.detail)):
        group = list(alike)
        found += group if len(group) <= MOST_ALIKE else [_together(group)]
    return found


def _together(group: Sequence[Finding]) -> Finding:
    first, dollars = group[0], sum(one.dollars for one in group)
    cost = f"{dollars:,.2f} $ a day together" if dollars else ""
    detail = cost if first.verdict is _GOOD else "; ".join(filter(None, (first.detail, cost)))
    return replace(first, subject=f"{len(group)}, as {first.subject}", detail=detail, dollars=dollars)


def status(findings: Iterable[Finding]) -> int:
    """The exit status: 1 where anything is bad, else 2 where anything is not known, else 0."""
    verdicts = {one.verdict for one in findings}
    return 1 if Verdict.BAD in verdicts else 2 if Verdict.NOT_KNOWN in verdicts else 0

"""What a check found: good, bad, or not known where Google did not answer."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

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
    """

    check: str
    subject: str
    verdict: Verdict
    detail: str = ""


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


def status(findings: Iterable[Finding]) -> int:
    """The exit status: 1 where anything is bad, else 2 where anything is not known, else 0."""
    verdicts = {one.verdict for one in findings}
    return 1 if Verdict.BAD in verdicts else 2 if Verdict.NOT_KNOWN in verdicts else 0

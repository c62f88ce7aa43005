"""Decides anew on what was kept, and compares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from core.incidents.policy import incident_policy
from core.replay.compare import Comparison, PagePolicy, compare
from core.replay.engine import replay
from core.replay.inputs import Input, span
from core.settings import Settings
from core.settings.people import Hours, weekdays
from functions.services.replay.summary import Header

HOURS = "mon-fri 08:00-18:00"
"""When people are at work, where nobody says."""
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"(?:(?P<days>[a-z-]+) )?(?P<since>{_TIME})-(?P<until>{_TIME})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be tried.

    Attributes:
        name: of the settings.
        settings: the settings.
        pagers: the channels that page people.
        hours: when people are at work.
        since: the start of what is compared.
        warm_up: what was decided so long before is replayed and not compared.
    """

    name: str
    settings: Settings
    pagers: frozenset[str]
    hours: Hours
    since: datetime
    warm_up: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A comparison.

    Attributes:
        header: what was replayed.
        comparison: the messages that were sent, against those that would have been sent.
        has_findings: whether there was a finding to compare; without one there is no verdict.
    """

    header: Header
    comparison: Comparison
    has_findings: bool


def try_out(found: Sequence[Input], proposal: Proposal) -> Outcome | None:
    """Replay and compare; None where nothing is kept.

    Args:
        found: what was kept, each once.
        proposal: the settings to try.
    """
    times = span(found)
    if times is None:
        return None
    since = max(times[0], proposal.since)
    kept = [one for one in found if one.decided_at >= since - proposal.warm_up]
    replayed = replay(kept, incident_policy(proposal.settings, ""))
    watch = PagePolicy(pagers=proposal.pagers, hours=proposal.hours)
    header = Header(
        settings=proposal.name,
        since=since,
        until=times[1],
        kept_since=times[0],
        findings=replayed.findings,
        skipped=replayed.skipped,
    )
    return Outcome(
        header=header,
        comparison=compare(kept, replayed, watch, since=since),
        has_findings=any(one.kind == "finding" and one.decided_at >= since for one in kept),
    )


def working(text: str) -> Hours | None:
    """Working hours; None where the text is not of the form `mon-fri 08:00-18:00`.

    >>> hours = working("sat 09:00-12:00")
    >>> hours.since, sorted(hours.days), working("at night")
    (datetime.time(9, 0), [5], None)
    """
    found = _HOURS.fullmatch(text)
    days = weekdays(found["days"] or "mon-sun") if found else None
    if found is None or days is None:
        return None
    return Hours(since=time.fromisoformat(found["since"]), until=time.fromisoformat(found["until"]), days=days)

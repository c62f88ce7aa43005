"""Reads of data: far more bytes of BigQuery than an account usually reads, and secrets that somebody reads for the first time.

BigQuery logs each finished job with what it processed (`JobChange` of `BigQueryAuditMetadata`,
https://cloud.google.com/bigquery/docs/reference/auditlogs/rest/Shared.Types/BigQueryAuditMetadata), Secret Manager each
`AccessSecretVersion` where data access logs are enabled (https://cloud.google.com/secret-manager/docs/audit-logging).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median

from core.security.entry import AuditEntry
from core.security.marks import Mark, Marks
from core.security.places import Places
from core.security.signal import Measured, Signal, signal
from core.settings import DetectionName, SecuritySettings

GIB = 2.0**30
DEVIATIONS = 6.0
"""Robust standard deviations beyond the median that are unusual, besides the factor of the settings."""
SIGMA = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""
FEWEST_DAYS = 5
"""Days with reads from which what is usual is known."""
SINGLE_JOBS = 200
"""The newest jobs of an account that are remembered each by itself."""
READER_MEMORY = timedelta(days=3650)
"""Readers of a secret are remembered as long as there are not too many of them."""


def reading_account(entry: AuditEntry) -> str:
    """Who read from BigQuery; empty where nobody did."""
    return entry.principal if entry.job and entry.bytes_read > 0 else ""


def read_bytes(entry: AuditEntry) -> Mark:
    """The mark of a job; BigQuery logs some jobs in two formats, so the job counts, not the entry."""
    return Mark(entry.at, entry.job, "", float(entry.bytes_read))


def by_day(marks: Marks) -> Marks:
    """The newest marks, and the sums by day of those before: a job that comes again after as many others is counted again."""
    sums, firsts = defaultdict[date, float](float), dict[date, Mark]()
    for one in marks[:-SINGLE_JOBS]:
        sums[one.at.date()] += one.value
        firsts.setdefault(one.at.date(), one)
    older = (Mark(firsts[day].at, f"day {day}", "", total) for day, total in sums.items())
    return (*sorted(older), *marks[-SINGLE_JOBS:])


def exfiltration(entry: AuditEntry, marks: Marks, settings: SecuritySettings, _places: Places) -> Iterator[Signal]:
    """A day on which an account reads far more than on its median day.

    The threshold is the largest of the least that matters, the median times the factor, and the median and six robust standard
    deviations. Before there are enough days it is not known.
    """
    days = defaultdict[date, float](float)
    for one in marks:
        days[one.at.date()] += one.value
    today = days.pop(entry.at.date(), 0.0)
    usual = [total for day, total in days.items() if day < entry.at.date()]
    learnt = min(days, default=entry.at.date()) + settings.learn_for <= entry.at.date()
    if len(usual) < FEWEST_DAYS or not learnt:
        return
    threshold = _threshold(usual, settings)
    if today > threshold:
        yield signal(
            entry,
            DetectionName.EXFILTRATION,
            f"account/{entry.principal}",
            "reads",
            f"{entry.principal}: read {today / GIB:.1f} GiB of BigQuery on {entry.at:%Y-%m-%d}, {median(usual) / GIB:.1f} GiB on a median day",
            measured=Measured(value=today, threshold=threshold, unit="bytes"),
        )


def _threshold(usual: list[float], settings: SecuritySettings) -> float:
    middle = median(usual)
    spread = SIGMA * median(abs(one - middle) for one in usual)
    return max(settings.read_minimum * GIB, settings.read_factor * middle, middle + DEVIATIONS * spread)


def secret_read(entry: AuditEntry) -> str:
    """The secret that was read, without its version; empty where none was."""
    return (
        entry.resource.partition("/versions/")[0]
        if entry.short_method == "AccessSecretVersion" and entry.principal
        else ""
    )


def by_reader(marks: Marks) -> Marks:
    """The first mark of each principal."""
    firsts = dict[str, Mark]()
    for one in marks:
        firsts.setdefault(one.key, one)
    return tuple(sorted(firsts.values()))


def secret_access(entry: AuditEntry, marks: Marks, settings: SecuritySettings, _places: Places) -> Iterator[Signal]:
    """A principal that reads a secret for the first time, once the secret's readers are learnt."""
    own = [one for one in marks if one.key == entry.principal]
    is_first = bool(own) and own[0].id == entry.id
    if not is_first or entry.at - marks[0].at < settings.learn_for:
        return
    secret = secret_read(entry)
    yield signal(
        entry,
        DetectionName.SECRET_ACCESS,
        f"secret/{secret.rpartition('/')[2]}",
        entry.principal,
        f"{secret.rpartition('/')[2]}: read for the first time by {entry.principal}",
    )

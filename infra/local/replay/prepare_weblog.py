"""Makes `infra/local/data/weblog.parquet` from a web log in Apache's combined format.

    python -m infra.local.replay.prepare_weblog apache_access.log.gz

The log is `Common Data Formats/apache_logs/apache_logs` of github.com/elastic/examples. No address is kept and none can
be found again: visits are numbered in the order in which they began. The same log gives the same bytes with the same
version of pyarrow.
"""

import argparse
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.replay.weblog import FIRST, HOURS, WEBLOG

IDLE = timedelta(minutes=30)
"""After this time without a request, the next one starts another visit."""
FAILED = 400
"""From this status on a request has failed."""

_LINE = re.compile(
    r'(?P<who>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "[^"]*" (?P<status>\d{3}) \S+ "[^"]*" "(?P<agent>[^"]*)"\s*'
)
_BROWSER = re.compile(r"Mozilla/|Opera/")
_ROBOT = re.compile(r"bot|crawl|spider|slurp|feed|fetch|monitor|scan|http|@|\.com", re.IGNORECASE)
_TABLET = re.compile(r"iPad|Tablet|Kindle|Silk|Android(?!.*Mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"Mobi|iPhone|iPod|BlackBerry|Opera Mini", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the log that a person's browser caused."""

    at: datetime
    who: tuple[str, str]
    device: str
    failed: bool


def device(agent: str) -> str:
    """The kind of device that a browser says it runs on, or nothing where it is no browser of a person.

    >>> device("Mozilla/5.0 (X11; Linux x86_64)"), device("Mozilla/5.0 (iPad; CPU OS 7_0)"), device("Opera/9.8 (Opera Mini)")
    ('desktop', 'tablet', 'mobile')
    >>> device("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), device("curl/7.1")
    ('', '')
    """
    if not _BROWSER.match(agent) or _ROBOT.search(agent):
        return ""
    return "tablet" if _TABLET.search(agent) else "mobile" if _MOBILE.search(agent) else "desktop"


def read(lines: Iterable[str], left_out: Counter[str]) -> Iterator[Request]:
    """The requests of people; dropped requests are counted by reason."""
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            left_out["unreadable"] += 1
        elif not (kind := device(match["agent"])):
            left_out["robots and programs"] += 1
        else:
            at = datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z")
            yield Request(at, (match["who"], match["agent"]), kind, int(match["status"]) >= FAILED)


def prepare(requests: Iterable[Request]) -> pa.Table:
    """The compact table: one row a request, in order of time."""
    ordered = sorted(requests, key=lambda request: request.at)
    seconds = [int((request.at - FIRST).total_seconds()) for request in ordered]
    if not all(0 <= second < HOURS * 3600 for second in seconds):
        raise ValueError(f"log: must lie within {HOURS} hours from {FIRST.isoformat()}")
    return pa.table(
        {
            "second": pa.array(seconds, pa.int32()),
            "session": pa.array(_sessions(ordered), pa.int16()),
            "device": pa.array([request.device for request in ordered]).dictionary_encode(),
            "failed": pa.array([request.failed for request in ordered]),
        }
    )


def _sessions(ordered: Iterable[Request]) -> list[int]:
    """The number of each request's visit: of one browser at one address, without a longer pause."""
    newest: dict[tuple[str, str], tuple[datetime, int]] = {}
    numbers, count = [], 0
    for request in ordered:
        last = newest.get(request.who)
        if last is None or request.at - last[0] > IDLE:
            count += 1
            last = (request.at, count)
        newest[request.who] = (request.at, last[1])
        numbers.append(last[1])
    return numbers


def main() -> None:
    """Write the file, and print what was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--to", type=Path, default=WEBLOG)
    given = parser.parse_args()
    left_out: Counter[str] = Counter()
    with gzip.open(given.log, "rt", errors="replace") as lines:
        table = prepare(read(lines, left_out))
    pq.write_table(table, given.to, compression="zstd")
    print(f"{len(table)} requests, {given.to.stat().st_size} bytes in {given.to}")
    print("left out: " + ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())))


if __name__ == "__main__":
    main()

"""How long a replay of a month takes: 50,000 findings of 400 services, one core; one Markdown table.

    python tests/benchmarks/replay/run.py [--findings 50000] [--days 30] [--seed 1]

The findings are decided on once, to have what was told, and are then replayed from rows, as `aia replay --from` does.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks" / "incidents")]

import msgspec  # noqa: E402 - the tests' own modules are found from the root
from decisions import furnished  # noqa: E402

from core.events import Command, DecisionKind, Delivered, Finding, IncidentDecision, Severity, Status, Verb  # noqa: E402
from core.incidents.lifecycle import make_incident_id  # noqa: E402
from core.replay.compare import PagePolicy, compare  # noqa: E402
from core.replay.engine import Replayed, replay  # noqa: E402
from functions.cli.replay.read import from_file  # noqa: E402
from functions.services.incidents.kept_decisions import inputs  # noqa: E402
from functions.services.incidents.records import about, about_sweep  # noqa: E402
from functions.services.replay.run import HOURS, working  # noqa: E402
from tests.support.builders.decided import write_decisions  # noqa: E402

START = datetime(2026, 1, 5, tzinfo=UTC)
KINDS = ("latency", "errors", "drift", "saturation", "availability")
POLICY = furnished()
GROUPS = POLICY.graph
TARGET = 30.0


def happened(seed: int, count: int, days: int) -> Iterator[Finding | Command]:
    """Outages: a condition fires, is repeated every five minutes or gets worse, and recovers; most are acknowledged."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        at = START + timedelta(seconds=rng.random() * (days - 1) * 86_400)
        target, kind, severity = f"service/s{rng.randrange(400)}", rng.choice(KINDS), rng.choice(tuple(Severity))
        repeats = min(int(rng.expovariate(1 / 10)), count - made - 2)
        for number in range(repeats + 1):
            worse = Severity.CRITICAL if rng.random() < 0.02 else severity
            yield _finding(target, kind, worse, at + number * timedelta(minutes=5))
        end = at + repeats * timedelta(minutes=5) + timedelta(minutes=rng.randint(1, 5))
        yield _finding(target, kind, severity, end, Status.RESOLVED)
        made += repeats + 2
        if rng.random() < 0.8:
            subject = make_incident_id(target, at, GROUPS.group(target))
            when = at + timedelta(minutes=rng.randint(1, 30))
            yield Command(verb=Verb.ACKNOWLEDGE, subject=subject, by="ada", at=when)


def _finding(target: str, kind: str, severity: Severity, at: datetime, status: Status = Status.FIRING) -> Finding:
    return Finding(
        target=target,
        kind=kind,
        status=status,
        severity=severity,
        observed_at=at,
        source="benchmark",
        summary=f"{kind} of {target} is out of bounds",
        value=2.0,
        threshold=1.0,
        unit="seconds",
        evidence={"p95": "2 s"},
    )


def decided(seed: int, count: int, days: int) -> Iterator[IncidentDecision]:
    """The records of a month: what happened, and a sweep every minute."""
    for event in happened(seed, count, days):
        if isinstance(event, Finding):
            yield about(event, GROUPS.group(event.target), event.observed_at)
        else:
            yield about(event, "", event.at)
    for minute in range(days * 1440):
        at = START + timedelta(minutes=minute)
        yield about_sweep(at, at=at)


def told(replayed: Replayed) -> Iterator[IncidentDecision]:
    """The messages of a replay, as if they had been delivered."""
    for at, message in replayed.messages:
        delivered = Delivered(
            incident_id=message.incident_id,
            outcome="delivered",
            target=message.target,
            channel=message.channel,
            change=message.change,
            severity=message.severity,
            title=message.title,
        )
        yield IncidentDecision(
            kind=DecisionKind.DELIVERY,
            incident_group=message.target,
            revision=0,
            event_id=message.key,
            target="",
            event=msgspec.json.encode(delivered).decode(),
            published_at=at,
            decided_at=at,
        )


def main() -> int:
    """Measure, print the table; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--findings", type=int, default=50_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    records = list(decided(options.seed, options.findings, options.days))
    with tempfile.TemporaryDirectory() as name:
        path = write_decisions(records, Path(name) / "month.jsonl")
        answered = replay(inputs(from_file(path)), POLICY)
        took, read, same = measured(write_decisions([*records, *told(answered)], path))
    share = f"{options.days} days with {options.findings:,} findings and {len(answered.messages):,} messages"
    print("| | target | measured | met |\n|---|---|---|---|")
    print(
        f"| {share}, replayed and compared on one core | < {TARGET:g} s | {took:.1f} s, of which {read:.1f} s reading |"
        f" {'yes' if took < TARGET else '**no**'} |"
    )
    print(f"| messages that differ with the same settings | 0 | {same} | {'**no**' if same else 'yes'} |")
    return int(took >= TARGET or same > 0)


def measured(path: Path) -> tuple[float, float, int]:
    """Processor seconds of a replay and of its reading, and the messages that differ."""
    started = time.process_time()
    found = inputs(from_file(path))
    read = time.process_time() - started
    replayed = replay(found, POLICY)
    comparison = compare(found, replayed, PagePolicy(pagers=frozenset({"pager"}), hours=working(HOURS)), since=START)
    return time.process_time() - started, read, len(comparison.changed)


if __name__ == "__main__":
    sys.exit(main())

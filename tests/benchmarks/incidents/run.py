"""How incidents hold under a storm: one run, one seed, one Markdown table in `build/bench_incidents.md`.

    python tests/benchmarks/incidents/run.py [--quick] [--seed 1] [storm decisions crashes hostile all-clear sweeps]

Programs, bus, store and receivers are real and on this machine; how fast they are depends on what else it does.
"""

import argparse
import logging
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

import decisions  # noqa: E402 - the tests' own modules are found from the root
import storm as storms  # noqa: E402
import sweeps  # noqa: E402
from machine import Machine, running  # noqa: E402
from workload import Plan  # noqa: E402

from tests.support.builders import hostile  # noqa: E402
from tests.support.crash import all_clear as all_clears  # noqa: E402
from tests.support.crash import crashes  # noqa: E402

QUIET_PAGES = 100
PATIENCE = 900.0
"""Seconds for which messages that wait for a limit are waited for."""
QUICK_PATIENCE = 5.0
SWEPT_EVERY = 60.0
"""Seconds between two sweeps."""
FUNCTIONS = ("alert_intake", "incident_router", "incident_sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table; `met` is None where there is no target."""

    what: str
    target: str
    found: str
    met: bool | None = None


def storm(seed: int, *, quick: bool) -> Iterator[Row]:
    """The storm on the running system, and one critical finding after the other before it."""
    plan = Plan(seed=seed)
    plan = plan.quick if quick else plan
    with tempfile.TemporaryDirectory() as name, running(Path(name), plan) as machine:
        yield _quiet(storms.quiet(machine, QUIET_PAGES))
        found = storms.hit(machine, plan, patience=QUICK_PATIENCE if quick else PATIENCE)
        yield from _kept(storms.kept(machine, plan), found)
        yield from _messages(machine, found)
        yield from _costs(found)


def _quiet(delays: Sequence[float]) -> Row:
    p99 = _quantile(delays, 0.99)
    return Row(
        what=f"critical finding to its page without load, {len(delays)} findings",
        target="p99 < 5 s",
        found=f"p50 {statistics.median(delays):.3f} s, p99 {p99:.3f} s",
        met=p99 < 5,
    )


def _kept(kept: storms.Kept, found: storms.Storm) -> Iterator[Row]:
    plan = found.plan
    yield Row(
        what=f"{plan.alerts:,} alerts in {plan.seconds:g} s ({found.accepted} of them foreign): conditions remembered as"
        " all findings in order say",
        target="all",
        found=f"{kept.conditions - len(kept.lost):,} of {kept.conditions:,}, of {kept.findings:,} different findings",
        met=not kept.lost and kept.conditions > 0,
    )
    yield Row(
        what="newest incident of each group as all findings in order say",
        target="all",
        found=f"{kept.groups - len(kept.strayed)} of {kept.groups}",
        met=not kept.strayed,
    )
    yield Row(
        what="steps of incidents published and in the audit table: missing, doubled",
        target="0, 0",
        found=f"{kept.missing}, {kept.doubled} of {kept.changes:,} steps of {kept.incidents} incidents;"
        f" {kept.audited:,} rows",
        met=not kept.missing and not kept.doubled and kept.audited == kept.changes,
    )


def _messages(machine: Machine, found: storms.Storm) -> Iterator[Row]:
    delays = storms.delays(machine, found)
    p99 = _quantile(delays, 0.99)
    yield Row(
        what="first page of each critical incident in the storm",
        target="p99 < 5 s, all paged",
        found=f"{len(delays)} of {len(found.published)}; p50 {statistics.median(delays):.2f} s, p99 {p99:.2f} s",
        met=p99 < 5 and len(delays) == len(found.published),
    )
    for receiver, most, what in (("pagerduty", 100, "calls a key"), ("slack", 60, "messages a channel")):
        log = machine.log(receiver)
        busiest = storms.most_in_a_minute(machine, receiver)
        yield Row(
            what=f"{receiver}: most {what} in any 60 s, refusals of the server",
            target=f"≤ {most}, 0",
            found=f"{busiest}, {log['violations']}; {len(log['calls'])} in all",
            met=busiest <= most and not log["violations"],
        )
    told = f"after {found.told_in:.0f} s" if found.told_in else f"not awaited: {found.waiting} wait for their turn"
    sent = sum(len(list(storms.calls(machine, *account))) for account in storms.ACCOUNTS)
    yield Row(what="messages that people got, the last of them", target="-", found=f"{sent}, {told}")


def _costs(found: storms.Storm) -> Iterator[Row]:
    yield Row(
        what="every finding handled",
        target="-",
        found=f"{found.drained_in:.0f} s after the first came, sent in {found.sent_in:.0f} s:"
        f" {found.plan.alerts / found.drained_in:.0f} a second",
    )
    peak = {name: found.used[name].peak for name in FUNCTIONS}
    yield Row(
        what="memory of a function at most",
        target="< 300 MB",
        found=", ".join(f"{name} {size:.0f} MB" for name, size in peak.items()),
        met=max(peak.values()) < 300,
    )
    cpu = ", ".join(f"{name} {found.used[name].cpu:.1f} s" for name in FUNCTIONS)
    each = found.used["incident_router"].cpu / found.plan.alerts
    yield Row(what="CPU", target="-", found=f"{cpu}: {each * 1000:.1f} ms of the router an alert")


def decided(seed: int, *, quick: bool) -> Iterator[Row]:
    """Decisions a second of one core."""
    found = decisions.findings(seed, 10_000)
    repeats = 3 if quick else 7
    both = decisions.rate(found, told=True, repeats=repeats)
    alone = decisions.rate(found, told=False, repeats=repeats)
    yield Row(
        what="decisions over findings, a second of one core",
        target="≥ 50,000",
        found=f"{alone:,.0f}",
        met=alone >= 50_000,
    )
    real = decisions.rate(found, told=True, policy=decisions.furnished(), repeats=repeats)
    yield Row(what="findings a second, decided and told", target="-", found=f"{both:,.0f}")
    yield Row(what="the same with dependencies, revenue and people", target="-", found=f"{real:,.0f}")


def crashed(seed: int, *, quick: bool) -> Iterator[Row]:
    """Stories in which programs are killed anywhere."""
    stories = 200 if quick else 1000
    counts: Counter[str] = Counter()
    for number in range(stories):
        one = crashes.tell(seed * 1_000_000 + number)
        counts.update(kills=one.kills, faults=one.faults, effects=one.effects, repeated=one.repeated)
        counts.update(lost=len(one.lost), doubled=len(one.doubled), applied=one.applied, reapplied=one.reapplied)
    yield Row(
        what=f"{stories} stories with {counts['kills']:,} kills and {counts['faults']:,} faults of router, sweep and action"
        " runner: lost, doubled",
        target="0, 0",
        found=f"{counts['lost']}, {counts['doubled']} of {counts['effects']:,} effects; {counts['repeated']:,} were made"
        " again under the same key, as nobody knew that they were made",
        met=not counts["lost"] and not counts["doubled"],
    )
    yield Row(
        what="destructive actions applied, called again with the same key, as nobody knew of the first call",
        target="-",
        found=f"{counts['applied']:,}, {counts['reapplied']}",
    )


def all_clear(seed: int, *, quick: bool) -> Iterator[Row]:
    """Histories in which programs are killed and the store fails, judged by what people were told."""
    many = 1000 if quick else 20_000
    counts: Counter[str] = Counter()
    for number in range(many):
        history = all_clears.told(seed * 1_000_000 + number)
        lasting = all_clears.lasting(history)
        counts.update(messages=len(history.setup.world.told), false=len(history.false), lasting=len(lasting))
    yield Row(
        what=f"{many:,} histories with kills and faults, {counts['messages']:,} messages: told that it is over while it fires, left"
        " without an open incident while it fires",
        target="0, 0",
        found=f"{counts['false']}, {counts['lasting']}",
        met=not counts["false"] and not counts["lasting"],
    )


def hostile_bodies(seed: int, *, quick: bool) -> Iterator[Row]:
    """Mutations of saved alerts of other systems, always the same ones."""
    del seed
    bodies = list(hostile.bodies())
    bodies = bodies[: len(bodies) // 5] if quick else bodies
    counts: Counter[str] = Counter()
    started = time.process_time()
    for body in bodies:
        try:
            accepted, parked = hostile.check(body)
        except Exception as error:  # noqa: BLE001 - whatever breaks is what is counted
            counts.update(broken=1)
            print(f"broken: {error!r:.200}", file=sys.stderr)
        else:
            counts.update(accepted=accepted, parked=parked)
    took = time.process_time() - started
    yield Row(
        what=f"{len(bodies):,} mutated bodies of foreign alerts: broken or lost",
        target="0",
        found=f"{counts['broken']}; {counts['accepted']:,} findings, {counts['parked']:,} parked,"
        f" {len(bodies) / took:,.0f} bodies a second",
        met=not counts["broken"],
    )


def swept(seed: int, *, quick: bool) -> Iterator[Row]:
    """Many active groups whose escalations are due over an hour, and many that are due at once."""
    del seed
    many, storm = (1000, 3000) if quick else (50_000, 10_000)
    found = sweeps.hour(many)
    yield Row(
        what=f"{many:,} active groups, escalations over an hour: oldest overdue at a sweep, all told",
        target="≤ 60 s, all",
        found=f"{max(found.overdue):.0f} s, {len(found.late):,}; told {max(found.late):.0f} s after its time at most, a sweep"
        f" takes {statistics.median(found.seconds):.1f} s, the longest {max(found.seconds):.1f} s",
        met=max(found.overdue) <= SWEPT_EVERY and len(found.late) == many,
    )
    found = sweeps.at_once(storm)
    yield Row(
        what=f"{storm:,} escalations due at one instant, batches one after the other on one core",
        target="critical ones first, all told",
        found=f"critical ones after {max(found.critical):.1f} s, all after {max(found.late):.1f} s",
        met=len(found.late) == storm and max(found.critical) < max(found.late),
    )


PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "decisions": decided,
    "hostile": hostile_bodies,
    "crashes": crashed,
    "all-clear": all_clear,
    "sweeps": swept,
    "storm": storm,
}


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(rows: list[Row], seed: int, *, quick: bool) -> str:
    """The rows as Markdown."""
    marks = {True: "yes", False: "**no**", None: "-"}
    lines = [
        f"Benchmark of incidents, seed {seed}{', quick' if quick else ''}.",
        "",
        "| | target | measured | met |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.target} | {row.found} | {marks[row.met]} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="less of everything, and messages are not waited for")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"PART: must be of {', '.join(PARTS)}, got {', '.join(unknown)}")
    rows = []
    for name in options.parts or PARTS:
        logging.disable(logging.NOTSET if name == "storm" else logging.CRITICAL)
        for row in PARTS[name](options.seed, quick=options.quick):
            print(f"{row.what}: {row.found}", file=sys.stderr, flush=True)
            rows.append(row)
    text = table(rows, options.seed, quick=options.quick)
    target = ROOT / "build" / "bench_incidents.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    print(text)
    return 1 if any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

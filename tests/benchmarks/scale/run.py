"""What a tick of very many models costs on our side: CPU, statements, store operations, reads of a row.

    python tests/benchmarks/scale/run.py [--models 1000] [--wait 0.1] [--profile]

The models have fifty features and share a table. They are scored as deployed, from the push request to the answer, shard after shard, over
ports in memory; profiles and counts are read cold, after a wait as of a real service. The CPU of the ports is not counted.
"""

import argparse
import base64
import cProfile
import json
import pstats
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from outside import MemoryBus, MemoryStore, MemoryWarehouse, Meter, MeteredMetrics

from core.drift import count, joint, score_counts
from core.drift.joint import ROWS
from core.events import ScoringShard, Tick, UsedVersion
from core.settings import Features, Model, Reference, Settings
from functions.adapters.events import encode
from functions.adapters.ports import Data
from functions.adapters.warehouse import parts
from functions.drift_score.baseline import Baseline, learn
from functions.drift_score.bigquery import SCORES
from functions.drift_score.main import build
from functions.drift_score.scoring import NAME
from functions.drift_score.shards import COUNTED_A_SHARD
from functions.drift_score.slots import statements
from functions.drift_score.slots.slot_counts import SLOT, SlotCounts, profile_name
from functions.drift_score.statements import SECOND
from functions.drift_score.window import Window
from functions.services.models import Models
from tests.support.builders.slot_windows import cells_of
from tests.support.fakes.model_table import ModelTable
from tests.support.fakes.ports import MemoryPorts, posted, push

FEATURES = 50
CELLS = 1024
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL = Model(
    name="model",
    owner="platform",
    table="telemetry.predictions",
    timestamp="scored_at",
    id="prediction_id",
    score="score",
    features=Features(numeric=tuple(f"f{k}" for k in range(FEATURES)), categorical=()),
    reference=Reference(days=30, until=START.date() - timedelta(days=30)),
    window=7 * DAY,
    exact_rows=1000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        what: is measured.
        found: the figure.
        most: the target.
        unit: of both; empty for a number.
    """

    what: str
    found: float
    most: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is kept."""
        return self.found <= self.most

    def line(self) -> str:
        """As Markdown."""
        found, most = (f"{number:,.4g}" if number < 100 else f"{number:,.0f}" for number in (self.found, self.most))
        ratio = f"{self.found / self.most:.2f}" if self.most else ""
        met = "yes" if self.met else "**no**"
        unit = f" {self.unit}" if self.unit else ""
        return f"| {self.what} | {found}{unit} | at most {most}{unit} | {ratio} | {met} |"


@dataclass
class Platform:
    """Models of one table, and drift_score over ports in memory.

    Attributes:
        models: how many.
        wait: seconds of a read.
    """

    models: int
    wait: float
    meter: Meter = field(init=False)
    metrics: MeteredMetrics = field(init=False)
    bus: MemoryBus = field(init=False)
    store: MemoryStore = field(init=False)
    warehouse: MemoryWarehouse = field(init=False)
    known: dict[str, Model] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(1)
        names = (*MODEL.features.names, MODEL.score)
        learnt = {name: rng.standard_normal(20_000) for name in names}
        start = START - 60 * DAY
        reference = Window(model=MODEL, version="1", start=start, end=start + 30 * DAY)
        seconds = start.timestamp() + np.linspace(0, 30 * 86_400, 20_000, endpoint=False)
        self._stored = learn(reference, learnt | {SECOND: seconds}, 300_000).to_data()
        self.profile = Baseline.from_data(MODEL, self._stored).profile
        current = {name: rng.standard_normal(70_000) for name in names}
        self.counts = count(self.profile, current)
        self._cells = cells_of(self.profile, self.counts)
        sampled = -(-ROWS // (MODEL.window // SLOT)) * (MODEL.window // SLOT)
        places = joint.sample(
            self.profile.joint, {name: column[:sampled] for name, column in current.items()}, most=sampled
        ).places
        text = base64.b64encode(places.T.astype(">f4").tobytes()).decode()
        self._sample = {"sample_features": ",".join(map(str, range(FEATURES))), "sample": text}
        self.known = {
            name: replace(MODEL, name=name) for name in (f"model-{number:06d}" for number in range(self.models))
        }
        self.meter = Meter(self.wait)
        self.metrics, self.bus = MeteredMetrics(self.meter), MemoryBus(self.meter)
        self.store = MemoryStore(self.meter, profile=lambda _: self._stored)
        self.warehouse = MemoryWarehouse(self.meter, self._answer)

    def ports(self) -> MemoryPorts:
        """Of a new instance."""
        return MemoryPorts(
            function=NAME,
            settings=Settings(jobs={}, models=tuple(self.known.values())),
            cron="*/15 * * * *",
            store=self.store,
            bus=self.bus,
            warehouse=self.warehouse,
            metrics=self.metrics,
            models=Models(tuple(self.known.values()), ModelTable(), lambda: START),
            clock=lambda: START,
        )

    def deliver(self, data: bytes, at: datetime) -> None:
        """A message to a new instance."""
        body, status = build(self.ports())(posted(push(data, at.isoformat())))
        if status != 204:
            raise RuntimeError(f"drift_score: must answer 204, got {status}: {body}")

    def tick(self, at: datetime) -> float:
        """A tick with all its parts; CPU seconds of our side."""
        before, started = self.meter.seconds, time.process_time()
        self.deliver(encode(Tick(job=NAME, scheduled_at=at)), at)
        while parts := self.bus.taken("scoring"):
            for part in parts:
                self.deliver(part, at)
        return time.process_time() - started - (self.meter.seconds - before)

    def _answer(self, sql: str, parameters: Data) -> list[Data]:
        if sql == statements.REGISTERED:
            return [{"model": name, "profile": self._profile_name(name)} for name in self.known]
        if sql == statements.READ_COUNTED:
            newest = {"newest": parameters["window_end"], "features": self._cells, "parts": [self._sample]}
            return [{"model": name, "profile": self._profile_name(name)} | newest for name in parameters["models"]]
        if sql == statements.VERSIONS:
            return [asdict(used(name)) for name in parameters["models"]]
        return []

    def _profile_name(self, name: str) -> str:
        return profile_name(self.known[name], "1", self.profile)


def used(name: str) -> UsedVersion:
    """The version of a model in use."""
    span = {"reference_start": START - 60 * DAY, "reference_end": START - 30 * DAY}
    return UsedVersion(model=name, version="1", in_use_from=START - 40 * DAY, **span)


def shard(at: datetime, names: Sequence[str]) -> bytes:
    """The message of a shard whose table has been counted."""
    return encode(ScoringShard(scheduled_at=at, models=tuple(names), batch="b", versions=tuple(map(used, names))))


def rows(platform: Platform) -> Iterator[Row]:
    """All rows of the table."""
    share = platform.models / 1000
    platform.tick(START)
    findings, calls = platform.bus.findings, platform.meter.calls.copy()
    seconds = platform.tick(START + SLOT)
    done = platform.meter.calls - calls
    of = f"{platform.models:,} models of {FEATURES} features"
    yield Row(what=f"CPU of a tick, {of}", found=seconds, most=4 * share, unit="s")
    shards = -(-platform.models // COUNTED_A_SHARD)
    whole = planning(100_000) + 100_000 / platform.models * seconds
    yield Row(
        what="CPU of a tick, 100,000 models, planned as measured, scored as the shards above",
        found=whole,
        most=300,
        unit="s",
    )
    yield Row(what=f"statements and appends of a tick, {of}", found=done["statements"] + done["appends"], most=20)
    transitions = platform.bus.findings - findings
    yield Row(what=f"store operations of a tick, {of}", found=done["store"], most=2 * transitions + shards)
    yield Row(what="reads of a row, all spans of a day", found=reads_of_a_row(), most=3)
    series = {key[1] for key in platform.metrics.kept.values if key[0] == "aia_drift_scored_timestamp_seconds"}
    beats = [
        value for key, value in platform.metrics.kept.values.items() if key == ("aia_heartbeat_timestamp_seconds", NAME)
    ]
    missing = platform.models - len(series) + (beats != [(START + SLOT).timestamp()])
    yield Row(what="models without a metric, and heartbeats that are missing", found=missing, most=0)
    yield Row(what="series of a model", found=len(platform.metrics.kept.values) / platform.models, most=14)
    yield Row(
        what=f"scoring from counts, {FEATURES} x {CELLS:,} cells",
        found=1e3 * best(lambda: score_counts(platform.profile, platform.counts), 60),
        most=0.4,
        unit="ms",
    )
    yield Row(what="a model whole, its profile known to the instance", found=1e3 * warm(platform), most=2, unit="ms")
    yield Row(
        what="the scores of a model as a streaming insert has them", found=1e3 * inserted(platform), most=1, unit="ms"
    )


def planning(models: int) -> float:
    """CPU of planning a tick and of publishing the shards of a table."""
    platform = Platform(models, 0.0)
    before, started = platform.meter.seconds, time.process_time()
    platform.deliver(encode(Tick(job=NAME, scheduled_at=START)), START)
    for part in platform.bus.taken("scoring"):
        platform.deliver(part, START)
    return time.process_time() - started - (platform.meter.seconds - before)


def reads_of_a_row() -> float:
    """Days of rows that the counting of a day reads, by the spans of its statements."""
    platform = Platform(1, 0.0)
    slots = SlotCounts(platform.warehouse, platform.store, lambda: START)
    models = list(platform.known.values())
    profiles = slots.registered(models)
    at = START
    while at < START + 3 * DAY:
        at += SLOT
        slots.advance(models, profiles, at)
    counting = [
        given for sql, given in platform.warehouse.statements if "new_start" in given and "INTO ops.cell_counts" in sql
    ]
    last = counting[-round(DAY / SLOT) :]
    spans = (given[f"{name}_end"] - given[f"{name}_start"] for given in last for name in ("new", "late", "day"))
    return sum(spans, timedelta()) / DAY


def warm(platform: Platform, models: int = 30) -> float:
    """CPU of a model whose profile the instance has, in seconds; the best of several ticks."""
    endpoint, meter = build(platform.ports()), platform.meter
    names, found = tuple(platform.known)[:models], []
    for number in range(2, 8):
        at = START + number * SLOT
        data = push(shard(at, names), at.isoformat())
        before, started = meter.seconds, time.process_time()
        endpoint(posted(data))
        found.append((time.process_time() - started - (meter.seconds - before)) / models)
    return min(found[1:])


def inserted(platform: Platform) -> float:
    """CPU of turning the scores of a model into the text of a request, in seconds; the client of the benchmark does not."""
    rows = platform.warehouse.appended[SCORES]
    one = [row for row in rows if row["model"] == rows[0]["model"]]
    return best(lambda: [json.dumps(part) for part in parts(one, "model")], 20)


def best(work: Callable[[], Any], repeats: int) -> float:
    """CPU seconds of this thread in the fastest run."""
    found = []
    for _ in range(repeats):
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)


def profiled(platform: Platform, models: int = 60) -> str:
    """Where the CPU goes, function by function, as a table of cProfile."""
    seen = cProfile.Profile()
    at = START + 20 * SLOT
    for name in tuple(platform.known)[:models]:
        seen.runcall(platform.deliver, shard(at, [name]), at)  # of one model, so that no other thread takes part
    stats = pstats.Stats(seen)
    wanted = {
        "load_profile": "a profile is decoded",
        "compare_counted": "counts are compared with it",
        "counts_from_cells": "counts are put together",
        "_window": "windows are decoded",
        "write_scores": "rows of results",
        "measure_drift": "metrics",
        "track": "conditions",
        "inspect": "data quality",
        "profile_key": "the key of a profile",
    }
    lines = ["| the five largest parts, while profiled | ms a model |", "|---|---|"]
    parts: dict[str, float] = {}
    for (file, _, name), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        if name in wanted and "/site-packages/" not in file:
            parts[wanted[name]] = parts.get(wanted[name], 0.0) + cumulative
    lines += [
        f"| {part} | {1e3 * seconds / models:.2f} |"
        for part, seconds in sorted(parts.items(), key=lambda one: -one[1])[:5]
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table; not 0 where a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--wait", type=float, default=0.1, help="seconds")
    parser.add_argument("--profile", action="store_true", help="print where the CPU goes as well")
    options = parser.parse_args()
    platform = Platform(options.models, options.wait)
    print("| | now | target | of the target | met |\n|---|---|---|---|---|")
    missed = False
    for row in rows(platform):
        missed |= not row.met
        print(row.line(), flush=True)
    if options.profile:
        print("\n" + profiled(platform))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

"""Prometheus beside the local Cloud Monitoring server: its configuration, its command line and its history.

**Charts over weeks.** The history is written as blocks, part by part, while Prometheus runs: it discovers new blocks
once a minute. One constraint: when Prometheus *starts*, it drops samples that are only in its log and older than the
end of its newest block. So scraped samples must be in blocks before a newer part of the history is written; see
`head_start`.

**Gauges written once a day.** PromQL looks back five minutes for a value, so a daily point would be on no chart.
`write_blocks` repeats a value every hour until the next one, and a day at most, so that a gap in the history stays a
gap. Charts ask for `last_over_time(NAME[1h])`, which is also what Cloud Monitoring needs for a gauge that is written
every quarter of an hour. Repeating every five minutes would serve plain NAME as well, at ten times the time and twelve
times the size.
"""

import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import TextIO

import yaml

from core.errors import UnavailableError
from core.metrics import lookup
from infra.local import files
from infra.scheduled import scheduled

RULES = Path(__file__).resolve().parent.parent / "alerts"
SCRAPE_INTERVAL = timedelta(seconds=5)
"""So that counters are scraped before the ticks that follow the start: a rate needs a value from before."""
_EVALUATION_INTERVAL = timedelta(seconds=5)
RETENTION = "400d"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WRITER = {"job": "history", "instance": "history"}
"""The labels of the writer of the history's points."""

_SCRAPE_TIMEOUT = timedelta(seconds=4)
_NOTHING = 2**62
"""Milliseconds: what Prometheus says where it has no sample is larger."""
# Two hours times 3, six times over: longer than anything Prometheus compacts (31 days), so that it leaves such blocks alone,
# and few, because promtool reads the whole text for each block.
_BLOCK = "1458h"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """A value of the past.

    Attributes:
        name: of the metric, from the catalogue.
        labels: exactly those of the metric.
        at: the instant the value is about, in UTC.
        value: as the metric's unit has it.
    """

    name: str
    labels: Mapping[str, str]
    at: datetime
    value: float


def require() -> None:
    """Raise `UnavailableError` unless Prometheus is installed, before any history is computed."""
    for name in ("prometheus", "promtool"):
        if shutil.which(name) is None:
            raise UnavailableError(f"{name}: must be on PATH, got nothing; install Prometheus")


def write_config(
    path: Path,
    *,
    targets: Mapping[str, str],
    alerts_to: Sequence[str] = (),
    rules: Path = RULES,
    scrape_interval: timedelta = SCRAPE_INTERVAL,
) -> Path:
    """Write prometheus.yml.

    Args:
        path: of the file to write.
        targets: `host:port` whose `/metrics` is scraped, by the name of the job.
        alerts_to: each `host:port` that takes alerts as an Alertmanager does, at `/api/v2/alerts`. Every one gets all
            of them, and none of them waits for another.
        rules: the folder whose `*.yaml` are rule files; left out when it has none.
        scrape_interval: how often the targets are scraped, in whole seconds.
    """
    config: dict[str, object] = {
        "global": {
            "scrape_interval": _seconds(scrape_interval),
            "scrape_timeout": _seconds(min(scrape_interval, _SCRAPE_TIMEOUT)),
            "evaluation_interval": _seconds(_EVALUATION_INTERVAL),
        },
        "scrape_configs": [
            # honor_labels: job and instance are those of the function that wrote the value, as they are in the cloud.
            {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [target]}]}
            for job, target in targets.items()
        ],
    }
    if any(rules.glob("*.yaml")):
        config["rule_files"] = [str(rules.resolve() / "*.yaml")]
    if alerts_to:
        config["alerting"] = {
            "alertmanagers": [{"api_version": "v2", "static_configs": [{"targets": [to]}]} for to in alerts_to],
            # The watchdog alert is for an external system: here it would be an incident that never resolves.
            "alert_relabel_configs": [{"source_labels": ["severity"], "regex": "none", "action": "drop"}],
        }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def write_rules(folder: Path, *, jobs: Collection[str], rules: Path = RULES) -> Path:
    """Write the rule files anew into a folder, without rules that miss what no job does.

    Args:
        folder: emptied before; made when it is missing.
        jobs: that the settings schedule.
        rules: the folder that the rule files are read from.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(rules.glob("*.yaml")):
        groups = scheduled(yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["groups"], jobs)
        (folder / path.name).write_text(
            yaml.dump({"groups": groups}, Dumper=yaml.CSafeDumper, sort_keys=False, width=200)
        )
    return folder


def command(*, config: Path, data_dir: Path, listen: str) -> list[str]:
    """The command line of Prometheus.

    Args:
        config: that `write_config` wrote.
        data_dir: where its blocks are.
        listen: `host:port` of its pages and its API.
    """
    return [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data_dir}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address={listen}",
        f"--web.external-url=http://{listen}",  # else alerts link to the name of the machine, where it does not listen
        "--log.level=warn",
    ]


def write_blocks(
    points: Iterable[HistoryPoint],
    data_dir: Path,
    *,
    part: str,
    until: datetime,
    every: timedelta = HOUR,
    hold: timedelta = DAY,
) -> int:
    """Write a part of the past as blocks of Prometheus' database, whether it runs or not.

    A running Prometheus discovers them within a minute. A part that is written again replaces the earlier one.

    Args:
        points: in any order; of two about the same series and instant the latter stands.
        data_dir: Prometheus' own; made when it is missing.
        part: the name of the part, which can stand in the name of a file.
        until: the end of the part, not in the future; a value that is held so long is repeated then, and not beyond.
            What is scraped later must be later: Prometheus takes nothing older than the end of its newest block.
        every: how often a value is repeated until the next one.
        hold: how long a value is repeated at most.

    Returns:
        How many blocks were written; 0 when there are no points.

    Raises:
        ValueError: a point is not as the catalogue has it.
        UnavailableError: promtool is missing or fails.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    record = data_dir / f"history-{part}.json"
    for left in data_dir.glob(f"history.tmp.{part}.*"):  # by a program that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=f"history.tmp.{part}.") as work:
        text = Path(work, "history.om")
        with text.open("w") as file:
            samples = _write(_series(points), file, until=until, every=every, hold=hold)
        blocks = _make_blocks(text, Path(work, "blocks")) if samples else []
        _drop(data_dir, _read_record(record))
        # Before the blocks, so that a crash in between leaves no unrecorded block.
        files.write(record, json.dumps([block.name for block in blocks]).encode())
        for block in blocks:
            block.rename(data_dir / block.name)
    return len(blocks)


def drop_history(data_dir: Path) -> None:
    """Remove every block of the past, while Prometheus does not run."""
    for record in data_dir.glob("history-*.json"):
        _drop(data_dir, _read_record(record))
        record.unlink()


def head_start(url: str) -> datetime | None:
    """The oldest instant that a running Prometheus has in its log only; None where it has nothing or does not answer.

    Args:
        url: of its API.
    """
    try:
        with urllib.request.urlopen(f"{url}/api/v1/status/tsdb", timeout=5) as response:  # noqa: S310 - this machine
            oldest = json.load(response)["data"]["headStats"]["minTime"]
    except (OSError, ValueError, LookupError):
        return None
    return datetime.fromtimestamp(oldest / 1000, UTC) if 0 < oldest < _NOTHING else None


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


Key = tuple[str, str]


def _series(points: Iterable[HistoryPoint]) -> dict[Key, dict[datetime, float]]:
    """Values by instant, by metric and labels."""
    series: dict[Key, dict[datetime, float]] = {}
    for point in points:
        series.setdefault((point.name, _labels(point)), {})[point.at] = point.value
    return series


def _labels(point: HistoryPoint) -> str:
    metric = lookup(point.name)
    if sorted(point.labels) != sorted(metric.labels):
        raise ValueError(f"{point.name}: labels must be {sorted(metric.labels)}, got {sorted(point.labels)}")
    own = {**WRITER, **point.labels}
    return ",".join(f'{label}="{own[label].translate(_ESCAPES)}"' for label in sorted(own))


def _write(
    series: Mapping[Key, Mapping[datetime, float]], file: TextIO, *, until: datetime, every: timedelta, hold: timedelta
) -> int:
    """Write OpenMetrics, series by series; how many samples."""
    samples = 0
    for name, group in groupby(sorted(series), key=lambda key: key[0]):
        metric = lookup(name)
        family = name.removesuffix("_total") if metric.kind == "counter" else name
        file.write(f"# TYPE {family} {metric.kind}\n# HELP {family} {metric.help}\n")
        for key in group:
            lines = list(_lines(f"{name}{{{key[1]}}}", series[key], until=until, every=every, hold=hold))
            samples += len(lines)
            file.writelines(lines)
    file.write("# EOF\n")
    return samples


def _lines(
    head: str, values: Mapping[datetime, float], *, until: datetime, every: timedelta, hold: timedelta
) -> Iterator[str]:
    step, end = int(every.total_seconds()), int(until.timestamp())
    instants = sorted(at for at in values if at <= until)
    for at, following in pairwise([*instants, until + every]):
        first = int(at.timestamp())
        last = min(int(following.timestamp()) - 1, first + int(hold.total_seconds()) - 1, end)
        for second in range(first, last + 1, step):
            yield f"{head} {values[at]!r} {second}\n"
        if last == end and (last - first) % step:
            yield f"{head} {values[at]!r} {end}\n"


def _read_record(path: Path) -> set[str]:
    """The blocks of a part that was written; none where that is not known any more."""
    try:
        return set(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return set()


def _make_blocks(text: Path, out: Path) -> list[Path]:
    arguments = ["tsdb", "create-blocks-from", f"--max-block-duration={_BLOCK}", "openmetrics", str(text), str(out)]
    try:
        subprocess.run(["promtool", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UnavailableError("promtool: must be on PATH, got nothing; install Prometheus") from error
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"promtool: must write the blocks, got {error.stderr.strip()!r}") from error
    return sorted(out.iterdir())


def _drop(data_dir: Path, own: set[str]) -> None:
    """Remove blocks, also those that compaction made of them and of nothing else."""
    for meta in data_dir.glob("*/meta.json"):
        sources = json.loads(meta.read_text())["compaction"]["sources"]
        if sources and own.issuperset(sources):
            shutil.rmtree(meta.parent)

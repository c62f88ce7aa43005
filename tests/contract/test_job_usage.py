"""Peaks of jobs by the metrics of Cloud Monitoring, asked of Prometheus itself; and those of the processes of this machine."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from core.errors import QueryError, UnavailableError
from core.pipelines.usage import Usage
from functions.adapters.job_usage import CPU, MEMORY, MonitoredJobUsage
from functions.adapters.prometheus import Prometheus
from infra.local.vertex.usage import Process, Sampler, descendants
from tests.support.servers.answering import answering
from tests.support.servers.prometheus import needs_prometheus, prometheus

END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MINUTE = timedelta(minutes=1)
START = END - 10 * MINUTE


def usage(url: str) -> MonitoredJobUsage:
    return MonitoredJobUsage(
        lambda: Prometheus(
            name="Prometheus", url=url, open_session=requests.Session, patience=0.5 if ":1" in url else 9
        )
    )


def points(name: str, job: str, values: list[float], *, replica: str = "0", resource: str = "cloudml_job") -> str:
    """A value a minute from the start on, as OpenMetrics has them."""
    series = f'{name}{{monitored_resource="{resource}",job_id="{job}",task_name="{replica}"}}'
    instants = [(START + minute * MINUTE).timestamp() for minute in range(1, len(values) + 1)]
    return "".join(f"{series} {value} {at}\n" for value, at in zip(values, instants, strict=True))


@needs_prometheus
def test_the_peaks_of_each_job_are_those_of_its_busiest_replica(tmp_path: Path) -> None:
    known = [
        points(CPU, "42", [0.1, 0.6, 0.2, 0.1, 0.1, 0.1]),
        points(CPU, "42", [0.3, 0.3, 0.3], replica="1"),
        points(MEMORY, "42", [0.2, 0.3, 1.02]),
        points(CPU, "43", [0.9]),
        points(MEMORY, "43", [0.8]),
        points(CPU, "44", [0.9]),  # its memory is not measured
        points(CPU, "45", [0.9], resource="other"),
        points(MEMORY, "45", [0.9], resource="other"),
        points(CPU, "4", [0.7]),  # not asked for
        points(MEMORY, "4", [0.7]),
    ]
    text = tmp_path / "known.om"
    text.write_text("".join(sorted(known)) + "# EOF\n")  # one metric after the other
    line = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(tmp_path / "data")]
    subprocess.run(line, check=True, capture_output=True)
    with prometheus(tmp_path) as server:
        found = usage(server.url)(["42", "43", "44", "45", 'x"} or vector(1) #'], START, END)
        later = usage(server.url)(["42"], END - MINUTE, END)
    assert found == {"42": Usage(cpu=0.6, memory=1.0, samples=3), "43": Usage(cpu=0.9, memory=0.8, samples=1)}
    assert later == {}


def test_nothing_is_asked_where_no_job_has_a_sound_id() -> None:
    assert usage("http://127.0.0.1:1")(['"'], START, END) == {}
    with pytest.raises(UnavailableError):
        usage("http://127.0.0.1:1")(["42"], START, END)


@pytest.mark.parametrize(("status", "kind"), [(200, UnavailableError), (403, UnavailableError), (400, QueryError)])
def test_what_is_no_answer_is_not_read_as_no_use(status: int, kind: type[Exception]) -> None:
    with answering(status, b"{}") as other, pytest.raises(kind):
        usage(other.url)(["42"], START, END)


def test_the_processes_of_a_task_are_those_that_descend_from_its_runner() -> None:
    known = {pid: Process(parent, 1.0, 1) for pid, parent in {2: 1, 3: 2, 4: 3, 5: 1, 6: 6}.items()}
    assert descendants(known, 2).keys() == {3, 4}
    assert descendants(known, 9) == {}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes are read from /proc")
def test_a_task_is_sampled_while_it_runs() -> None:
    code = (
        "import time; kept = bytearray(64 << 20); end = time.process_time() + .4\nwhile time.process_time() < end: pass"
    )
    with Sampler(every=0.02) as used:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert used.cpu is not None
    assert used.memory is not None
    assert 0 < used.cpu <= 1
    assert 64 / 16_384 < used.memory < 0.1
    with Sampler(every=60) as idle:
        pass
    assert (idle.cpu, idle.memory) == (None, None)

"""From a finding published to the notification received: the real router behind the real bus on this machine."""

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from core.events import Finding, Severity, Status
from functions.adapters.bus import open_bus
from infra.local.ports import assign
from infra.local.stack import PRIVATE, PROJECT, Stack

_FINDINGS = 200
_TARGET_P99 = 2.0


def finding(number: int, at: datetime) -> Finding:
    """A finding that opens an incident of its own."""
    return Finding(
        target=f"service/bench-{number}",
        kind="endpoint_down",
        status=Status.FIRING,
        severity=Severity.CRITICAL,
        observed_at=at,
        source="benchmark",
        summary=f"bench-{number} does not answer",
    )


def delays(stack: Stack) -> list[float]:
    """Seconds from publishing each finding to seeing its message in the inbox, one at a time."""
    bus = open_bus(PROJECT)
    url = f"{stack.ports.url('inbox')}/messages.json"
    took = []
    start = datetime.now(UTC) - timedelta(minutes=5)
    for number in range(_FINDINGS):
        published = time.perf_counter()
        bus.publish("findings", finding(number, start + timedelta(milliseconds=number)))
        needle = f"bench-{number} "
        while needle not in requests.get(url, timeout=5).text:
            time.sleep(0.005)
        took.append(time.perf_counter() - published)
    return took


def table() -> list[str]:
    """The measured table, as lines of Markdown."""
    with tempfile.TemporaryDirectory() as name, Stack(Path(name), assign(PRIVATE, fixed=False)) as stack:
        stack.start(lambda _: None, tracks=(), charts=False)
        took = sorted(delays(stack)[5:])
    p99 = took[int(len(took) * 0.99)]
    return [
        f"| finding to notification, {len(took)} findings | seconds | of the target of {_TARGET_P99:g} s |",
        "|---|---|---|",
        f"| median | {statistics.median(took):.3f} | {statistics.median(took) / _TARGET_P99:.2f} |",
        f"| 99th percentile | {p99:.3f} | {p99 / _TARGET_P99:.2f} |",
    ]


if __name__ == "__main__":
    print("\n".join(table()))

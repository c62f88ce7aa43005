"""How long readers of the API wait: 100 requests a second over its read endpoints, warm, each timed from the instant that it was due.

    python tests/benchmarks/reads.py [--seconds 20] [--rate 100]

The server is a process of its own under uvicorn, over a SQLite store with 25 open and 300 resolved incidents. What comes too late is not left out: a request that waits
for others before it counts from when it should have been sent.
"""

import argparse
import http.client
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from core.events import Severity
from core.incidents.model import State
from functions.adapters.stores import open_store
from functions.api import asgi
from functions.api.server import config
from tests.support.builders import model_pages, pages
from tests.support.builders.night import fill
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.servers.stack import eventually, free_ports

TARGET_MS = 50.0
PATHS = (
    *("/v1/incidents?limit=100", "/v1/models", "/v1/models/churn/drift?days=60", "/v1/models/churn/overview"),
    *("/v1/actions", "/v1/silences", "/v1/channels", "/v1/probes", "/v1/on-call", "/v1/pipelines", "/v1/rules"),
    *("/v1/dashboards", "/v1/me", "/v1/incidents/over-7", "/", "/assets/app.js"),
)
_CONNECTIONS = 16


def serve(port: int, folder: Path) -> None:
    """Serve the API until the process ends."""
    now = datetime.now(UTC)
    office = ApiFixture(open_store(f"sqlite://{folder / 'store.sqlite'}", "test"))
    fill(office, now)
    for number in range(325):
        at = now - timedelta(hours=number)
        over = {"state": State.RESOLVED, "resolved_at": at} if number >= 25 else {}
        found = pages.condition(f"service/s{number}", "down", Severity.ERROR, at, f"s{number} is down")
        office.keep(pages.incident(f"over-{number}", [found], at - timedelta(hours=1), **over))
    warehouse = Rows(**model_pages.answers(now))
    made = pages.services(office.store, warehouse, office, lambda: datetime.now(UTC))
    uvicorn.Server(config(asgi.application(lambda: made), host="127.0.0.1", port=port)).run()


def measured(port: int, *, rate: int, seconds: int) -> dict[str, list[float]]:
    """The seconds that each request took from when it was due, by path."""
    local, took = threading.local(), defaultdict(list)

    def ask(path: str, due: float) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        time.sleep(max(0.0, due - time.perf_counter()))
        local.connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = local.connection.getresponse()
        response.read()
        assert response.status == 200, (path, response.status)
        took[path].append(time.perf_counter() - due)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(lambda path: ask(path, time.perf_counter()), PATHS))  # warm
        took.clear()
        start = time.perf_counter() + 0.2
        asked = [pool.submit(ask, PATHS[n % len(PATHS)], start + n / rate) for n in range(rate * seconds)]
        for one in asked:
            one.result()
    return took


def quantile(values: list[float], share: float) -> float:
    """A quantile in milliseconds, by the nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] * 1000


def main() -> int:
    """Print the table; 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.folder)
        return 0
    port = free_ports(("api",))["api"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", str(port), "--folder", folder]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            try:
                eventually(lambda: _answers(port), "API")
                took = measured(port, rate=options.rate, seconds=options.seconds)
            finally:
                server.terminate()
    every = [one for each in took.values() for one in each]
    print(
        f"| read, {options.rate} a second for {options.seconds} s | p50 ms | p99 ms | target p99 ms |\n|---|---|---|---|"
    )
    for path in sorted(took, key=lambda path: -quantile(took[path], 0.99)):
        print(f"| `{path}` | {quantile(took[path], 0.5):.1f} | {quantile(took[path], 0.99):.1f} | |")
    print(f"| all {len(every)} | {quantile(every, 0.5):.1f} | {quantile(every, 0.99):.1f} | {TARGET_MS:.0f} |")
    return int(quantile(every, 0.99) > TARGET_MS)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())

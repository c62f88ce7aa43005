"""`/v1/live` with 500 clients and 100 changes a second, one of them cut off and one that never reads; and from a change to the page.

The API is a process of its own over the local Pub/Sub and store; changes are written through the announced store of every function.

    python tests/benchmarks/live/run.py
"""

import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from google.cloud.pubsub_v1 import PublisherClient  # noqa: E402 - the same
from playwright.sync_api import sync_playwright  # noqa: E402 - the same

from core.events import Severity  # noqa: E402 - the same
from functions.adapters.bus import open_bus  # noqa: E402 - the same
from functions.adapters.changes import TOPIC, AnnouncedStore, Announcer  # noqa: E402 - the same
from functions.adapters.live_feed import Feed  # noqa: E402 - the same
from functions.adapters.sqlite_store import SqliteStore  # noqa: E402 - the same
from functions.api import asgi  # noqa: E402 - the same
from functions.api.server import Server, config  # noqa: E402 - the same
from tests.support.builders import pages  # noqa: E402 - the same
from tests.support.web.browser import chromium  # noqa: E402 - the same

PROJECT = "aia-local"
CLIENTS, A_SECOND, SECONDS = 500, 100, 15.0
TARGET_MS, PAGE_TARGET_MS = 500.0, 1000.0
SHOWN = 40
AWAY_SECONDS = 2.0
_KEY = re.compile(rb'"key":"e-(\d+)"')
_ID = re.compile(rb"^id: (.+)$", re.MULTILINE)


def now() -> datetime:
    return datetime.now(UTC)


def serve(path: str) -> None:
    """The API in this process, on a port that it prints."""
    store = SqliteStore(path)
    made = pages.services(store, pages.Rows(), pages.ApiFixture(store), now)
    application = asgi.application(lambda: made, changes=asgi.Changes(partial(Feed, PROJECT, store), now))
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(f"{os.getpid()}:{listening.getsockname()[1]}", flush=True)
    server = Server(config(application, host="127.0.0.1", port=0))
    server.run(sockets=[listening])


@contextmanager
def program(*arguments: str) -> Iterator[str]:
    """A program, and the last word of what it says first."""
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        try:
            assert running.stdout
            yield running.stdout.readline().split()[-1]
        finally:
            running.terminate()


class Load:
    """Writes changes at a steady rate, and knows when each was written."""

    def __init__(self, announcer: Announcer) -> None:
        self.at: list[float] = []
        self._announcer = announcer

    def run(self) -> None:
        began = time.perf_counter()
        for number in range(int(A_SECOND * SECONDS)):
            time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
            self.at.append(time.perf_counter())
            self._announcer.wrote("probes", f"e-{number}")


class Watcher:
    """A client, what it got, and how late."""

    def __init__(self, port: int, load: Load) -> None:
        self.port, self.load = port, load
        self.got: set[int] = set()
        self.late: list[float] = []
        self.id = b""
        self.resyncs = 0
        self.connected = asyncio.Event()

    async def watch(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        resume = b"Last-Event-ID: " + self.id + b"\r\n" if self.id else b""
        writer.write(b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\n" + resume + b"\r\n")
        try:
            while part := await reader.readuntil(b"\n\n"):
                self.take(part)
        finally:
            writer.close()

    def take(self, part: bytes) -> None:
        at, numbers = time.perf_counter(), [int(one) for one in _KEY.findall(part)]
        self.late += [at - self.load.at[one] for one in numbers if one not in self.got]
        self.got.update(numbers)
        self.resyncs += b"event: resync" in part
        if found := _ID.search(part):
            self.id = found[1].strip()
            self.connected.set()


async def measured(port: int, load: Load) -> tuple[list[Watcher], Watcher]:
    """All watchers after the load, and the one that was cut off in the middle of it."""
    stuck = socket.create_connection(("127.0.0.1", port))
    stuck.sendall(b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    watchers = [Watcher(port, load) for _ in range(CLIENTS - 2)]
    cut = Watcher(port, load)
    watching = [asyncio.create_task(one.watch()) for one in watchers]
    first = asyncio.create_task(cut.watch())
    for one in (*watchers, cut):
        await one.connected.wait()
    writing = threading.Thread(target=load.run)
    writing.start()
    await asyncio.sleep(SECONDS / 3)
    first.cancel()
    await asyncio.sleep(AWAY_SECONDS)
    watching.append(asyncio.create_task(cut.watch()))
    await asyncio.to_thread(writing.join)
    await asyncio.sleep(3.0)
    for one in watching:
        one.cancel()
    stuck.close()
    return watchers, cut


def shown(port: int, store: AnnouncedStore) -> list[float]:
    """Seconds from the write of an incident to the page that shows it."""
    took = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/incidents")
        page.wait_for_function("() => document.getElementById('live')?.textContent === 'live'")
        for number in range(SHOWN):
            name, at = f"bench-{number}", now()
            found = pages.condition(f"probe/{name}", "down", Severity.CRITICAL, at, f"{name} is down")
            group = pages.incident(f"probe-{name}", [found], at)
            page.wait_for_timeout(500)
            began = time.perf_counter()
            pages.ApiFixture(store).keep(group)
            page.wait_for_function(f"() => document.body.textContent.includes('{name} is down')")
            took.append(time.perf_counter() - began)
        browser.close()
    return took


def processor_seconds(pid: int) -> float:
    """What a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(what: str, took: list[float], target: float) -> list[str]:
    ordered = sorted(1000 * one for one in took)
    p99 = ordered[int(len(ordered) * 0.99)]
    return [f"| {what} | {statistics.median(ordered):.0f} | {p99:.0f} | {ordered[-1]:.0f} | {target:.0f} |"]


def main() -> int:
    """Print the tables; not 0 where a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        bus_data, path = f"{folder}/pubsub.sqlite", f"{folder}/store.sqlite"
        with program("-m", "infra.local.pubsub", "--port", "0", "--data", bus_data, "--project", PROJECT) as host:
            os.environ["PUBSUB_EMULATOR_HOST"] = host
            PublisherClient().create_topic(name=f"projects/{PROJECT}/topics/{TOPIC}")
            with program(__file__, "--serve", path) as said:
                pid, _, port = said.partition(":")
                store = SqliteStore(path)
                announcer = Announcer(store, lambda: open_bus(PROJECT), now)
                load = Load(announcer)
                watchers, cut = asyncio.run(measured(int(port), load))
                computed = processor_seconds(int(pid))
                took = shown(int(port), AnnouncedStore(store, announcer))
    late = [one for watcher in watchers for one in watcher.late]
    missed = sum(len(load.at) - len(watcher.got) for watcher in watchers)
    lost = len(load.at) - len(cut.got)
    lines = [
        f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        "",
        f"| {len(watchers)} clients that read, 1 cut off, 1 that never reads; {A_SECOND} changes a second for {SECONDS:g} s | median, ms | 99 %, ms | longest, ms | target, ms |",
        "|---|---|---|---|---|",
        *row(f"from the write to the client, {len(late)} changes received", late, TARGET_MS),
        *row(f"from the write of an incident to the page, {len(took)}", took, PAGE_TARGET_MS),
        "",
        f"the API computed for {computed:.1f} s, its start included",
        f"changes that clients missed: {missed}; that who was cut off for {AWAY_SECONDS:g} s missed: {lost}; resyncs: {sum(one.resyncs for one in (*watchers, cut))}",
    ]
    print("\n".join(lines))
    slow = sorted(late)[int(len(late) * 0.99)] * 1000 > TARGET_MS or max(took) * 1000 > PAGE_TARGET_MS
    return int(bool(missed or lost or slow))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        sys.exit(main())

"""`/v1/live` with 500 clients and 100 changes a second, one of them cut off and one that never reads, as server-sent events and over WebSockets; and
from a change to the page.

The API is a process of its own over the local Pub/Sub and store; changes are written through the announced store of every function.

    python tests/benchmarks/live/run.py
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from tests.benchmarks.live.clients import PADDING, SocketWatcher, Stuck, Watcher  # noqa: E402 - the same
from tests.support.builders import pages  # noqa: E402 - the same
from tests.support.web.browser import chromium  # noqa: E402 - the same

PROJECT = "aia-local"
CLIENTS, A_SECOND, SECONDS = 500, 100, 20.0
TARGET_MS, PAGE_TARGET_MS = 500.0, 1000.0
SHOWN = 40
AWAY_SECONDS = 2.0
KINDS = {"server-sent events": Watcher, "WebSocket": SocketWatcher}
_SMALL = 4096
"""Bytes that the kernel keeps for a client, so that who never reads makes the API wait within the load."""


def now() -> datetime:
    return datetime.now(UTC)


def serve(path: str) -> None:
    """The API in this process, on a port that it prints."""
    store = SqliteStore(path)
    made = pages.services(store, pages.Rows(), pages.ApiFixture(store), now)
    application = asgi.application(lambda: made, changes=asgi.Changes(partial(Feed, PROJECT, store), now))
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL)  # of each connection
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
            self._announcer.wrote("probes", f"e-{number}-{PADDING}")


@dataclass(frozen=True)
class Measured:
    """What came of all clients of one kind.

    Attributes:
        late: seconds from each write to each client.
        missed: changes that a client did not get.
        lost: of those, of the one that was cut off.
        resyncs: how often one that reads was told to read everything again.
        waiting: changes that waited for the one that never reads.
        told: whether that one was told that it missed some.
        computed: seconds of the API, its start included.
        load: of the machine then.
    """

    late: list[float]
    missed: int
    lost: int
    resyncs: int
    waiting: int
    told: bool
    computed: float
    load: float


async def watched(port: int, load: Load, kind: type[Watcher]) -> tuple[list[Watcher], Watcher, tuple[int, bool]]:
    """All watchers after the load, the one that was cut off in the middle of it, and what the one that never reads was told."""
    stuck = Stuck(port, upgrade=kind is SocketWatcher)
    watchers = [kind(port, load.at) for _ in range(CLIENTS - 2)]
    cut = kind(port, load.at)
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
    told = await asyncio.to_thread(stuck.told)
    for one in watching:
        if one.done():
            one.result()  # what failed is no figure
        one.cancel()
    return watchers, cut, told


def announced(path: str) -> tuple[SqliteStore, Announcer]:
    """A store whose changes are told: of its own, because who comes again gets those of the 30 s before as well."""
    store = SqliteStore(path)
    return store, Announcer(store, lambda: open_bus(PROJECT), now)


def measured(path: str, kind: type[Watcher]) -> Measured:
    """An API of its own with its clients."""
    _, announcer = announced(path)
    with program(__file__, "--serve", path) as said:
        pid, _, port = said.partition(":")
        load = Load(announcer)
        watchers, cut, (waiting, told) = asyncio.run(watched(int(port), load, kind))
        computed = processor_seconds(int(pid))
    return Measured(
        late=[one for watcher in watchers for one in watcher.late],
        missed=sum(len(load.at) - len(watcher.got) for watcher in watchers),
        lost=len(load.at) - len(cut.got),
        resyncs=sum(one.resyncs for one in (*watchers, cut)),
        waiting=waiting,
        told=told,
        computed=computed,
        load=os.getloadavg()[0],
    )


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


def row(what: str, took: list[float], target: float, rest: str) -> str:
    ordered = sorted(1000 * one for one in took)
    figures = (statistics.median(ordered), p99(took), ordered[-1], target)
    return f"| {what} | {len(took)} | {' | '.join(f'{one:.0f}' for one in figures)} | {rest} |"


def p99(took: list[float]) -> float:
    """Milliseconds that 99 % of them do not take longer than."""
    return 1000 * sorted(took)[int(len(took) * 0.99)]


def row_of(what: str, one: Measured) -> str:
    told = f"{one.waiting} changes, {'told' if one.told else 'not told'} that it missed some"
    return row(
        what,
        one.late,
        TARGET_MS,
        f"{one.missed} | {one.lost} | {one.resyncs} | {told} | {one.computed:.1f} | {one.load:.1f}",
    )


def main() -> int:
    """Print the table; not 0 where a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        bus_data, path = f"{folder}/pubsub.sqlite", f"{folder}/store.sqlite"
        with program("-m", "infra.local.pubsub", "--port", "0", "--data", bus_data, "--project", PROJECT) as host:
            os.environ["PUBSUB_EMULATOR_HOST"] = host
            PublisherClient().create_topic(name=f"projects/{PROJECT}/topics/{TOPIC}")
            found = {what: measured(f"{folder}/{kind.__name__}.sqlite", kind) for what, kind in KINDS.items()}
            store, announcer = announced(path)
            with program(__file__, "--serve", path) as said:
                took = shown(int(said.partition(":")[2]), AnnouncedStore(store, announcer))
    lines = [
        f"{os.cpu_count()} cores, which the clients share",
        f"{CLIENTS} clients: {CLIENTS - 2} that read, 1 cut off for {AWAY_SECONDS:g} s, 1 that never reads; {A_SECOND} changes a second for {SECONDS:g} s",
        "",
        "| from the write | received | median, ms | 99 %, ms | longest, ms | target, ms | missed | by who was cut off | resyncs of who reads | who never reads | CPU of the API, s | load |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(row_of(f"to the client, {what}", one) for what, one in found.items()),
        row("of an incident to the page", took, PAGE_TARGET_MS, f" | | | | | {os.getloadavg()[0]:.1f}"),
    ]
    print("\n".join(lines))
    slow = any(p99(one.late) > TARGET_MS for one in found.values()) or max(took) * 1000 > PAGE_TARGET_MS
    return int(slow or any(one.missed or one.lost for one in found.values()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        sys.exit(main())

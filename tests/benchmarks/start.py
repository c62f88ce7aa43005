"""How soon a new stack is useful, and what it uses: one Markdown table, and `build/bench_start.md`.

    python tests/benchmarks/start.py [--days 306] [--idle-minutes 10] [--patience 900] [--busy] [--no-demo]

`aia local` in a new folder, with ports of its own, as a user starts it; how fast it is depends on what else the machine does.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import usage  # noqa: E402 - the tests' own modules are found from the root
from playwright.sync_api import sync_playwright  # noqa: E402 - the same
from shown import Shown  # noqa: E402 - the same

from infra.local.command import local  # noqa: E402 - the same
from tests.support.servers.stack import AIA, LocalStack, environment  # noqa: E402 - the same
from tests.support.web.browser import chromium  # noqa: E402 - the same

MB, GB = 1_000_000, 1_000_000_000
DAY = 86_400
_DAYS = {one.name: one.default for one in local.params}["days"]
_POLL = 0.25
_SETTLING = 90.0
"""Seconds after the year until what is measured is called idle."""
_ALERT = {"alertname": "HighErrorRate", "service": "bench-start", "severity": "critical"}
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table; `met` is None where there is no target."""

    what: str
    target: str
    found: str
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured, and how patiently: in days, minutes and seconds."""

    days: int
    idle_minutes: float
    patience: float
    busy: bool
    demo: bool


def rows(options: Options) -> Iterator[Row]:
    """A first start with its year, idleness after it, a second start in the same folder, and the demonstration."""
    with tempfile.TemporaryDirectory(prefix="aia-bench-") as name:
        folder = Path(name) / "data"
        with LocalStack(folder, options.days) as stack:
            yield from _first(stack, options)
            yield from _idle(stack, options)
            stack.stop()
            yield from _second(stack, options)
    if options.demo:
        yield _demo(options)


def _first(stack: LocalStack, options: Options) -> Iterator[Row]:
    """The start of a new folder until its year is in."""
    shown, began = Shown(stack), time.monotonic()
    stack.launch()
    with usage.Sampler(stack) as memory:
        page = _until(shown.answers, began, options.patience)
        yield _timed("`make run`, new folder: first page answers", 20, page, options)
        alert = _Alert(stack, options.patience)
        weeks = _until(shown.weeks, began, options.patience)
        row = "first page, model's incident and message, all five dashboards with the newest weeks"
        yield _timed(row, 20, weeks, options, more=_lacking(shown))
        yield _timed("alert sent when the page answers until its message", 5, alert.took(), options)
        whole = _until(shown.everything, began, options.patience)
        row = "every query of every dashboard has data, rates of what is live as well"
        yield _timed(row, 60, whole, options, more=_lacking(shown))
        year = _year(stack, shown, began, options.patience)
        yield _timed("the year is in", 180, year, options, more=_progress(shown))
    yield _sized("memory at its peak until then (sum of Pss)", 3 * GB, memory.peak)
    yield _sized("memory after the year (sum of Pss)", 2 * GB, usage.pss(usage.family(stack)))
    yield _sized("disk after the year", 300 * MB, usage.disk(stack.folder))


def _idle(stack: LocalStack, options: Options) -> Iterator[Row]:
    """CPU and growth with every tick on and the first page open; the browser's own CPU is not counted."""
    if not options.idle_minutes:
        return
    time.sleep(_SETTLING)
    with _open_page(stack):
        before, size, began = usage.cpu(usage.family(stack)), usage.disk(stack.folder), time.monotonic()
        time.sleep(60 * options.idle_minutes)
        seconds = time.monotonic() - began
        used = usage.cpu(usage.family(stack)) - before
        grown = (usage.disk(stack.folder) - size) * DAY / seconds
    over = f"over {options.idle_minutes:g} min with a page open"
    share = used / seconds
    yield Row(what=f"CPU when idle, {over}", target="<= 10 % of one core", found=f"{share:.1%}", met=share <= 0.1)
    yield _sized(f"growth of the disk a day, {over}", 50 * MB, round(grown))
    yield _sized("memory after that (sum of Pss)", 2 * GB, usage.pss(usage.family(stack)))


def _second(stack: LocalStack, options: Options) -> Iterator[Row]:
    """The same folder again, a moment after it was stopped."""
    shown, began = Shown(stack), time.monotonic()
    stack.launch()
    page = _until(shown.answers, began, options.patience)
    whole = _until(shown.everything, began, options.patience)
    yield _timed("second `make run` in the same folder: first page answers", 8, page, options)
    row = "second `make run`: page and all five dashboards with everything"
    yield _timed(row, 8, whole, options, more=_lacking(shown))


def _lacking(shown: Shown) -> str:
    lacks = "; ".join(f"{name}: {why}" for name, why in list(shown.lacks.items())[:3])
    return f"; {len(shown.lacks)} missing, as {lacks}" if shown.lacks else ""


def _demo(options: Options) -> Row:
    began = time.monotonic()
    done = subprocess.run([AIA, "demo"], env=environment(), capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    last = (done.stdout.strip().splitlines() or ["nothing said"])[-1]
    return _timed("`make demo`", 60, took if done.returncode == 0 else None, options, more=f"; {last}")


class _Alert:
    """An alert sent at once, from a thread of its own, and looked for in the inbox."""

    def __init__(self, stack: LocalStack, patience: float) -> None:
        self._stack, self._patience = stack, patience
        self._took: float | None = None
        self._thread = threading.Thread(target=self._run, name="alert", daemon=True)
        self._thread.start()

    def took(self) -> float | None:
        """Seconds until a message about it was there; None where none came."""
        self._thread.join()
        return self._took

    def _run(self) -> None:
        began = time.monotonic()
        if _until(self._sent, began, self._patience) is not None:
            self._took = _until(self._received, began, self._patience)

    def _sent(self) -> bool:
        body = json.dumps([{"labels": _ALERT, "annotations": {"summary": "7 % of the orders fail"}}]).encode()
        url, kind = self._stack.url("intake") + "/api/v2/alerts", {"Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=10) as response:
                return response.status < 300  # type: ignore[no-any-return]
        except OSError:
            return False

    def _received(self) -> bool:
        try:
            return _ALERT["service"] in json.dumps(self._stack.get("/messages.json", of="inbox"))
        except OSError:
            return False


def _year(stack: LocalStack, shown: Shown, began: float, patience: float) -> float | None:
    """Seconds until all of the past is in, as the stack tells; None where it tells nothing, or not in time."""

    def done() -> bool:
        history = shown.history()
        return bool(history["done"]) if history else "Ctrl-C stops it" in stack.output.read_text()

    took = _until(done, began, patience)
    return took if shown.history() else None


def _progress(shown: Shown) -> str:
    history = shown.history()
    return f"; {history['days']} of {history['of']} days" if history else "; no progress is told (/v1/backfills)"


def _until(look: Callable[[], bool], began: float, patience: float) -> float | None:
    """Seconds from `began` until `look` is true, or None when patience ends."""
    while time.monotonic() - began < patience:
        if look():
            return time.monotonic() - began
        time.sleep(_POLL)
    return None


@contextmanager
def _open_page(stack: LocalStack) -> Iterator[None]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        browser.new_page().goto(stack.url("page"))
        yield
        browser.close()


@contextmanager
def _busy(on: bool) -> Iterator[None]:  # noqa: FBT001 - an option
    """Keep every core busy with something else."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if on else []
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def _timed(what: str, target: float, took: float | None, options: Options, *, more: str = "") -> Row:
    """With every core busy it may take as long as it takes, but must come."""
    found = f"not within {options.patience:g} s" if took is None else f"{took:.1f} s"
    met = took is not None and (options.busy or took <= target)
    return Row(what=what, target="comes up" if options.busy else f"<= {target:g} s", found=found + more, met=met)


def _sized(what: str, target: int, size: int) -> Row:
    return Row(what=what, target=f"<= {_bytes(target)}", found=_bytes(size), met=size <= target)


def _bytes(size: int) -> str:
    return f"{size / GB:.2f} GB" if abs(size) >= GB else f"{size / MB:.0f} MB"


def table(found: list[Row], options: Options) -> str:
    """The rows as Markdown."""
    marks = {True: "yes", False: "**no**", None: "-"}
    beside = "every core busy with something else" if options.busy else "nothing beside it"
    lines = [
        f"Start of a new stack, {options.days} days of history, {os.cpu_count()} cores, {beside}.",
        "",
        "| | target | measured | met |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.target} | {row.found} | {marks[row.met]} |" for row in found),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--days", type=int, default=_DAYS, help=f"of history (default: {_DAYS}, all there are)")
    parser.add_argument("--idle-minutes", type=float, default=10, help="of idleness, 0 for none (default: 10)")
    parser.add_argument("--patience", type=float, default=900, help="seconds for each thing awaited (default: 900)")
    parser.add_argument("--busy", action="store_true", help="with every core busy by other processes")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="leave out `make demo`")
    options = Options(**vars(parser.parse_args()))
    logging.disable(logging.CRITICAL)
    found = []
    with _busy(options.busy):
        for row in rows(options):
            print(f"{row.what}: {row.found}", file=sys.stderr, flush=True)
            found.append(row)
    text = table(found, options)
    target = ROOT / "build" / ("bench_start_busy.md" if options.busy else "bench_start.md")
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    print(text)
    return 1 if any(row.met is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())

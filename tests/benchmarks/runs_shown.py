"""From an event about a run published to the page showing it: the real monitor, API and page, in a browser on this machine.

python tests/benchmarks/runs_shown.py
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.events import PipelineRun, RunStatus  # noqa: E402 - after the path is set
from functions.adapters.bus import open_bus  # noqa: E402 - the same
from infra.local.ports import assign  # noqa: E402 - the same
from infra.local.stack import PRIVATE, PROJECT, Stack  # noqa: E402 - the same
from tests.support.web.browser import chromium  # noqa: E402 - the same

_RUNS, _STAGES = 40, 4
_TARGET_P99 = 2.0
_SEEN = """([number, text]) => {
  const row = document.querySelector('[data-pipeline="bench"]');
  return row !== null && row.textContent.includes(`bench-${number}`) && row.textContent.includes(text);
}"""
"""Whether the row of the pipeline shows a run and a text: asked at every frame."""


def events(number: int) -> Iterator[tuple[PipelineRun, str]]:
    """The events about a run, one after another, and what the page shows of each: its stages begin, and it ends."""
    began = datetime.now(UTC)

    def event(status: RunStatus, stage: str = "") -> PipelineRun:
        at = datetime.now(UTC)
        started = at if stage else began
        return PipelineRun(
            pipeline="bench", run_id=f"bench-{number}", status=status, stage=stage, observed_at=at, started_at=started
        )

    yield event(RunStatus.RUNNING), "1 run active"
    for stage in range(_STAGES):
        yield event(RunStatus.RUNNING, f"stage-{number}-{stage}"), f"stage-{number}-{stage}"
    yield event(RunStatus.SUCCEEDED), "Newest run: succeeded"


def delays(page: Page) -> Iterator[float]:
    """Seconds from publishing each event to seeing it, with a pause of its own before each."""
    bus, pauses = open_bus(PROJECT), random.Random(15)
    for number in range(_RUNS):
        for event, text in events(number):
            page.wait_for_timeout(1000 * pauses.random())
            published = time.perf_counter()
            bus.publish("pipeline-runs", event)
            page.wait_for_function(_SEEN, arg=[number, text], timeout=60_000)
            yield time.perf_counter() - published


def table() -> list[str]:
    """The measured table, as lines of Markdown."""
    with tempfile.TemporaryDirectory() as name, Stack(Path(name), assign(PRIVATE, fixed=False)) as stack:
        stack.start(lambda _: None, tracks=(), charts=False)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(stack.ports.url("page"))
            page.wait_for_selector("body[data-loaded]")
            took = sorted([*delays(page)][1:])
            browser.close()
    p99 = took[int(len(took) * 0.99)]
    return [
        f"| event about a run to the page, {len(took)} events | seconds | of the target of {_TARGET_P99:g} s |",
        "|---|---|---|",
        f"| median | {statistics.median(took):.3f} | {statistics.median(took) / _TARGET_P99:.2f} |",
        f"| 99th percentile | {p99:.3f} | {p99 / _TARGET_P99:.2f} |",
        f"| largest | {took[-1]:.3f} | {took[-1] / _TARGET_P99:.2f} |",
    ]


if __name__ == "__main__":
    print("\n".join(table()))

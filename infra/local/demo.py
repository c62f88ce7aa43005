"""`aia demo`: the main job without a person, checked step by step."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.local.catch_up import StalledError
from infra.local.outcome import MODEL, Outcome, Step
from infra.local.ports import assign
from infra.local.run import EXPECTED, interruptible, locked, start
from infra.local.session import Session
from infra.local.stack import PRIVATE

_PATIENCE_SECONDS = 75.0
_SHOWN = 4


def demo(days: int, keep: Path | None) -> int:
    """Run the main job once; returns 0 when every step of it happened, else 1."""
    console = Console()
    started = time.monotonic()
    interruptible()
    with ExitStack() as cleanup:
        folder = keep or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="aia-demo-")))
        try:
            cleanup.enter_context(locked(folder))
            session = cleanup.enter_context(Session(folder, assign(PRIVATE, fixed=False), days))
            ticks = start(session, console)
            if not ticks:
                raise StalledError(
                    f"{folder}: everything that was due has been scored before; give --keep a new folder"
                )
            outcome = Outcome(session.ports, session.warehouse, ticks)
            steps = _settled(outcome)
        except KeyboardInterrupt:
            console.print("demo: failed, interrupted")
            return 130
        except EXPECTED as error:
            console.print(f"[red]demo: failed[/red] {error}", highlight=False, soft_wrap=True)
            return 1
        console.print(_table(steps))
        return _verdict(console, outcome, steps, time.monotonic() - started)


def _settled(outcome: Outcome) -> list[Step]:
    """The steps as soon as all have happened, or as they are when patience ends."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        steps = outcome.steps()
        if all(step.ok for step in steps) or time.monotonic() > deadline:
            return steps
        time.sleep(1)


def _table(steps: list[Step]) -> Table:
    table = Table("step", "", "what happened", title="the main job, step by step")
    for step in steps:
        table.add_row(step.name, "[green]ok[/green]" if step.ok else "[red]missing[/red]", step.found)
    return table


def _verdict(console: Console, outcome: Outcome, steps: list[Step], seconds: float) -> int:
    missing = [step for step in steps if not step.ok]
    if missing:
        for step in missing:
            console.print(f"[red]did not happen:[/red] {step.name}: {step.found}", highlight=False)
        console.print(f"demo: failed missing={len(missing)} seconds={seconds:.0f}", highlight=False)
        return 1
    drifted = ",".join(outcome.drifted()[:_SHOWN])
    incident = outcome.incidents()[0]["id"]
    notified = len(outcome.messages())
    print(f"demo: ok model={MODEL} drifted={drifted} incident={incident} notified={notified} seconds={seconds:.0f}")
    return 0

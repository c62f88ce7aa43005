"""`aia demo`: the main use case unattended, checked step by step."""

import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.adapters.bus import open_bus
from infra.local import session_token
from infra.local.outcome import MODEL, STAKEHOLDERS, Outcome, Step, post
from infra.local.ports import assign
from infra.local.retraining_loop import RetrainingLoop
from infra.local.run import EXPECTED, error_text, interruptible, locked, start
from infra.local.session import Session, StalledError
from infra.local.stack import PRIVATE, PROJECT

_PATIENCE_SECONDS = 150.0
"""Longer than it takes until a rate has a value: the next tick (60 s), its scrape, and a busy machine."""
_POLL_SECONDS = 0.2
_LOOP_SECONDS = 240.0
"""How long the loop of retraining may take on a busy machine."""
_TICK_SECONDS = 2.0
_SHOWN = 4


def demo(days: int, keep: Path | None, *, with_training: bool = True) -> int:
    """Run the main job once; returns 0 when every step of it happened, else 1."""
    console = Console()
    started = time.monotonic()
    interruptible()
    with ExitStack() as cleanup:
        folder = keep or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="aia-demo-")))
        try:
            cleanup.enter_context(locked(folder))
            ports = assign(PRIVATE, fixed=False)
            session = cleanup.enter_context(
                Session(folder, ports, days, with_mlflow=with_training, with_training=with_training)
            )
            if session.plan.spans:
                raise StalledError(f"{folder}: a stack has run here before; give --keep a new folder")
            start(session, console)
            outcome = Outcome(session.ports, session.warehouse, session.plan.instants)
            _acknowledge(outcome, session)
            loop = RetrainingLoop(session.warehouse, open_bus(PROJECT), lambda: datetime.now(UTC))
            if with_training:
                _close(loop)
            steps = _settled(outcome, session) + (loop.steps() if with_training else [])
        except KeyboardInterrupt:
            console.print("demo: failed, interrupted")
            return 130
        except EXPECTED as error:
            console.print(
                f"[red]demo: failed[/red] {escape(error_text(error, folder))}", highlight=False, soft_wrap=True
            )
            return 1
        console.print(_table(steps))
        return _verdict(console, outcome, steps, time.monotonic() - started)


def _acknowledge(outcome: Outcome, session: Session) -> None:
    """Acknowledge the incident of the model once it is notified, as a person does, so that the time to acknowledge is measured.

    Raises:
        StalledError: there was no incident of which people were notified.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (notified := _notified(outcome)):
        if time.monotonic() > deadline:
            raise StalledError(f"incident of model/{MODEL}: nobody was notified after {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    url = f"{session.ports.url('page')}/v1/incidents/{notified}/acknowledge"
    post(url, {}, token=session_token.read(session.folder))
    while not any(incident["acknowledged_at"] for incident in outcome.incidents()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    session.measure()


def _close(loop: RetrainingLoop) -> None:
    """Have the loop of retraining come to its end, as far as patience goes: its steps say where it stopped."""
    deadline = time.monotonic() + _LOOP_SECONDS
    while not loop.advance() and time.monotonic() < deadline:
        time.sleep(_TICK_SECONDS)


def _notified(outcome: Outcome) -> str:
    """The id of the open incident of the model of which everybody was notified; empty before."""
    told = [message["incident_id"] for message in outcome.messages()]
    open_ = [incident["id"] for incident in outcome.incidents() if incident["state"] == "open"]
    return next((name for name in open_ if told.count(name) >= len(STAKEHOLDERS)), "")


def _settled(outcome: Outcome, session: Session) -> list[Step]:
    """The steps as soon as all have happened, or as they are when patience ends."""
    deadline, steps = time.monotonic() + _PATIENCE_SECONDS, list[Step]()
    while True:
        steps = [*outcome.steps(steps), _history(session)] if session.backfill().get("done") else [_history(session)]
        if all(step.ok for step in steps) or time.monotonic() > deadline:
            return steps
        time.sleep(1)


def _history(session: Session) -> Step:
    backfill = session.backfill()
    return Step("history", f"{backfill['days']} of {backfill['of']} days", ok=bool(backfill["done"]))


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

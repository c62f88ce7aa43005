"""`aia local`: the whole system on this machine until Ctrl-C."""

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.panel import Panel

from core.errors import AiaError
from infra.local import leftovers
from infra.local.ports import Ports, PortTakenError, assign
from infra.local.programs import StartError
from infra.local.session import Session, StalledError
from infra.local.stack import PRIVATE
from infra.stage import StageError

EXPECTED = (AiaError, PortTakenError, StageError, StalledError, StartError)
"""What can go wrong on a user's machine; the message says enough, a traceback adds nothing."""

_FOLLOW_SECONDS = 1.0


class FolderInUseError(AiaError):
    """Another stack keeps its data in the same folder."""


def run(folder: Path, days: int, *, process_per_function: bool = False) -> int:
    """Run until Ctrl-C; returns the exit status."""
    console = Console()
    interruptible()
    try:
        with locked(folder), Session(folder, assign(PRIVATE, fixed=True), days, process_per_function) as session:
            start(session, console)
            console.print(_where(session.ports, folder))
            follow(session, console)
            signal.pause()
    except KeyboardInterrupt:
        console.print("stopped; the data is in", str(folder))
        return 0
    except EXPECTED as error:
        Console(stderr=True).print(f"[red]aia local:[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0


def start(session: Session, console: Console) -> None:
    """Start a session, and say what is being done meanwhile."""
    with console.status("starting") as status:
        session.start(status.update)


def follow(session: Session, console: Console) -> None:
    """Say how far the history is, until all of it is in."""
    said = ""
    while True:
        found = session.backfill()
        line = f"history: {found['days']} of {found['of']} days" if found else ""
        if line != said:
            console.print(line, highlight=False)
            said = line
        if found.get("done"):
            return
        time.sleep(_FOLLOW_SECONDS)


def interruptible() -> None:
    """Stop in order on Ctrl-C, on SIGTERM and when the terminal closes, also where the shell had Ctrl-C ignored.

    `nohup` has the closing of the terminal ignored; that stays so.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others from the folder, and end what a stack that was killed left running in it.

    Raises:
        FolderInUseError: another stack has the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderInUseError(
                f"{folder}: another stack runs on this data; stop it, or give another --data"
            ) from error
        leftovers.end(folder)
        yield


def _where(ports: Ports, folder: Path) -> Panel:
    lines = [
        f"models, incidents, probes   {ports.url('page')}",
        f"inbox of notifications      {ports.url('inbox')}",
        f"post alerts to              {ports.url('intake')}",
        f"Prometheus                  {ports.url('prometheus')}",
        f"publish with any client     PUBSUB_EMULATOR_HOST=127.0.0.1:{ports['pubsub']}",
        f"data and logs               {folder}",
    ]
    return Panel("\n".join(lines), title="running; Ctrl-C stops it", expand=False)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Stop once: a second Ctrl-C in the midst of stopping would leave programs behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which a program started now would inherit
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(run(Path(".aia"), 306))

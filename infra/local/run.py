"""`aia local`: the whole system on this machine until Ctrl-C."""

import fcntl
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from core.errors import AiaError, SettingsError
from core.settings.reach import unheard
from functions.adapters.stores import require
from functions.cli.check.file import load, told
from infra.local import damage, mlflow, orphan_processes, session_token
from infra.local.ports import Ports, PortTakenError, assign
from infra.local.programs import StartError
from infra.local.session import Session, StalledError
from infra.local.stack import PRIVATE, PROJECT, SETTINGS
from infra.stage import StageError

log = logging.getLogger(__name__)
EXPECTED = (AiaError, OSError, PortTakenError, StageError, StalledError, StartError)
"""What can go wrong on a user's machine; the message says enough, a traceback adds nothing."""

_FOLLOW_SECONDS = 1.0


_LEAST_BYTES = 100 * 2**20
"""The least free space for the data: a stack writes as much in its first minutes."""


class FolderError(AiaError):
    """The folder cannot be used for the data; the message names it and says why."""


class FolderInUseError(FolderError):
    """Another stack uses the same folder."""


def run(
    folder: Path,
    days: int,
    *,
    separate: Collection[str] = (),
    set_aside: bool = False,
    store: str | None = None,
    with_mlflow: bool = True,
    with_training: bool = True,
) -> int:
    """Run until Ctrl-C; returns the exit status.

    Args:
        folder: of the data.
        days: how much history there is at the first start.
        separate: the functions that are processes by themselves.
        set_aside: whether broken files are moved away, rather than named.
        store: the address of the store, or None for a file in the folder.
        with_mlflow: whether MLflow is started, where it is installed.
        with_training: whether trainings run; else their requests are only stored.
    """
    console = Console()
    interruptible()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        for warning in checked(SETTINGS):
            say(warning)
        if store:
            require(store, PROJECT)
        with (
            locked(folder, say, set_aside=set_aside),
            Session(folder, assign(PRIVATE, fixed=True), days, separate, with_mlflow, with_training, store) as session,
        ):
            start(session, console)
            console.print(_where(session.ports, folder, with_mlflow=with_mlflow))
            say(f"to act, open once: {session_token.entry(session.ports.url('page'), folder)}")
            follow(session, console)
            signal.pause()
    except KeyboardInterrupt:
        console.print("stopped; the data is in", str(folder))
        return 0
    except EXPECTED as error:
        log.info("where it failed", exc_info=True)
        text = f"[red]aia local:[/red] {escape(error_text(error, folder))}"
        Console(stderr=True).print(text, highlight=False, soft_wrap=True)
        return 1
    return 0


def checked(file: Path) -> list[str]:
    """What is worth a look in the settings, before anything is started.

    Raises:
        SettingsError: they are wrong.
    """
    return told(file, unheard(load(file), datetime.now(UTC)), mark="warning: ")


def error_text(error: Exception, folder: Path) -> str:
    """The text of an expected error; of the settings with the lines, of the operating system with the path and the reason."""
    if isinstance(error, SettingsError):
        return "\n".join(told(SETTINGS, error.faults))
    if not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError) or not error.strerror:
        return str(error)
    return f"{error.filename or folder}: {error.strerror}"


def start(session: Session, console: Console) -> None:
    """Start a session, and print status messages."""
    with console.status("starting") as status:
        session.start(status.update)


def follow(session: Session, console: Console) -> None:
    """Say how far the history is, until all of it is in."""
    said = ""
    while True:
        try:
            backfill = session.backfill()
        except AiaError as error:  # a store that is busy; the history goes on
            log.info("progress of the history is not known: %s", error)
            backfill = {}
        line = f"history: {backfill['days']} of {backfill['of']} days" if backfill else ""
        if line and line != said:
            console.print(line, highlight=False)
            said = line
        if backfill.get("done"):
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
def locked(folder: Path, say: Callable[[str], None] = print, *, set_aside: bool = False) -> Iterator[None]:
    """Lock the folder, end programs that a killed stack left running, and check that its files are intact.

    Args:
        folder: of the data; made when it is missing.
        say: called with what had to be cleaned up.
        set_aside: whether broken files are moved away.

    Raises:
        FolderError: another stack has the folder, it cannot be written, or its device is full.
        DamagedError: files in it are broken, and not to be set aside.
    """
    with _lock(folder):
        if left := str(orphan_processes.end(folder)):
            say(left)
        _require_space(folder)
        if damages := damage.check(folder):
            if not set_aside:
                raise damage.DamagedError(folder, damages)
            say(damage.set_aside(folder, damages))
        yield


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except FileExistsError as error:
        raise FolderError(f"{folder}: must be a folder, got a file; give another --data") from error
    except OSError as error:
        raise FolderError(f"{error.filename}: {error.strerror}; give another --data") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUseError(
                f"{folder}: another stack runs on this data; stop it, or give another --data"
            ) from error
        except OSError as error:
            raise FolderError(f"{file.name}: cannot be locked ({error.strerror}); give another --data") from error
        yield


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _LEAST_BYTES:
        raise FolderError(
            f"{folder}: must have {_LEAST_BYTES >> 20} MB free, got {free >> 20} MB; make space, or give another --data"
        )


def _where(ports: Ports, folder: Path, *, with_mlflow: bool) -> Panel:
    lines = [
        f"models, incidents, probes   {ports.url('page')}",
        f"inbox of notifications      {ports.url('inbox')}",
        f"post alerts to              {ports.url('intake')}",
        f"answers of people           {ports.url('commands')}",
        f"OpenTelemetry (OTLP/HTTP)   {ports.url('otlp')}",
        f"Prometheus                  {ports.url('prometheus')}",
        f"MLflow                      {_mlflow(ports, with_mlflow=with_mlflow)}",
        f"publish with any client     PUBSUB_EMULATOR_HOST=127.0.0.1:{ports['pubsub']}",
        f"the same for gcloud         CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB={ports.url('pubsub-rest')}/",
        f"tables, with any client     BIGQUERY_EMULATOR_HOST={ports.url('warehouse')}",
        f"data and logs               {folder}",
    ]
    return Panel("\n".join(lines), title="running; Ctrl-C stops it", expand=False)


def _mlflow(ports: Ports, *, with_mlflow: bool) -> str:
    """Where MLflow is, or why it is not there."""
    if not mlflow.is_installed():
        return "not installed; infra/local/install.sh --mlflow installs it"
    return f"{ports.url('mlflow')}, in half a minute" if with_mlflow else "not started"


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Stop once: a second Ctrl-C in the midst of stopping would leave programs behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which a program started now would inherit
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(run(Path(".aia"), 306))

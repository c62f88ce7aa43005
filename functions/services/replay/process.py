"""Has a replay decided in a process of its own, within a time and of a bounded number of rows."""

import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from core.errors import AiaError
from functions.services.incidents.kept_decisions import Row
from functions.services.replay import child
from functions.services.replay.child import Answer, Asked

SECONDS = 120.0
"""How long reading and deciding may take."""
MOST = 100_000
"""Rows of a replay, sweeps too, of which a day has 1,440."""
_ROOT = Path(__file__).resolve().parents[3]


class StoppedError(AiaError):
    """A replay took too long, or has too much to decide on."""


def decided(asked: Asked, parts: Iterable[list[Row]], *, most: int = MOST, seconds: float = SECONDS) -> Answer:
    """The answer to what is asked.

    Args:
        asked: the settings to try.
        parts: the rows, which are handed on as they are read.
        most: rows at most.
        seconds: that it may take.

    Raises:
        StoppedError: there are more rows, it takes longer, or the process ends without an answer.
        AiaError: as the reading of the rows does.
    """
    end = time.monotonic() + seconds
    command = [sys.executable, "-m", child.__name__]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own module
        try:
            with suppress(BrokenPipeError):  # it has ended: its status says so
                _hand_on(process, asked, parts, most, end)
            found, _ = process.communicate(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise StoppedError(_too_long(seconds)) from error
        finally:
            process.kill()
            _close(process)
    if process.returncode != 0:
        raise StoppedError("replay: its process ended without an answer; the log may say why")
    return msgspec.json.decode(found, type=Answer)


def _hand_on(process: subprocess.Popen[bytes], asked: Asked, parts: Iterable[list[Row]], most: int, end: float) -> None:
    count = 0
    lines = process.stdin
    if lines is None:
        return
    lines.write(msgspec.json.encode(asked) + b"\n")
    for part in parts:
        count += len(part)
        if count > most:
            raise StoppedError(f"since: must be later, more than {most:,} decisions were made; `aia replay` reads more")
        if time.monotonic() > end:
            raise subprocess.TimeoutExpired("replay", 0)
        lines.writelines(msgspec.json.encode(row) + b"\n" for row in part)


def _close(process: subprocess.Popen[bytes]) -> None:
    """Give up what it did not read: that must not stand for why it was ended."""
    with suppress(BrokenPipeError):
        if process.stdin:
            process.stdin.close()


def _too_long(seconds: float) -> str:
    return f"since: must be later, reading and deciding took more than {seconds:g} s; `aia replay` waits longer"

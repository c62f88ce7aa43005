"""The emulator as a process: start, readiness and end."""

import http.client
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from core.errors import UnavailableError
from infra.local.ports import reserve

_PROGRAM = "infra.local.warehouse.launcher"
_POLL_SECONDS = 0.05


def free_port() -> int:
    """A free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True)
class Emulator:
    """BigQuery's emulator, with its data on disk; a context manager that starts and stops it.

    Attributes:
        data: the folder of its data; made when it is missing. One emulator at a time may use it.
        project: the project it answers for.
        port: where it serves BigQuery's REST API on the loopback address.
        log: the file its output is appended to.
    """

    data: Path
    project: str = "aia-local"
    port: int = field(default_factory=free_port)
    log: Path = Path(os.devnull)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """What `BIGQUERY_EMULATOR_HOST` says."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        place = ["--persistent", "--data-dir", str(self.data), "--project", self.project]
        listen = ["--rest-port", str(self.port), "--log-level", "error"]
        return [sys.executable, "-m", _PROGRAM, "start", *place, *listen]

    @property
    def environment(self) -> dict[str, str]:
        """Additional environment variables of the program."""
        return {
            "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",  # Avro would be fetched from outside
            # Else they lie in the temporary directory, which it would share with others.
            "BQEMU_UPLOAD_STAGING_DIR": str(self.data / "uploads"),
            # Freed memory is returned: no arena per thread, and not Arrow's own pool.
            "MALLOC_ARENA_MAX": "2",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
        }

    def start(self, timeout: float = 60.0) -> Self:
        """Start it, and return when it answers.

        Raises:
            UnavailableError: it ended, or did not answer within `timeout` seconds.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        # It listens seconds later: meanwhile the system would give its port to another program.
        with self._reserved(), self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                self.wait(timeout)
            except BaseException:
                self.stop()
                raise
        return self

    def _reserved(self) -> socket.socket:
        try:
            return reserve(self.port)
        except OSError as error:
            raise UnavailableError(f"BigQuery emulator: port {self.port} must be free: {error}") from error

    def wait(self, timeout: float) -> None:
        """Return when it answers; `UnavailableError` when it ended or `timeout` seconds have passed."""
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self._process is not None and self._process.poll() is not None:
                raise UnavailableError(f"BigQuery emulator: ended with {self._process.returncode}, see {self.log}")
            if time.monotonic() > deadline:
                raise UnavailableError(f"BigQuery emulator: not ready after {timeout:g} s at {self.url}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it; acknowledged writes are on disk."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - always http, loopback
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own OK
        except (http.client.HTTPException, OSError):  # another program may answer, and not by HTTP
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

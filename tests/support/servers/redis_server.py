"""A Redis server for tests, and what may happen between it and a client."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NoConnectionError

from tests.support.servers.targets import free_port

CHANGING = ("unlink", "del", "flushdb", "flushall")
PATIENCE = 30.0


@dataclass
class Server:
    """A running redis-server.

    Attributes:
        address: where it listens without TLS.
        admin: a client that was let in before any password was asked for.
        process: which runs it.
    """

    address: str
    admin: Redis
    process: subprocess.Popen[bytes]

    def fill(self, prefix: str, count: int) -> None:
        """Make keys, each with a value."""
        self.admin.mset({f"{prefix}{number}": "value" for number in range(count)})

    def names(self) -> list[str]:
        """All keys, by their names."""
        return sorted(key.decode() for key in self.admin.scan_iter(count=10_000))

    def effects(self) -> int:
        """How many commands have deleted something, or tried to."""
        stats = self.admin.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in CHANGING)

    def stop(self) -> None:
        """End it; also where it hangs."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)

    def hang(self) -> None:
        """Let it take connections and answer nothing: the system accepts for it."""
        self.process.send_signal(signal.SIGSTOP)


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[Server]:
    """A server on a free port that keeps nothing; it ends with the block."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: infra/local/install.sh --test installs it"
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command += ["--dir", str(folder), *options]
    with (folder / "redis.log").open("wb") as log, ExitStack() as closing:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        admin = closing.enter_context(Redis(port=port, protocol=2))
        server = Server(f"127.0.0.1:{port}", admin, process)
        try:
            _await(admin, process)
            yield server
        finally:
            server.stop()


def _await(admin: Redis, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(NoConnectionError):
            if admin.ping():
                return
        time.sleep(0.02)
    raise AssertionError(f"redis-server did not start: {process.args!r}")


@dataclass
class Line:
    """A connection between clients and a server, which can break before an answer.

    Attributes:
        address: where clients connect to.
        losing: a command that is performed and whose answer is lost, once; none where it is empty.
    """

    address: str = ""
    losing: Sequence[bytes] = field(default=())

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        """What the client asks to the server, and its answers back, one by one as a client without pipelines does."""
        with client, server, suppress(OSError):
            while asked := client.recv(1 << 20):
                server.sendall(asked)
                answer = server.recv(1 << 20)
                if any(command in asked for command in self.losing):
                    self.losing = ()
                    return
                client.sendall(answer)


@contextmanager
def line_to(server: str) -> Iterator[Line]:
    """A line on a free port to a server's address."""
    line, (host, port) = Line(), server.split(":")
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as closing:
        line.address = f"127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    _carry(line, client, lambda: socket.create_connection((host, int(port))))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        closing.callback(listener.shutdown, socket.SHUT_RDWR)
        yield line


def _carry(line: Line, client: socket.socket, dial: Callable[[], socket.socket]) -> None:
    """Carry a client's connection on a thread of its own; close it where nobody listens behind."""
    try:
        server = dial()
    except OSError:
        client.close()
        return
    threading.Thread(target=line.carry, args=(client, server), daemon=True).start()

"""Functions in one process, each from its own archive and on its own port: a program of the local system, and of the container image.

`core/`, `functions/adapters/`, `functions/runtime/`, `functions/services/` and the settings are the same bytes in every
archive, so they are loaded once, from the first one; `main.py` and the modules of a function are loaded from the
archive of that function. Each function is a WSGI application of functions-framework, served by gunicorn as
functions-framework itself does; one that is an ASGI application is served by uvicorn, in a thread. gunicorn forks before anything is loaded, since gRPC does not survive a fork; when the
process dies, gunicorn starts it again.

Of a container, a further port answers whether the process is alive, by threads of its own: a function that is busy is healthy.
"""

import argparse
import hashlib
import importlib
import importlib.util
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
THREADS = 8
"""Requests that a function answers at a time; as many as functions-framework on two cores."""
STOPPING_SECONDS = 3.0
"""How long an ASGI application may take to stop, where nothing else is said."""
HEALTH = "health"
"""What answers on the further port."""
HEADER_SECONDS = 10.0
"""Time that the headers of a request may take, as `READ_SECONDS` of the functions is for its body."""
SHARED = (
    "core",
    "functions/__init__.py",
    "functions/adapters",
    "functions/runtime",
    "functions/services",
    "monitoring.yaml",
)
"""What every archive has the same of."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Asgi = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one function.

    Attributes:
        threads: requests that it answers at a time.
        seconds: after which a request is ended, as functions-framework does on Cloud Run; 0 for never.
    """

    threads: int = THREADS
    seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where functions are served, and how they stop.

    Attributes:
        host: the address that they listen on.
        health: the port that answers whether the process is alive; 0 for none.
        drain: seconds that requests may go on after SIGTERM; None for those of gunicorn, and `STOPPING_SECONDS`.
        limits: of functions, by name; the others have the default.
    """

    host: str = HOST
    health: int = 0
    drain: int | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, function: str) -> Limits:
        """The limits of a function, or of what answers for the process."""
        return self.limits.get(function, Limits(threads=2) if function == HEALTH else Limits())

    def arguments(self) -> list[str]:
        """The same on the command line."""
        given = [f"--host={self.host}", f"--health={self.health}"]
        given += [] if self.drain is None else [f"--drain={self.drain}"]
        return given + [f"--limits={name}={one.threads},{one.seconds}" for name, one in self.limits.items()]


class ArchivesDifferError(Exception):
    """Two archives cannot be served by one process; the message names a file that differs."""


def command(
    folder: Path, ports: Mapping[str, int], *, asgi: Collection[str] = (), place: Place | None = None
) -> list[str]:
    """The command line that serves the functions staged in `folder`, by name, on their ports; some are ASGI applications."""
    where = [f"{name}={port}" for name, port in ports.items()]
    where += place.arguments() if place else []
    where += [f"--asgi={name}" for name in ports if name in asgi]
    # -P: the folder it runs in is not searched for modules, so `core` is that of an archive
    return [sys.executable, "-P", "-m", "infra.local.functions_host", str(folder), *where]


def require_same(folders: Iterable[Path]) -> None:
    """Check that the archives agree in the modules that one process loads once.

    Raises:
        ArchivesDifferError: they do not.
    """
    first, *others = folders
    expected = _digests(first)
    for other in others:
        digests = _digests(other)
        differing = sorted(name for name in {*expected, *digests} if expected.get(name) != digests.get(name))
        if differing:
            raise ArchivesDifferError(f"{other / differing[0]}: must be the same as {first / differing[0]}")


def _digests(folder: Path) -> dict[str, bytes]:
    files = (path for name in SHARED for path in (folder / name, *(folder / name).rglob("*")))
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in files
        if path.is_file() and path.suffix != ".pyc"
    }


def load(folders: Mapping[str, Path], asgi: Collection[str]) -> tuple[dict[str, Wsgi], dict[str, Asgi]]:
    """Load every function from its archive.

    Args:
        folders: the staged archives by function; `core` and `functions` must not be imported yet.
        asgi: the functions that are ASGI applications.

    Returns:
        The applications by function: those of functions-framework, and the others.
    """
    # No archive's requirements have it; where it is installed, as it is here, BigQuery's client imports it.
    sys.modules["pyarrow"] = None  # type: ignore[assignment] # so that importing it fails
    import functions_framework  # noqa: PLC0415 - loaded behind the fork only

    sys.path.insert(0, str(next(iter(folders.values()))))
    importlib.import_module("functions").__path__ = [str(folder / "functions") for folder in folders.values()]
    loaded = {
        name: _loaded(folder, _of_asgi if name in asgi else functions_framework.create_app)
        for name, folder in folders.items()
    }
    others = {name: loaded.pop(name) for name in folders if name in asgi}
    return loaded, others


def _of_asgi(target: str, source: str) -> Asgi:
    found = importlib.util.spec_from_file_location(target, source)
    if found is None or found.loader is None:
        raise ImportError(f"{source}: must be a module")
    module = sys.modules[target] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    application: Asgi = getattr(module, target)()
    return application


def _loaded(folder: Path, create: Callable[[str, str], Any]) -> Any:  # noqa: ANN401 - of either kind
    path = list(sys.path)
    application = create("main", str(folder / "main.py"))
    # The framework leaves the module and its folder where the next function would find them.
    del sys.modules["main"]
    sys.path[:] = path
    return application


def by_port(applications: Mapping[str, Wsgi], ports: Mapping[str, int], enter: Callable[[str], None]) -> Wsgi:
    """One application that hands each request to the function whose port it came to.

    Args:
        applications: of the functions, by name.
        ports: of the functions, by name.
        enter: called with the function's name before the request, in the same thread.
    """
    names = {str(port): name for name, port in ports.items()}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = names[environ["SERVER_PORT"]]
        enter(name)
        return applications[name](environ, start_response)

    return answer


class _Pools(Executor):
    """Threads of their own for each port, so that a function whose threads are all busy holds up no other one."""

    def __init__(self, threads: Mapping[int, int]) -> None:
        self._by_port = {port: ThreadPoolExecutor(count) for port, count in threads.items()}

    def submit(self, handle: Callable[..., Any], connection: Any) -> "Future[Any]":  # type: ignore[override]  # noqa: ANN401 - gunicorn gives connections only
        """Handle a connection by a thread of the port it came to."""
        return self._by_port[connection.server[1]].submit(handle, connection)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as the class above has it
        """Take nothing more."""
        for pool in self._by_port.values():
            pool.shutdown(wait, cancel_futures=cancel_futures)


class _Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    by_port: ClassVar[Mapping[int, Limits]] = {}
    """What `_Server` has before it starts one: gunicorn makes the workers by itself."""

    def get_thread_pool(self) -> Executor:
        return _Pools({port: one.threads for port, one in self.by_port.items()})

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - gunicorn has no types
        """Handle a connection; one whose headers do not arrive in time is shut for reading, which ends the read."""
        conn.due = threading.Timer(HEADER_SECONDS, _end_reading, [conn.sock])
        conn.due.daemon = True
        conn.due.start()
        try:
            return super().handle(conn)
        finally:
            conn.due.cancel()

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401 - as above
        """Handle a request whose headers are there; the time of its body is bounded by the functions."""
        conn.due.cancel()
        with _bounded(self.by_port[conn.server[1]].seconds):
            return super().handle_request(req, conn)


def _bounded(seconds: int) -> AbstractContextManager[object]:
    """Ends what takes longer, where there is a limit, by an exception between two statements of its thread."""
    if not seconds:
        return nullcontext()
    from functions_framework.request_timeout import ThreadingTimeout  # noqa: PLC0415 - loaded behind the fork only

    timeout: AbstractContextManager[object] = ThreadingTimeout(seconds)  # type: ignore[no-untyped-call]
    return timeout


def _end_reading(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed
        connection.shutdown(socket.SHUT_RD)


class _AsgiServer:
    """Serves an ASGI application, in a thread of its own, from the port that it is given."""

    def __init__(self, application: Asgi, function: str, host: str, port: int) -> None:
        served = importlib.import_module(f"functions.{function}.server")
        self._server: uvicorn.Server = served.Server(served.config(application, host=host, port=port))
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, and return."""
        listening = [self._server.config.bind_socket()]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": listening}, name="asgi", daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """Tell those whose connections are open to come again; they do not keep the process for longer than these seconds."""
        self._server.should_exit = True
        if self._thread:
            self._thread.join(seconds)


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    def __init__(
        self, folders: Mapping[str, Path], ports: Mapping[str, int], asgi: Collection[str], place: Place
    ) -> None:
        self._folders = folders
        self._asgi = {name: port for name, port in ports.items() if name in asgi}
        self._ports = {name: port for name, port in ports.items() if name not in asgi}
        if place.health:
            self._ports[HEALTH] = place.health
        self._place = place
        self._served: list[_AsgiServer] = []
        _Worker.by_port = {port: place.of(name) for name, port in self._ports.items()}
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": [f"{self._place.host}:{port}" for port in self._ports.values()],
            "control_socket_disable": True,
            "limit_request_line": 0,
            "loglevel": "error",
            "threads": THREADS,
            "timeout": 0,
            "worker_class": _Worker,
            "worker_exit": self._leave,
        }
        if self._place.drain is not None:
            options["graceful_timeout"] = self._place.drain
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:
        applications, others = load(self._folders, [name for name in self._folders if name in self._asgi])
        for name, application in others.items():
            self._served.append(_AsgiServer(application, name, self._place.host, self._asgi[name]))
            self._served[-1].start()
        logs = importlib.import_module("functions.adapters.logs")
        return by_port(applications | {HEALTH: self._health}, self._ports, logs.set_function)

    def _health(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        healthy = all(one.is_alive() for one in self._served)
        start_response("200 OK" if healthy else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if healthy else b"an ASGI application has ended\n"]

    def _leave(self, _arbiter: object, _worker: object) -> None:
        """Before the process ends; each function by itself would send its last metrics when it ends, one after the other."""
        for one in self._served:
            one.stop(STOPPING_SECONDS if self._place.drain is None else self._place.drain)
        if metrics := sys.modules.get("functions.adapters.metrics"):
            metrics.close_all()


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.functions_host", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where each function is staged, in a folder of its name")
    parser.add_argument("functions", nargs="+", metavar="NAME=PORT", help="which functions, and where they listen")
    parser.add_argument("--asgi", action="append", default=[], metavar="NAME", help="one that is an ASGI application")
    parser.add_argument("--host", default=HOST, help="the address they listen on")
    parser.add_argument("--health", type=int, default=0, metavar="PORT", help="answers whether the process is alive")
    parser.add_argument("--drain", type=int, metavar="SECONDS", help="that requests may go on after SIGTERM")
    parser.add_argument(
        "--limits", action="append", default=[], type=_limits, metavar="NAME=THREADS,SECONDS", help="of a function"
    )
    options = parser.parse_args(arguments)
    ports = {name: int(port) for name, _, port in (given.partition("=") for given in options.functions)}
    folders = {name: options.folder.resolve() / name for name in ports}
    try:
        require_same(folders.values())
    except ArchivesDifferError as error:
        print(f"functions: {error}", file=sys.stderr)
        return 1
    place = Place(host=options.host, health=options.health, drain=options.drain, limits=dict(options.limits))
    _Server(folders, ports, options.asgi, place).run()
    return 0


def _limits(given: str) -> tuple[str, Limits]:
    name, _, values = given.partition("=")
    threads, seconds = map(int, values.split(","))
    return name, Limits(threads=threads, seconds=seconds)


if __name__ == "__main__":
    sys.exit(main())

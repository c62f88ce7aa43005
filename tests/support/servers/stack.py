"""`aia local` as a user runs it: a process with a folder and ports of its own, looked at and broken from outside."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
import yaml
from google.cloud import bigquery
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.protobuf.field_mask_pb2 import FieldMask

from core.events import Event, Finding, Severity, Status
from functions.adapters.events import encode
from functions.adapters.ports import Store
from functions.adapters.stores import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from functions.services.incidents.documents import INCIDENTS
from infra.local.ports import PUBLIC, reserve
from infra.local.stack import PROJECT

T = TypeVar("T")
AIA = str(Path(sys.executable).with_name("aia"))
HARMLESS_SECONDS = 0.1
"""A program that has used so little of the processor does not listen yet: Python has hardly begun to import anything."""
_ENDPOINTS = ("GOOGLE_", "PUBSUB_", "BIGQUERY_", "FIRESTORE_", "AIA_")


def eventually(look: Callable[[], T], what: str, *, within: float = 60.0, every: float = 0.1) -> T:
    """What `look` gives as soon as it gives something; a look that fails is a look too early."""
    deadline = time.monotonic() + within
    last: object = None
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
            last = found
        except (OSError, LookupError) as error:
            last = error
        time.sleep(every)
    pytest.fail(f"within {within:g} s there was no {what}; last: {last!r}")


def environment(**own: str) -> dict[str, str]:
    """This process's environment without any endpoint, and `own`; what Python compiled is kept, as it is for a user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_ENDPOINTS)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | own


def aia(*arguments: str, **own: str) -> "subprocess.CompletedProcess[str]":
    """Run `aia` to its end."""
    return subprocess.run([AIA, *arguments], env=environment(**own), capture_output=True, text=True, check=False)


def fresh(**fields: Any) -> Finding:
    """A finding of an outside program, about now."""
    given: dict[str, Any] = {
        "target": "service/checkout",
        "kind": "latency",
        "status": Status.FIRING,
        "severity": Severity.CRITICAL,
        "observed_at": datetime.now(UTC),
        "source": "outside",
        "summary": "checkout answers in 9 s",
    }
    return Finding(**given | fields)


@dataclass(slots=True)
class LocalStack:
    """One `aia local`; a context manager that ends it.

    Attributes:
        folder: where its data is.
        days: of history.
        separate: the functions that are programs by themselves, so that they can be killed by themselves.
        trains: whether requested trainings run, each of which takes a minute of a processor.
        ports: of what is public, by name.
    """

    folder: Path
    days: int
    separate: tuple[str, ...] = ()
    trains: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _clients: dict[str, Any] = field(default_factory=dict)
    _reserved: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.ports = free_ports(tuple(PUBLIC))
        self._reserved = [reserve(port) for port in self.ports.values()]
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._reserved:
            sock.close()
        status = 0
        if self._process and self._process.poll() is None:
            status = self.stop(signal.SIGTERM)
        left = self.left_behind()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert (status, left) == (0, []), f"it ended with {status} and left processes behind: {left}"

    # starting and stopping

    def launch(self, *options: str) -> None:
        """Start it with more options, and do not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {PUBLIC[name][0]: str(port) for name, port in self.ports.items()}
        with self.output.open("wb") as out:
            self._process = subprocess.Popen(
                [
                    AIA,
                    "local",
                    "--no-mlflow",
                    "--data",
                    str(self.folder),
                    "--days",
                    str(self.days),
                    *self._flags,
                    *options,
                ],
                env=environment(**own),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_closed_terminal,  # noqa: PLW1509 - sets a signal, and no thread holds a lock that it needs
            )

    @property
    def _flags(self) -> list[str]:
        separate = [f"--separate={name}" for name in self.separate]
        return separate if self.trains else [*separate, "--no-training"]

    def await_running(self, *, within: float = 150.0) -> None:
        """Return when it says that it runs."""
        eventually(self._says_running, f"running stack; see {self.output}", within=within)

    def start(self) -> None:
        """Start it and wait until it is up to now."""
        self.launch()
        self.await_running()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal; returns the exit status."""
        self._forget()
        self.process.send_signal(number)
        return self.process.wait(60)

    def _says_running(self) -> bool:
        status = self.process.poll()
        if status is not None:
            pytest.fail(f"aia local ended with {status}: {self.output.read_text()[-3000:]}")
        return "Ctrl-C stops it" in self.output.read_text()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "not started"
        return self._process

    @property
    def output(self) -> Path:
        """What it says."""
        return self.folder.with_suffix(".out")

    # its programs

    def programs(self) -> dict[str, int]:
        """Process ids by name: each program writes its own log."""
        found = {}
        for pid in processes():
            if parent(pid) == self.process.pid:
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    found[Path(f"/proc/{pid}/fd/1").readlink().stem] = pid
        return found

    def kill(self, name: str) -> int:
        """Kill a program as a crash would, and all it started; returns the process that was killed."""
        pid = eventually(lambda: self.programs()[name], f"program called {name}")
        os.killpg(pid, signal.SIGKILL)
        return pid

    def back(self, name: str, killed: int, port: int) -> None:
        """Return when a program that was killed runs again and listens."""
        eventually(lambda: self.programs()[name] != killed, f"{name} started again")
        eventually(lambda: listens(port), f"{name} that listens again")

    @contextlib.contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Keep a program from answering; it is not dead, so nobody starts it again."""
        pid = eventually(lambda: self.programs()[name], f"program called {name}")
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def kept_dead(self, *names: str) -> Iterator[None]:
        """Keep programs from running: each is killed, and what is started in its place is held before it has come up.

        So the pause before the next start does not grow with every kill, and what is let go comes up at once.
        """
        over, held = threading.Event(), set[int]()

        def hold() -> None:
            while not over.wait(0.02):
                for name, pid in self.programs().items():
                    if name not in names or pid in held or _read(pid, "cmdline") == _read(self.process.pid, "cmdline"):
                        continue  # the last: it is not the program yet, and whoever starts it waits until it is
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGSTOP)
                        if used(pid) < HARMLESS_SECONDS:
                            held.add(pid)
                        else:
                            os.killpg(pid, signal.SIGKILL)

        for name in names:
            self.kill(name)
        holder = threading.Thread(target=hold)
        holder.start()
        try:
            yield
        finally:
            over.set()
            holder.join()
            for pid in held:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGCONT)

    def log(self, name: str) -> str:
        """What a program wrote, or a function with those that share its process."""
        path = self.folder / "logs" / f"{name}.log"
        return (path if path.exists() else path.with_name("functions.log")).read_text(errors="replace")

    def port(self, function: str) -> int:
        """Where a function listens: by the environment of a program of its own, else by the command line of that of all."""
        is_own = function in self.separate
        name, file, option = (function, "environ", "PORT=") if is_own else ("functions", "cmdline", f"{function}=")
        pid = eventually(lambda: self.programs()[name], f"program called {name}")
        _, _, rest = ("\0" + Path(f"/proc/{pid}/{file}").read_text()).partition(f"\0{option}")
        return int(rest.partition("\0")[0])

    def left_behind(self) -> list[int]:
        """The processes that have this stack's folder in their environment or command line."""
        name = str(self.folder).encode()
        return [pid for pid in processes() if name in _read(pid, "environ") or name in _read(pid, "cmdline")]

    # what it serves

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def get(self, path: str, *, of: str = "page") -> Any:
        with urllib.request.urlopen(self.url(of) + path, timeout=30) as response:
            return json.load(response)

    def incidents(self, target: str) -> list[dict[str, Any]]:
        """The incidents of a target, open ones first, then the newest: one by one, since the API keeps its list for 10 s."""
        known = [one.data for one in self.store.find(INCIDENTS) if one.data["target"] == target]
        known.sort(key=lambda one: (one["open"], one["opened_at"]), reverse=True)
        return [self.get(f"/v1/incidents/{urllib.parse.quote(one['id'])}") for one in known]

    def inbox(self, incident: str, channel: str = "technical") -> list[dict[str, Any]]:
        """The messages of a channel about an incident, the oldest first."""
        messages = self.get("/messages.json", of="inbox")
        return [one for one in messages if (one["incident_id"], one["channel"]) == (incident, channel)][::-1]

    def prometheus(self, query: str) -> dict[str, float]:
        """An instant query: values by the first label's value."""
        answer = self.get(f"/api/v1/query?{urllib.parse.urlencode({'query': query})}", of="prometheus")
        found = answer["data"]["result"]
        return {next(iter(series["metric"].values()), ""): float(series["value"][1]) for series in found}

    def configure_prometheus(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the configuration of the running Prometheus, until the next start of the stack, and have it read."""
        path = self.folder / "prometheus.yml"
        config = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        change(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        os.kill(eventually(lambda: self.programs()["prometheus"], "program called prometheus"), signal.SIGHUP)

    def measure_often(self) -> None:
        """Have Prometheus look every second: what is measured is there when it is asked for."""

        def change(config: dict[str, Any]) -> None:
            config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}

        self.configure_prometheus(change)

    def retry_soon(self) -> None:
        """Have what failed delivered again within two seconds, however often it failed, until the next start of the stack."""
        policy = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 2}}
        with self.client(SubscriberClient) as subscriber:
            for one in subscriber.list_subscriptions(project=f"projects/{PROJECT}"):
                changed = {"name": one.name, "retry_policy": policy}
                mask = FieldMask(paths=["retry_policy"])
                subscriber.update_subscription(request={"subscription": changed, "update_mask": mask})

    # its parts, through the official clients

    @property
    def told(self) -> dict[str, str]:
        """The environment that its programs were given."""
        pid = eventually(lambda: self.programs()["pubsub"], "program called pubsub")
        pairs = (pair.partition("=") for pair in _read(pid, "environ").decode().split("\0") if "=" in pair)
        return {name: value for name, _, value in pairs if name.startswith(_ENDPOINTS)}

    def client(self, kind: Callable[[], T]) -> T:
        """A client that finds its endpoint by the environment, as a function's does."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.told.items():
                patch.setenv(name, value)
            return kind()

    @property
    def warehouse(self) -> BigQueryWarehouse:
        if "warehouse" not in self._clients:
            self._clients["bigquery"] = self.client(lambda: bigquery.Client(project=PROJECT))
            self._clients["warehouse"] = BigQueryWarehouse(self._clients["bigquery"], patience=30.0)
        found: BigQueryWarehouse = self._clients["warehouse"]
        return found

    @property
    def store(self) -> Store:
        return open_store(f"sqlite://{self.folder / 'store.sqlite'}", PROJECT)

    def send(self, topic: str, data: bytes, **attributes: str) -> str:
        """Publish as any outside program would; returns the message's id."""
        if "publisher" not in self._clients:
            self._clients["publisher"] = self.client(PublisherClient)
        publisher: PublisherClient = self._clients["publisher"]
        number: str = publisher.publish(f"projects/{PROJECT}/topics/{topic}", data, **attributes).result(timeout=60)
        return number

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        self.send(topic, encode(event), **attributes)

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.warehouse.query(sql, **parameters)

    def _forget(self) -> None:
        for client in self._clients.values():
            if isinstance(client, bigquery.Client):
                client.close()  # type: ignore[no-untyped-call] # google-cloud-bigquery has no types
        self._clients.clear()


def _heed_closed_terminal() -> None:
    """Take the signal that the tests may have been started without, as by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """As many free ports as names."""
    with contextlib.ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for sock in sockets.values():
            sock.bind(("127.0.0.1", 0))
        return {name: sock.getsockname()[1] for name, sock in sockets.items()}


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def processes() -> list[int]:
    """Every process of this machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def parent(pid: int) -> int:
    """The parent of a process, or 0."""
    stat = _read(pid, "stat").decode(errors="replace")
    fields = stat.rpartition(")")[2].split()
    # a process that has ended and is not yet waited for runs no more
    return int(fields[1]) if fields and fields[0] != "Z" else 0


def used(pid: int) -> float:
    """How many seconds of the processor a process has used."""
    fields = _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def midnight(days_ago: int = 0) -> datetime:
    """A midnight (UTC), the last one by default."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""

"""The local system: its programs, their environment, and the order in which they start.

BigQuery's emulator, Pub/Sub, monitoring, Vertex AI's pipelines, the inbox         what stands for what is outside
the functions, each from its staged archive: in one process, or in one each        what is deployed
history, a program a track                                                         computes the past, then ends
Prometheus, the scheduler                                                          what runs when the newest weeks are in
MLflow, where it is installed                                                      beside the first training, and nothing waits for it
"""

import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, as_completed
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from google.cloud import bigquery

from functions.adapters import config
from functions.runtime.deadlines import ACKNOWLEDGEMENT
from infra import stage
from infra.local import files, functions_host, mlflow, prometheus, session_token
from infra.local.patience import patiently
from infra.local.ports import Ports, answers, listens, store_url
from infra.local.programs import Program, Programs, StartError, StoppedError
from infra.local.pubsub.topology import apply_topology
from infra.local.scheduler import Scheduler, next_instant
from infra.local.warehouse import Emulator, write_credentials
from infra.local.warehouse.tables import create_tables

log = logging.getLogger(__name__)
PROJECT = "aia-local"
SETTINGS = stage.ROOT / "infra" / "monitoring.yaml"
TICKS = f"projects/{PROJECT}/topics/ticks"
"""The topic of the ticks."""
_DEPLOYED = stage.deployment()["functions"]
FUNCTIONS = tuple(_DEPLOYED)
_ACKNOWLEDGED = stage.acknowledgement_deadlines(FUNCTIONS)
ASGI = frozenset(name for name in FUNCTIONS if _DEPLOYED[name].get("asgi"))
"""The functions that are ASGI applications."""
PUBLIC_FUNCTIONS = {"api": "page", "alert_intake": "intake", "command_intake": "commands", "otlp": "otlp"}
"""The public ports of functions."""
PRIVATE = [
    *("monitoring", "metrics", "backlog", "mlflow", "vertex"),
    *(name for name in FUNCTIONS if name not in PUBLIC_FUNCTIONS),
]
"""The private ports."""
RECORD = "stack.json"
"""What a stack started with, in the folder of its data: the settings, and the ports. `maintenance` compares it each hour."""
SOON = timedelta(seconds=12)
"""After which a function that has just answered sends its metrics again."""
NOWHERE = "127.0.0.1:9"
"""An address without a listener (the port of the discard protocol), so that a connection is refused at once."""
NO_CLOUD = ("AIA_RUN_ENDPOINT", "AIA_IAM_ENDPOINT", "AIA_LOGGING_ENDPOINT")
"""The endpoints of services without a local substitute: Cloud Run, IAM, Cloud Logging.

Unset, they would be Google's own, called with made-up credentials. So an action reports that they do not answer.
"""


class Stack:
    """The running system; a context manager that leaves no process behind.

    Args:
        folder: stores all data; existing data is continued.
        ports: where the programs listen.
        separate: the functions that are programs by themselves, under functions-framework, as they are deployed; the others
            are the program `functions`.
        with_mlflow: whether versions of models are registered in an MLflow server as well, where it is installed.
        with_training: whether trainings run; else their requests are only stored.
        store: the address of the store, or None for a file in the folder.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        separate: Collection[str] = (),
        with_mlflow: bool = False,
        with_training: bool = False,
        store: str | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.ports = ports
        self.separate = frozenset(separate)
        self.with_mlflow = with_mlflow and mlflow.is_installed()
        self.with_training = with_training
        self._store = store
        self.programs = Programs(self.folder)
        self._schedulers: list[Scheduler] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for scheduler in self._schedulers:
                scheduler.stop()
        finally:
            self.programs.stop()

    @property
    def prometheus_data(self) -> Path:
        """The folder of Prometheus' blocks."""
        return self.folder / "prometheus"

    @property
    def store(self) -> str:
        """The URL of the store."""
        return self._store or store_url(self.folder)

    def start(self, say: Callable[[str], None], *, tracks: Sequence[str], charts: bool) -> None:
        """Start everything except the scheduler, and the programs that compute the history.

        Args:
            say: called with each status message.
            tracks: of the history, which are not in yet.
            charts: whether Prometheus is started as well: later blocks are found by it within a minute only.

        Raises:
            SettingsError: the settings are wrong; nothing was started.
            StartError: a program did not come up.
            UnavailableError: Prometheus is not installed.
        """
        prometheus.require()
        self.folder.mkdir(parents=True, exist_ok=True)
        credentials = write_credentials(self.folder / "credentials.json")
        os.environ.update(self._environment(credentials) | session_token.environment(self.folder))
        self.write_record()
        _jobs()  # programs that cannot read the settings would only be started again and again
        say("BigQuery, Pub/Sub, monitoring, inbox, functions")
        self.programs.start(*map(self._history, tracks))
        # Side by side: no function asks for a service before its first request, and the services for none.
        parts = [self._start_services, self._start_functions, *([self._start_prometheus] if charts else [])]
        for one in as_completed([_beside(part) for part in parts]):
            one.result()

    def write_record(self) -> None:
        """Write down what the stack starts with: the settings, and the ports."""
        absent = {"mlflow": not self.with_mlflow, "vertex": not self.with_training}
        record = {
            "settings": str(SETTINGS),
            "digest": hashlib.sha256(SETTINGS.read_bytes()).hexdigest(),
            "ports": {name: port for name, port in self.ports.by_name.items() if not absent.get(name)},
        }
        files.write(self.folder / RECORD, json.dumps(record).encode())

    def prometheus(self) -> Program:
        """Prometheus, after its configuration is written; existing blocks in its data folder are served from its start."""
        local = "127.0.0.1:{}".format
        config = prometheus.write_config(
            self.folder / "prometheus.yml",
            targets={"monitoring": local(self.ports["metrics"]), "pubsub": local(self.ports["backlog"])},
            # The second path is for alerts about the components of the first: those with `path: direct`.
            alerts_to=[local(self.ports["intake"]), local(self.ports["inbox"])],
            rules=prometheus.write_rules(self.folder / "alerts", jobs=_jobs()),
        )
        listen = f"127.0.0.1:{self.ports['prometheus']}"
        return Program(
            name="prometheus",
            command=prometheus.command(config=config, data_dir=self.prometheus_data, listen=listen),
            ready=lambda: answers(f"{self.ports.url('prometheus')}/-/ready"),
        )

    def start_mlflow(self) -> None:
        """Start MLflow, which takes seconds of a processor, without waiting for it; nothing where it is not wanted."""
        if self.with_mlflow:
            _beside(self._start_mlflow)

    def start_scheduler(self, wanted: Callable[[str], bool]) -> None:
        """Publish the ticks of the jobs that are wanted, by their names, from now on, one of each right now."""
        scheduler = Scheduler({job: cron for job, cron in _jobs().items() if wanted(job)}, TICKS)
        self._schedulers.append(scheduler)
        scheduler.start()

    def publish_soon(self, jobs: tuple[str, ...]) -> None:
        """Publish a further tick of each job in some seconds: a function sends its metrics every 10 s at most."""
        then, crons = datetime.now(UTC) + SOON, _jobs()
        # A function whose scheduled tick comes right after would not send those metrics before the next tick.
        wanted = [job for job in jobs if job in crons and next_instant(crons[job], then) - then > SOON]
        scheduler = Scheduler({}, TICKS, dict.fromkeys(wanted, SOON))
        self._schedulers.append(scheduler)
        scheduler.start()

    def _start_services(self) -> None:
        vertex = [self._vertex()] if self.with_training else []
        self.programs.start(self._warehouse(), self._pubsub(), self._monitoring(), *vertex, self._inbox())
        patiently("tables", lambda: create_tables(bigquery.Client(project=PROJECT)), self.programs.is_stopping)
        urls = {name: self._function_url(name) for name in FUNCTIONS}
        patiently("subscriptions", lambda: apply_topology(PROJECT, stage.deployment(), urls), self.programs.is_stopping)

    def _start_functions(self) -> None:
        self.programs.start(*self._functions())

    def _start_prometheus(self) -> None:
        self.programs.start(self.prometheus())

    def _start_mlflow(self) -> None:
        try:
            self.programs.start(self._mlflow())
        except StoppedError:
            return
        except (StartError, OSError) as error:
            log.warning("versions of models are not registered in MLflow: %s", error)

    def _mlflow(self) -> Program:
        folder, url = self.folder / "mlflow", self.ports.url("mlflow")
        folder.mkdir(parents=True, exist_ok=True)
        return Program(
            name="mlflow",
            command=mlflow.command(folder, self.ports["mlflow"]),
            env=mlflow.ENVIRONMENT,
            folder=folder,
            ready=lambda: mlflow.is_healthy(url),
        )

    def _environment(self, credentials: Path) -> dict[str, str]:
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{self.ports['pubsub']}",
            "BIGQUERY_EMULATOR_HOST": self.ports.url("warehouse"),
            "AIA_STORE": self.store,
            "AIA_VERTEX_ENDPOINT": f"127.0.0.1:{self.ports['vertex']}" if self.with_training else NOWHERE,
            "AIA_MONITORING_ENDPOINT": f"127.0.0.1:{self.ports['monitoring']}",
            "AIA_PROMETHEUS_URL": self.ports.url("prometheus"),
            "AIA_LOCATION": "local",
            ACKNOWLEDGEMENT: _ACKNOWLEDGED,
            "AIA_STACK_RECORD": str(self.folder / RECORD),
            "AIA_API_URL": self.ports.url("page"),
            "AIA_COMMAND_INTAKE_URL": self.ports.url("commands"),
            "AIA_INBOX_URL": f"{self.ports.url('inbox')}/",
            "AIA_PROBE_NETWORKS": "127.0.0.0/8, ::1/128",
            "AIA_WAREHOUSE_ADDRESS": f"127.0.0.1:{self.ports['warehouse']}",
            # Windows of some thousand rows are done before a second thread has begun; side by side they only wait.
            "OMP_NUM_THREADS": "1",
            **dict.fromkeys(NO_CLOUD, NOWHERE),
            **({} if self.with_training else {"AIA_TRAINING_DISABLED": "1"}),
            **({"AIA_MLFLOW_URL": self.ports.url("mlflow")} if self.with_mlflow else {}),
        }

    def _function_url(self, name: str) -> str:
        return self.ports.url(PUBLIC_FUNCTIONS.get(name, name))

    def _functions(self) -> list[Program]:
        folder = self.folder / "functions"
        staged = stage.stage_all(FUNCTIONS, folder, locked=False)
        programs = [self._function(name, folder) for name, folder in staged.items() if name in self.separate]
        urls = {name: self._function_url(name) for name in FUNCTIONS if name not in self.separate}
        if urls:
            programs.append(self._host(folder, urls))
        return programs

    def _host(self, folder: Path, urls: Mapping[str, str]) -> Program:
        return Program(
            name="functions",
            command=functions_host.command(folder, {name: _port(url) for name, url in urls.items()}, asgi=ASGI),
            folder=folder,
            ready=lambda: all(map(answers, urls.values())),
        )

    def _function(self, name: str, folder: Path) -> Program:
        url = self._function_url(name)
        where = {"HOST": "127.0.0.1", "PORT": str(_port(url))}
        return Program(
            name=name,
            command=asgi_command(folder) if name in ASGI else framework_command(folder),
            # The project's own tree is installed in this environment; the archive must come before it.
            env={"PYTHONPATH": str(folder), "K_SERVICE": name, **where},
            folder=folder,
            ready=lambda: answers(url),
        )

    def _warehouse(self) -> Program:
        emulator = Emulator(
            data=self.folder / "warehouse",
            project=PROJECT,
            port=self.ports["warehouse"],
        )
        emulator.data.mkdir(parents=True, exist_ok=True)
        return Program(
            name="warehouse",
            command=emulator.command,
            env=emulator.environment,
            ready=lambda: answers(f"{emulator.url}/bigquery/v2/projects/{PROJECT}/datasets"),
        )

    def _history(self, track: str) -> Program:
        command = [sys.executable, "-m", "infra.local.past", track, "--data", str(self.folder), "--project", PROJECT]
        return Program(name=f"history-{track}", command=command, folder=stage.ROOT, ready=lambda: True, once=True)

    def _pubsub(self) -> Program:
        where = [
            "--port",
            str(self.ports["pubsub"]),
            "--rest-port",
            str(self.ports["pubsub-rest"]),
            "--data",
            str(self.folder / "pubsub.sqlite"),
            "--project",
            PROJECT,
            "--metrics-port",
            str(self.ports["backlog"]),
        ]
        return self._module("pubsub", "infra.local.pubsub", where, self.ports["pubsub"])

    def _monitoring(self) -> Program:
        ports = ["--grpc-port", str(self.ports["monitoring"]), "--http-port", str(self.ports["metrics"])]
        return self._module(
            "monitoring", "infra.local.monitoring", [*ports, "--data", str(self.folder)], self.ports["metrics"]
        )

    def _vertex(self) -> Program:
        where = ["--port", str(self.ports["vertex"]), "--data", str(self.folder / "vertex"), "--project", PROJECT]
        return self._module("vertex", "infra.local.vertex", where, self.ports["vertex"])

    def _inbox(self) -> Program:
        where = ["--port", str(self.ports["inbox"]), "--data", str(self.folder / "inbox.sqlite")]
        return self._module("inbox", "infra.local.inbox", where, self.ports["inbox"])

    @staticmethod
    def _module(name: str, module: str, arguments: list[str], port: int) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-m", module, *arguments],
            folder=stage.ROOT,
            ready=lambda: listens(port),
        )


def asgi_command(folder: Path) -> list[str]:
    """How the archive of an ASGI application in a folder is started, at `PORT` of `HOST` of its environment."""
    return [sys.executable, str(folder / "main.py")]


def framework_command(folder: Path) -> list[str]:
    """How that of any other function is, likewise."""
    program = str(Path(sys.executable).with_name("functions-framework"))
    return [program, "--target", "main", "--source", str(folder / "main.py")]


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _beside(act: Callable[[], None]) -> "Future[None]":
    """Run it in a daemon thread: BigQuery's client retries against a stopped warehouse for ten minutes."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="start", daemon=True).start()
    return done


def _jobs() -> Mapping[str, str]:
    """The jobs that the settings schedule."""
    return config.load(SETTINGS).jobs

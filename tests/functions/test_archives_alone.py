"""Each archive alone, as it is deployed: a process of its own under its server, and one message.

The processes are forked from one that has the packages of most, which take longer to import than all else.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.events import Event, Tick
from functions.adapters.events import encode
from infra import stage
from infra.local.monitoring.server import serve
from infra.local.ports import listens
from infra.local.stack import ASGI, asgi_command, framework_command
from infra.local.warehouse import write_credentials
from tests.support.fakes.command_intake import NEW, signed_by_pagerduty, webhook
from tests.support.fakes.intake import push
from tests.support.servers.stack import environment, eventually, free_ports

FUNCTIONS = tuple(stage.deployment()["functions"])
JOBS = (
    "action_runner",
    "audit_events",
    "bi_rollup",
    "capacity",
    "drift_score",
    "health_check",
    "incident_sweep",
    "maintenance",
    "pipeline_monitor",
    "promotion",
    "service_rollup",
    "telemetry_rollup",
)
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)


NOTHING = {"jobComplete": True, "schema": {"fields": []}, "rows": [], "totalRows": "0"}
QUERY = {"projectId": "aia-test", "jobId": "none", "location": "US"}


class BigQuery(BaseHTTPRequestHandler):
    """Runs every statement, finds no rows, and takes every row."""

    def do_GET(self) -> None:
        self._answer(NOTHING)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.partition("?")[0].endswith("/queries"):
            self._answer(NOTHING | {"jobReference": QUERY})
        else:
            self._answer({} if "rows" in asked else asked | {"status": {"state": "DONE"}})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a function: nothing to watch, and services that have nothing to say."""
    folder = tmp_path_factory.mktemp("outside")
    answers = {"accounts": {"Ada": {}}, "command_intake": {"pagerduty": {"secrets": [NEW]}}}
    settings = {"version": 1, "jobs": dict.fromkeys(JOBS, "* * * * *")} | answers
    (folder / "monitoring.yaml").write_text(json.dumps(settings))
    server = ThreadingHTTPServer(("127.0.0.1", 0), BigQuery)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with serve() as monitoring:
        yield environment(
            GOOGLE_CLOUD_PROJECT="aia-test",
            GOOGLE_APPLICATION_CREDENTIALS=str(write_credentials(folder / "key.json")),
            BIGQUERY_EMULATOR_HOST=f"http://127.0.0.1:{server.server_port}",
            PUBSUB_EMULATOR_HOST="127.0.0.1:9",
            AIA_LOCATION="local",
            AIA_MONITORING_ENDPOINT=monitoring.endpoint,
            AIA_PROMETHEUS_URL="http://127.0.0.1:9",
            AIA_SETTINGS=str(folder / "monitoring.yaml"),
            AIA_STORE=f"sqlite://{folder}/store.sqlite",
        )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stage.stage_all(FUNCTIONS, tmp_path_factory.mktemp("staged"), locked=False)


_FORKING = """
import json, os, runpy, signal, sys
import uvicorn, starlette.applications
import functions_framework._cli, functions_framework._http.gunicorn, gunicorn.arbiter, gunicorn.workers.gthread
import msgspec, numpy, yaml
from google.cloud import bigquery, firestore, monitoring_v3, pubsub_v1

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    folder, out, port, *sys.argv = json.loads(line)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number, name in enumerate((os.devnull, out, out)):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        os.chdir(folder)
        sys.path.insert(0, folder)  # before the project's own tree, which is installed in this environment
        os.environ |= {"HOST": "127.0.0.1", "PORT": str(port)}
        if sys.argv[0] == "main.py":
            runpy.run_path("main.py", run_name="__main__")
        else:
            functions_framework._cli._cli()
    print(child, flush=True)
"""


@pytest.fixture(scope="module")
def forking(outside: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    own = {name: value for name, value in outside.items() if name != "PYTHONPATH"} | {"THREADS": "2"}
    command = [sys.executable, "-c", _FORKING]
    with subprocess.Popen(command, env=own, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def started(forking: subprocess.Popen[str], function: str, folder: Path, out: Path, port: int) -> int:
    """Start a function in its folder, with its output in a file; the number of its process, which leads a group."""
    assert forking.stdin
    assert forking.stdout
    _, *command = asgi_command(Path()) if function in ASGI else ("", *framework_command(Path()))
    forking.stdin.write(json.dumps([str(folder), str(out), port, *command]) + "\n")
    forking.stdin.flush()
    return int(forking.stdout.readline())


def ended(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


PARKING = ("bi_rollup", "incident_router", "retrain")
"""Whose own messages want more from outside than there is: they get one that is parked."""


WEBHOOK = webhook()
CALLED = {
    "alert_intake": ("/api/v2/alerts", b"[]", {"Content_Type": "application/json"}),
    "api": ("/v1/incidents", None, {}),
    "command_intake": ("/pagerduty", WEBHOOK, signed_by_pagerduty(WEBHOOK, NEW)),
    "otlp": ("/v1/traces", b'{"resourceSpans": []}', {"Content_Type": "application/json"}),
}
"""Those that receive no messages, but calls: the path, the body and the headers."""


def message(function: str) -> bytes:
    """A message that the function acts on, though nothing is to be done about it, or one that it parks."""
    events: dict[str, Event] = {job: Tick(job=job, scheduled_at=AT) for job in JOBS}
    return b"neither an alert nor an event" if function in PARKING else encode(events[function])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_archive_alone_in_its_process_answers_a_message(
    staged: dict[str, Path], forking: subprocess.Popen[str], tmp_path: Path, function: str
) -> None:
    port = free_ports((function,))[function]
    process = started(forking, function, staged[function], tmp_path / "out", port)
    with ExitStack() as closing:
        closing.callback(os.killpg, process, signal.SIGKILL)
        eventually(lambda: listens(port) or ended(process), "port that listens")
        path, data, headers = CALLED.get(function) or ("/", push(message(function)), {})
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers=named)
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == (200 if function in CALLED else 204)
    said = (tmp_path / "out").read_text()
    assert "Traceback" not in said
    assert ("parked: " in said) is (function in PARKING)

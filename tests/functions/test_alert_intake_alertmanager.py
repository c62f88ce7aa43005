"""Alertmanager itself: what it posts of a group that fires, is cut, and is over."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask
import pytest
from werkzeug.serving import make_server

from core.events import Finding, Severity, Status
from functions.runtime.authenticator import Authenticator
from tests.support.fakes.intake import World

PROGRAM = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
STARTED = datetime.now(UTC) - timedelta(minutes=1)
CONFIG = """
route: {{receiver: intake, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: intake
    webhook_configs:
      - url: http://127.0.0.1:{port}/alertmanager
        send_resolved: true
        max_alerts: 2
        http_config: {{authorization: {{credentials: t0ken}}}}
"""


@pytest.fixture
def world() -> World:
    return World(authenticator=Authenticator(token="t0ken"), clock=lambda: datetime.now(UTC))


@pytest.fixture
def alertmanager(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of a running one that notifies the intake."""
    served = flask.Flask("intake")
    served.add_url_rule("/<path:_>", view_func=lambda _: world.answer(flask.request), methods=["POST"])
    server = make_server("127.0.0.1", 0, served, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    (tmp_path / "config.yml").write_text(CONFIG.format(port=server.port))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert PROGRAM
    command = [PROGRAM, f"--config.file={tmp_path}/config.yml", f"--storage.path={tmp_path}/data"]
    command += [f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=error"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: ready(f"http://{address}"))
            yield f"http://{address}"
        finally:
            process.terminate()
            server.shutdown()
            server.server_close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready"):
            return True
    except urllib.error.URLError:
        return False


def send(url: str, *models: str, ends: timedelta) -> None:
    """Post alerts as a Prometheus does."""
    alerts = [
        {
            "labels": {"alertname": "AccuracyLow", "severity": "critical", "model": model},
            "annotations": {"summary": f"{model} is wrong too often"},
            "startsAt": STARTED.isoformat(),
            "endsAt": (datetime.now(UTC) + ends).isoformat(),
        }
        for model in models
    ]
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v2/alerts", json.dumps(alerts).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.long
@pytest.mark.skipif(PROGRAM is None, reason="alertmanager is absent: not on PATH")
def test_a_group_fires_is_cut_and_is_over(alertmanager: str, world: World) -> None:
    def told(status: Status) -> list[Finding]:
        return [one for one in world.findings() if one.status is status and one.target.startswith("model/")]

    models = ("churn", "fraud", "price")
    send(alertmanager, *models, ends=timedelta(hours=1))
    until(lambda: len(told(Status.FIRING)) >= 2)
    fired = told(Status.FIRING)
    assert {one.target for one in fired} <= {f"model/{name}" for name in models}
    assert {(one.severity, one.summary.rpartition(" is ")[2]) for one in fired} == {
        (Severity.CRITICAL, "wrong too often")
    }
    until(lambda: any(one.kind.startswith("alerts_left_out") for one in world.findings()))
    send(alertmanager, *models, ends=timedelta(seconds=-1))
    until(lambda: told(Status.RESOLVED))
    assert {one.condition for one in told(Status.RESOLVED)} <= {one.condition for one in told(Status.FIRING)}
    assert world.park.letters == []

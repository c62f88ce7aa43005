"""What the container image runs: `aia serve`, and what makes the topics."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from core.errors import SettingsError
from functions.adapters import config
from functions.runtime.deadlines import ACKNOWLEDGEMENT, TIMEOUTS
from infra import stage
from infra.container.command import REQUIRED, chosen, deadlines, limits, refused
from infra.container.prepare import endpoints
from infra.local.ports import answers
from infra.local.warehouse import write_credentials
from tests.support.servers.stack import eventually, free_ports

DEPLOYED = stage.deployment()["functions"]
ENVIRONMENT = dict.fromkeys(REQUIRED, "x") | {
    "AIA_STORE": "sqlite:///tmp/never-opened",
    "AIA_SETTINGS": str(stage.ROOT / "infra" / "monitoring.yaml"),
}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["nobody"], "NAME: must be all or one of .*, got 'nobody'"),
        (["all", "api"], "NAME: must be all or one of .*, got 'all'"),
        (["api=http"], "api: PORT must be a number, got 'http'"),
        (["api", "api"], "must be given once, got api api"),
        (["api=8080", "otlp=8080"], "must be given once, got api=8080 otlp=8080"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(given: list[str], reason: str) -> None:
    with pytest.raises(click.BadParameter, match=reason):
        chosen(given, DEPLOYED, 8080)


def test_a_request_may_take_as_long_as_a_message_is_waited_for() -> None:
    assert (limits(DEPLOYED["drift_score"]).threads, limits(DEPLOYED["drift_score"]).seconds) == (1, 300)
    assert (limits(DEPLOYED["api"]).threads, limits(DEPLOYED["api"]).seconds) == (8, 60)


def test_a_function_knows_when_its_messages_come_again() -> None:
    found = deadlines(["drift_score"], stage.deployment())
    assert found.keys() == {"AIA_ACK_DEADLINES", "AIA_TIMEOUTS"}
    assert json.loads(found["AIA_ACK_DEADLINES"]) == {"drift-score": 60, "drift-score-scoring": 300}
    assert json.loads(found["AIA_TIMEOUTS"]) == {"drift_score": 300}
    both = deadlines(["drift_score", "retrain"], stage.deployment())
    assert json.loads(both["AIA_ACK_DEADLINES"]) == {"drift-score": 60, "drift-score-scoring": 300, "retrain": 120}
    assert json.loads(both["AIA_TIMEOUTS"]) == {"drift_score": 300, "retrain": 120}


def test_what_is_missing_is_said_before_anything_is_served(tmp_path: Path) -> None:
    assert refused(["api"], tmp_path, {}).startswith("GOOGLE_CLOUD_PROJECT, AIA_LOCATION, AIA_STORE: must be set")
    assert refused(["api"], tmp_path, ENVIRONMENT) == f"--archives: {tmp_path} has no api"


def test_settings_that_are_wrong_are_refused_but_where_the_function_reads_none_of_them(tmp_path: Path) -> None:
    for name in ("api", "alert_intake"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").touch()
    with pytest.raises(SettingsError) as unset:
        config.load(Path(ENVIRONMENT["AIA_SETTINGS"]), ENVIRONMENT)
    assert refused(["api"], tmp_path, ENVIRONMENT) == f"{ENVIRONMENT['AIA_SETTINGS']}: {unset.value}"
    assert "${AIA_API_URL} must be set in the environment" in str(unset.value)
    assert refused(["alert_intake"], tmp_path, ENVIRONMENT) == ""
    assert refused(["alert_intake", "api"], tmp_path, ENVIRONMENT) != ""


def test_every_subscription_leads_to_a_function_and_presents_the_token_that_is_asked_for_there() -> None:
    found = endpoints("http://{name}:{port}", {"AIA_INTAKE_TOKEN": "s:cr/t", "AIA_OTLP_TOKEN": ""}, 9000)
    assert found.keys() == DEPLOYED.keys()
    assert found["alert_intake"] == "http://bus:s%3Acr%2Ft@alert-intake:9002"
    assert found["otlp"] == f"http://otlp:{9000 + list(DEPLOYED).index('otlp')}"


def test_a_function_is_served_from_its_archive_and_stops_when_it_is_told_to(tmp_path: Path) -> None:
    stage.stage_all(["alert_intake"], tmp_path, locked=False)
    ports = free_ports(["alert_intake", "health"])
    given = [f"alert_intake={ports['alert_intake']}", "--host", "127.0.0.1", "--health-port", str(ports["health"])]
    command = [sys.executable, "-m", "functions.cli.main", "serve", *given]
    own = os.environ | ENVIRONMENT | {"AIA_ARCHIVES": str(tmp_path), "AIA_MONITORING_ENDPOINT": "127.0.0.1:9"}
    own["GOOGLE_APPLICATION_CREDENTIALS"] = str(write_credentials(tmp_path / "credentials.json"))
    own.pop(ACKNOWLEDGEMENT, None)
    with ExitStack() as closing:
        process = closing.enter_context(subprocess.Popen(command, cwd=stage.ROOT, env=own, stderr=subprocess.PIPE))
        closing.callback(process.kill)
        eventually(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{ports['health']}/"), "answer")
        with pytest.raises(urllib.error.HTTPError) as wrong:
            urllib.request.urlopen(f"http://127.0.0.1:{ports['alert_intake']}/", timeout=30)
        with wrong.value:
            assert wrong.value.code == 405
        has = dict(one.split("=", 1) for one in Path(f"/proc/{process.pid}/environ").read_text().split("\0") if one)
        assert (json.loads(has[ACKNOWLEDGEMENT])["alert-intake"], has[TIMEOUTS]) == (60, '{"alert_intake": 60}')
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    assert said.decode().startswith(f"serve: alert_intake on 127.0.0.1:{ports['alert_intake']}\n")

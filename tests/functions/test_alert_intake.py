"""What the intake makes of real bodies, through both doors."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import EnvironBuilder

from core.events import Finding, RegistryChange, Severity, Status
from functions.adapters.events import encode
from functions.alert_intake import alert
from functions.alert_intake.alert import Refusal
from functions.alert_intake.body import LARGEST
from functions.alert_intake.envelopes import unwrapped
from functions.alert_intake.formats import FORMATS
from functions.alert_intake.intake import MOST_LETTERS, read
from functions.alert_intake.reading import UnreadableError, decode
from functions.runtime.authenticator import Authenticator
from functions.runtime.push import letter_id
from tests.support.builders.hostile import SEEDS
from tests.support.fakes.intake import NOW, PAYLOADS, World, payload, push, sent
from tests.support.fakes.recorders import RecordingBus

pytest_plugins = ["tests.support.servers.framework"]
GOLDEN = json.loads(payload("golden_alert_intake.json"))
FINDINGS = "alertmanager_v4_real_0_25_group100.json"


def outcome(one: Any) -> Any:
    return json.loads(encode(one)) if isinstance(one, Finding | RegistryChange) else asdict(one)["reason"]


def said(body: bytes) -> dict[str, Any]:
    """What is kept of a body in the golden file."""
    outcomes = list(read(body, NOW).outcomes)
    findings = sum(isinstance(one, Finding) for one in outcomes)
    return {
        "findings": findings,
        "refusals": sum(isinstance(one, Refusal) for one in outcomes),
        "first": [outcome(one) for one in outcomes[:2]],
    }


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_saved_body_becomes_what_it_became_before(name: str) -> None:
    assert said(payload(name)) == GOLDEN[name]


def test_every_saved_alert_is_in_the_golden_file() -> None:
    prefixes = ("alertmanager", "aws", "formatted", "gcm", "grafana", "prometheus_api")
    assert sorted(GOLDEN) == sorted(path.name for path in PAYLOADS.iterdir() if path.name.startswith(prefixes))


@pytest.mark.parametrize("name", sorted({*SEEDS, *GOLDEN}))
def test_the_shape_of_a_saved_body_is_of_one_format(name: str) -> None:
    try:
        body = unwrapped(decode(payload(name)))
    except UnreadableError:
        assert name.startswith(("gcm_pubsub_bad", "gcp_ce"))
        return
    recognised = [one.name for one in FORMATS if one.recognise(body)]
    also = ["formatted"] if name.startswith(("grafana_legacy_w", "grafana_unified", "newrelic")) else []
    assert recognised[1:] == also


def test_a_group_of_a_hundred_is_published_in_its_order() -> None:
    world = World()
    answer = world.send(payload(FINDINGS), "/alertmanager")
    assert (answer.status_code, answer.json) == (200, {"accepted": 100, "parked": 0, "ignored": 0})
    names = [alert["labels"]["instance"] for alert in json.loads(payload(FINDINGS))["alerts"]]
    assert [finding.target for finding in world.findings()] == [f"instance/{name}" for name in names]
    assert len({finding.id for finding in world.findings()}) == 100


def test_a_bad_element_is_parked_by_itself_and_the_others_go_on() -> None:
    body = json.loads(payload(FINDINGS))
    body["alerts"][3] = {"labels": {"alertname": "A"}, "status": "gone"}
    body["alerts"][7] = "not an alert"
    world = World()
    answer = world.send(json.dumps(body).encode(), "/alertmanager")
    assert answer.json == {"accepted": 98, "parked": 2, "ignored": 0}
    [(third, why, _), (seventh, _, _)] = world.park.letters
    assert (json.loads(third), json.loads(seventh)) == (body["alerts"][3], "not an alert")
    assert why.startswith("$.alerts[3]: status: must say whether it holds")
    assert world.metrics.values["aia_function_requests_total", "alert_intake", "parked"] == 2
    assert world.metrics.values["aia_function_requests_total", "alert_intake", "done"] == 1


def test_parked_elements_of_one_message_are_kept_apart() -> None:
    world = World()
    world.send(push(json.dumps({"alerts": ["one", "two", {"labels": {"alertname": "A"}}]}).encode(), "42"))
    assert [finding.target for finding in world.findings()] == ["alert/A"]
    assert [message for _, _, message in world.park.letters] == ["42/0", "42/1"]
    ids = {letter_id("alert_intake", body, message) for body, _, message in world.park.letters}
    assert len(ids) == 2


@pytest.mark.parametrize("authenticator", ["webhook", "topic"])
def test_of_more_refusals_than_letters_the_body_is_parked_once_with_the_first_reason(authenticator: str) -> None:
    world = World()
    body = json.dumps({"alerts": [*["bad"] * MOST_LETTERS, {"labels": {"alertname": "A"}}, 3]}).encode()
    world.send(push(body) if authenticator == "topic" else body)
    assert [finding.target for finding in world.findings()] == ["alert/A"]
    [(letter, reason, message)] = world.park.letters
    assert (letter, message) == (body, "7" if authenticator == "topic" else "")
    assert reason.startswith("101 alerts, first: $.alerts[0]: ")
    assert world.metrics.values["aia_function_requests_total", "alert_intake", "parked"] == 101


def test_as_many_refusals_as_letters_are_parked_one_by_one() -> None:
    world = World()
    answer = world.send(json.dumps({"alerts": ["bad"] * MOST_LETTERS}).encode())
    assert answer.json == {"accepted": 0, "parked": MOST_LETTERS, "ignored": 0}
    assert [letter for letter, _, _ in world.park.letters] == [b'"bad"'] * MOST_LETTERS


def test_a_body_of_a_hundred_thousand_bad_alerts_is_one_letter() -> None:
    world = World()
    body = b'{"alerts": [' + b"1," * 99_999 + b"1]}"
    assert world.send(body).json == {"accepted": 0, "parked": 100_000, "ignored": 0}
    [(letter, reason, _)] = world.park.letters
    assert letter == body
    assert reason.startswith("100000 alerts, first: $.alerts[0]: ")


@pytest.mark.parametrize("element", [b'{"a":[]}', b"[[]]", b"1", b'{"a":1,"b":2}'])
def test_a_body_of_many_tiny_values_is_refused_before_it_is_decoded(element: bytes) -> None:
    world = World()
    body = b"[" + b",".join([element] * 450_000) + b"]"
    assert world.send(body, "/x").json == {"accepted": 0, "parked": 1, "ignored": 0}
    [reason] = world.park.reasons
    assert reason.startswith("body: must have at most ")


@pytest.mark.parametrize("path", ["/", "/alertmanager"])
def test_a_body_that_is_too_large_is_refused_unread_and_somebody_hears_of_it(path: str) -> None:
    world = World()
    body = payload(FINDINGS).ljust(LARGEST + 1)
    answer = world.send(body, path)
    assert answer.is_streamed, "the framework would read all of it first"
    assert (answer.status_code, answer.json) == (413, {"error": "body: must be at most 8000000 bytes, got 8000001"})
    assert world.park.letters == []
    [heard] = world.unheard()
    assert heard.target == ("sender/unknown" if path == "/" else "sender/alertmanager")
    assert world.send(body[:LARGEST], path).json == {"accepted": 100, "parked": 0, "ignored": 0}


def test_a_body_that_is_cut_off_is_refused_and_nothing_of_it_is_published() -> None:
    world, body = World(), payload(FINDINGS)
    environ = EnvironBuilder(method="POST", path="/alertmanager", data=body).get_environ()
    answer = world.answer(flask.Request(environ | {"CONTENT_LENGTH": str(len(body) + 1)}))
    assert (answer.status_code, answer.json) == (400, {"error": "body: must be as long as Content-Length says"})
    assert (world.bus.events, world.park.letters) == ([], [])
    assert world.metrics.values["aia_function_requests_total", "alert_intake", "refused"] == 1


def test_of_too_many_alerts_the_first_are_read_and_the_others_parked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    world, most = World(), 50
    monkeypatch.setattr(alert, "MOST_ALERTS", most)
    names = [f"A{number}" for number in range(most + 3)]
    answer = world.send(json.dumps({"alerts": [{"labels": {"alertname": name}} for name in names]}).encode())
    assert answer.json == {"accepted": most, "parked": 3, "ignored": 0}
    assert [finding.target for finding in world.findings()] == [f"alert/{name}" for name in names[:most]]
    [(letter, reason, _)] = world.park.letters
    assert [one["labels"]["alertname"] for one in json.loads(letter)] == names[most:]
    assert reason == "$.alerts: must hold at most 50 alerts, got 53; the first ones are read"


@pytest.mark.parametrize("name", ["gcm_pubsub_open_v1_2_flanksource.json", FINDINGS, "grafana_legacy_webhook.json"])
def test_the_topic_carries_any_form(name: str) -> None:
    webhook, topic = World(), World()
    webhook.send(payload(name), "/somewhere")
    answer = topic.send(push(payload(name)))
    assert (answer.status_code, answer.data) == (204, b"")
    assert topic.findings() == webhook.findings()
    assert topic.metrics.values["aia_function_requests_total", "alert_intake", "done"] == 1


@pytest.mark.parametrize("name", ["gcm_pubsub_bad_base64.json", "gcm_pubsub_bad_json_data.json"])
def test_a_broken_envelope_is_parked_and_acknowledged(name: str) -> None:
    world = World()
    assert world.send(payload(name)).status_code in (200, 204)
    [(_, why, _)] = world.park.letters
    assert why.startswith(("message.data: must be base64", "body: must be"))
    assert [one.target for one in world.unheard()] == ["sender/unknown"]


@pytest.mark.parametrize("names", [("messageId", "publishTime"), ("message_id", "publish_time"), ()])
def test_a_push_request_is_read_with_its_names_in_either_spelling_and_without_them(names: tuple[str, ...]) -> None:
    inner: dict[str, str] = {"data": json.loads(payload("gcm_pubsub_push_minimal_closed.json"))["message"]["data"]}
    inner |= dict(zip(names, ("7", "2026-11-23T16:12:47Z"), strict=False))
    world = World()
    assert world.send(json.dumps({"message": inner, "subscription": "s"}).encode()).status_code == 204
    assert world.park.letters == []
    assert len(world.findings()) == 1


def test_an_empty_list_is_nothing_to_park() -> None:
    world = World()
    assert world.send(b"[]", "/api/v2/alerts").json == {"accepted": 0, "parked": 0, "ignored": 0}
    assert (world.park.letters, world.bus.events) == ([], [])


@pytest.mark.parametrize("data", [b'"{123:}"', b"", b"not json", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_message_that_holds_no_alert_is_parked_with_its_id(data: bytes) -> None:
    world = World()
    assert world.send(push(data, "9")).status_code == 204
    assert [(body, message) for body, _, message in world.park.letters] == [(data, "9")]


def test_what_is_down_makes_the_sender_repeat() -> None:
    world = World()
    world.bus.down = True
    answer = world.send(payload(FINDINGS), "/alertmanager")
    assert (answer.status_code, answer.json) == (503, {"error": "unavailable"})
    assert world.send(push(payload(FINDINGS))).status_code == 503
    assert world.metrics.values["aia_function_requests_total", "alert_intake", "unavailable"] == 2


def test_what_cannot_be_parked_comes_again_and_holds_up_no_alert() -> None:
    world = World()
    world.park.down = True
    body = json.dumps([{"labels": None}, {"labels": {"alertname": "A"}}]).encode()
    assert world.send(body, "/api/v2/alerts").status_code == 503
    assert [finding.target for finding in world.findings()] == ["alert/A"]


class Broken(RecordingBus):
    def publish(self, topic: str, event: object, **_: str) -> None:
        raise ZeroDivisionError(topic)


def test_a_fault_of_ours_is_no_success() -> None:
    world = World(bus=Broken())
    assert world.send(payload(FINDINGS), "/alertmanager").status_code == 500


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_posts_are_taken(method: str) -> None:
    world = World()
    assert world.send(b"{}", method=method).status_code == 405
    assert world.park.letters == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        *((f"/v1/{signal}", "OTEL_EXPORTER_OTLP_ENDPOINT") for signal in ("traces", "metrics", "logs")),
        ("/api/v1/alerts", "api_version: v2"),
        ("/api/v1/write", "remote_write needs a Prometheus"),
        ("/api/v2/silences", "AIA_SILENCES_TOKEN"),
    ],
)
def test_what_belongs_elsewhere_is_told_where(path: str, hint: str) -> None:
    world = World()
    answer = world.send(b"{}", path)
    assert (answer.status_code, world.park.letters, world.bus.events) == (404, [], [])
    assert hint in answer.get_data(as_text=True)


def test_a_subscription_of_sns_waits_for_a_person() -> None:
    world = World()
    answer = world.send(payload("aws_sns_subscription_confirmation.json"), "/sns")
    assert answer.json == {"accepted": 0, "parked": 1, "ignored": 0}
    [(body, reason, _)] = world.park.letters
    assert "SubscribeURL" in json.loads(body)
    assert "arn:aws:sns:us-west-2:123456789012:alarms" in reason
    assert "Token" not in reason


def test_an_alarm_of_sns_is_the_same_in_every_wrapping() -> None:
    record = json.loads(payload("aws_cloudwatch_alarm_sns_payload_single_metric.json"))["Records"][0]["Sns"]
    alarm = json.loads(record["Message"])
    [bare], [posted], [nested] = sent(alarm), sent(record, "/sns"), sent({"Records": [{"Sns": record}]})
    assert bare == posted == nested
    assert (bare.target, bare.value, bare.threshold, bare.unit) == ("instance/TestInstance", 1234.0, 0.0, "bytes")


# As deployed


@pytest.mark.parametrize("path", ["/alertmanager", "/api/v2/alerts", "/", "/what/ever"])
def test_functions_framework_gives_every_path_to_the_function(framework: FlaskClient, path: str) -> None:
    world = World()
    answer = framework.post(
        path,
        data=payload(FINDINGS),
        content_type="application/json",
        environ_overrides={"answer": world.answer},
    )
    assert (answer.status_code, answer.json) == (200, {"accepted": 100, "parked": 0, "ignored": 0})
    assert len(world.findings()) == 100


def test_the_function_as_deployed_asks_for_its_token(tmp_path: Path) -> None:
    """Its own composition root in its own process; nothing it needs outside is there. Without the token nothing is read."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{sock.getsockname()[1]}"
    program = (
        "import io, sys, functions_framework\n"
        "source = 'functions/alert_intake/main.py'\n"
        "client = functions_framework.create_app(target='main', source=source).test_client()\n"
        "body = io.BytesIO(sys.stdin.buffer.read())\n"
        "size = len(body.getbuffer())\n"
        "print(client.post('/alertmanager', input_stream=body, content_length=size).status_code, body.tell())\n"
        "print(client.post('/alertmanager', data=b'', headers={'Authorization': 'Bearer t0ken'}).status_code)\n"
    )
    key = tmp_path / "key.json"
    account = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    key.write_text(json.dumps(account | {"token_uri": f"http://{nowhere}/token"}))
    environment = {
        "GOOGLE_CLOUD_PROJECT": "aia-test",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key),
        "AIA_LOCATION": "europe-west1",
        "AIA_MONITORING_ENDPOINT": nowhere,
        "AIA_INTAKE_TOKEN": "t0ken",
        "AIA_SETTINGS": "infra/monitoring.yaml",
        "PUBSUB_EMULATOR_HOST": nowhere,
        "BIGQUERY_EMULATOR_HOST": f"http://{nowhere}",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=payload(FINDINGS).ljust(1_000_000),
        capture_output=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.stdout.split() == [b"401", b"0", b"503"], done.stderr.decode()


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is absent: not on PATH")
def test_prometheus_itself_posts_alerts_that_fire_and_resolve(tmp_path: Path) -> None:
    world = World(authenticator=Authenticator(token="t0ken"), clock=lambda: datetime.now(UTC))
    served = flask.Flask("intake")
    served.add_url_rule("/<path:_>", view_func=lambda _: world.answer(flask.request), methods=["POST"])
    server = make_server("127.0.0.1", 0, served, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    rule = (
        "groups: [{name: g, interval: 1s, rules: [{alert: AccuracyLow, expr: 'vector(%s) < 0.85',"
        " labels: {severity: critical, model: m}, annotations: {value: '{{ $value }}'}}]}]"
    )
    (tmp_path / "rules.yml").write_text(rule % 0.71)
    (tmp_path / "prometheus.yml").write_text(
        "rule_files: [rules.yml]\nalerting: {alertmanagers: [{api_version: v2,"
        " basic_auth: {username: p, password: t0ken},"
        f" static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]}}]}}\n"
    )
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    command += ["--web.listen-address=127.0.0.1:0", "--rules.alert.resend-delay=1s", "--log.level=error"]
    with subprocess.Popen(command) as prometheus:
        try:
            until(lambda: len(world.bus.events) >= 2)
            (tmp_path / "rules.yml").write_text(rule % 0.91)
            prometheus.send_signal(1)
            until(lambda: world.findings()[-1].status is Status.RESOLVED)
        finally:
            prometheus.terminate()
            server.shutdown()
            server.server_close()
    assert world.park.letters == []
    findings = world.findings()
    firing = [finding for finding in findings if finding.status is Status.FIRING]
    assert {(one.target, one.severity, one.value) for one in findings} == {("model/m", Severity.CRITICAL, 0.71)}
    assert len({one.condition for one in findings}) == 1
    assert len({one.id for one in firing}) == 1
    assert all(one.holds_until and one.holds_until > one.observed_at for one in firing)
    assert findings[-1].observed_at > firing[-1].observed_at


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)

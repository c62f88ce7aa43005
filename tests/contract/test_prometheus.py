"""Prometheus itself: it scrapes the local Cloud Monitoring server, and charts the history that was written for it."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import UnavailableError
from functions.adapters.metrics import CloudMetrics
from infra.local.inbox.server import Inbox
from infra.local.monitoring.server import serve
from infra.local.prometheus import RULES, HistoryPoint, head_start, write_blocks, write_config, write_rules
from tests.support.builders.budget import ALL
from tests.support.servers.prometheus import needs_prometheus, prometheus, until

pytestmark = needs_prometheus

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)
LAST = "max by (feature) (last_over_time(aia_drift_top_feature_shift[1h]))"


def daily(days: int, features: int = 2, *, end: datetime = NOW) -> list[HistoryPoint]:
    """A value a day: the number of the day, times that of the feature."""
    return [
        HistoryPoint(
            name="aia_drift_top_feature_shift",
            labels={"model": "m", "feature": f"f{feature}"},
            at=end - (days - day) * DAY,
            value=float(day * feature),
        )
        for day in range(days)
        for feature in range(features)
    ]


def blocks(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "data").glob("*/meta.json")}


def test_what_a_function_writes_is_scraped_with_the_labels_of_its_writer(tmp_path: Path) -> None:
    with serve() as ports, prometheus(tmp_path, target=ports.target) as server:
        metrics = CloudMetrics(function="api", project="p1", location="us-central1", endpoint=ports.endpoint)
        metrics.gauge("aia_probe_up", 1, probe="api")
        metrics.flush()
        until(lambda: server.now("aia_probe_up"))
        [sample] = server.now("aia_probe_up")
        labels = sample["metric"]
        assert labels.pop("instance").startswith("api-")
        assert labels == {
            "__name__": "aia_probe_up",
            "cluster": "__run__",
            "job": "api",
            "location": "us-central1",
            "namespace": "aia",
            "probe": "api",
            "project_id": "p1",
        }
        assert sample["value"][1] == "1"
        known = server.get("/api/v1/metadata", metric="aia_probe_up")["aia_probe_up"]
        assert known == [
            {"type": "gauge", "help": "Whether the latest check of the probe succeeded: 1 if so, else 0.", "unit": ""}
        ]


def test_a_value_about_a_tick_long_ago_is_scraped_with_its_instant(tmp_path: Path) -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=14)
    with serve() as ports, prometheus(tmp_path, target=ports.target) as server:
        until(lambda: server.now('up{job="monitoring"} == 1'))
        metrics = CloudMetrics(function="api", project="p1", location="us-central1", endpoint=ports.endpoint)
        metrics.gauge("aia_probe_up", 1, at=at, probe="api")
        metrics.flush()
        until(lambda: server.now("last_over_time(aia_probe_up[1h])"))
        [sample] = server.now("aia_probe_up[1h]")
    assert sample["values"] == [[at.timestamp(), "1"]]


def test_the_counts_of_instances_that_live_for_one_request_are_an_increase(tmp_path: Path) -> None:
    with serve() as ports, prometheus(tmp_path, target=ports.target) as server:
        until(lambda: server.now('up{job="monitoring"} == 1'))
        for by in (3, 4):
            metrics = CloudMetrics(function="api", project="p1", location="us-central1", endpoint=ports.endpoint)
            metrics.count("aia_notifications_total", by, channel="log", outcome="sent")
            metrics.flush()
            metrics.close()
        until(lambda: server.now("sum(aia_notifications_total) == 7"))
        [sample] = server.now("sum(increase(aia_notifications_total[5m]))")
        assert float(sample["value"][1]) >= 7


def test_a_value_that_is_no_longer_shown_is_gone_at_once(tmp_path: Path) -> None:
    shift = timedelta(0)
    with serve(clock=lambda: datetime.now(UTC) + shift) as ports, prometheus(tmp_path, target=ports.target) as server:
        metrics = CloudMetrics(function="api", project="p1", location="us-central1", endpoint=ports.endpoint)
        metrics.gauge("aia_probe_up", 1, probe="api")
        metrics.flush()
        until(lambda: server.now("aia_probe_up"))
        shift = timedelta(minutes=6)
        until(lambda: not server.now("aia_probe_up"))


def test_history_is_on_a_chart_over_weeks(tmp_path: Path) -> None:
    assert write_blocks(daily(60), tmp_path / "data", part="p", until=NOW) > 0
    with prometheus(tmp_path) as server:
        chart = server.chart(LAST, NOW - 60 * DAY + timedelta(minutes=17), NOW - timedelta(minutes=43), 6 * HOUR)
    assert chart["f0"] == [0.0] * 240
    assert chart["f1"] == [float(point // 4) for point in range(240)]


def test_history_of_most_of_a_year_and_many_series_is_whole(tmp_path: Path) -> None:
    count = 100 if ALL else 10
    assert write_blocks(daily(300, count), tmp_path / "data", part="p", until=NOW) > 1
    with prometheus(tmp_path) as server:
        start, end = NOW - 300 * DAY + HOUR, NOW - DAY + HOUR
        chart = server.chart("count(last_over_time(aia_drift_top_feature_shift[1h]))", start, end, DAY)
        assert chart[""] == [float(count)] * 300
        total = server.chart("sum(last_over_time(aia_drift_top_feature_shift[1h]))", start, end, DAY)
        assert total[""] == [float(day * sum(range(count))) for day in range(300)]


def test_a_part_that_is_written_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_blocks(daily(30), tmp_path / "data", part="p", until=NOW)
    first = blocks(tmp_path)
    points = daily(30)[::-1]
    assert write_blocks(points, tmp_path / "data", part="p", until=NOW) == len(first) == len(blocks(tmp_path))
    assert not first & blocks(tmp_path)
    with prometheus(tmp_path) as server:
        [samples] = server.chart("count_over_time(aia_drift_top_feature_shift[1d])", NOW - HALF, NOW - HALF, DAY)["f1"]
    assert samples == 24


def test_parts_are_written_the_newest_first_and_follow_each_other_on_a_chart(tmp_path: Path) -> None:
    newest = [point for point in daily(30) if point.at >= NOW - 10 * DAY]
    older = [point for point in daily(30) if point.at < NOW - 10 * DAY]
    write_blocks(newest, tmp_path / "data", part="newest", until=NOW)
    with prometheus(tmp_path) as server:
        days = server.chart(LAST, NOW - 10 * DAY + HALF, NOW, DAY)["f1"]
    write_blocks(older, tmp_path / "data", part="older", until=NOW - 10 * DAY)
    with prometheus(tmp_path) as server:
        whole = server.chart(LAST, NOW - 30 * DAY + HALF, NOW, DAY)["f1"]
    assert days == [float(day) for day in range(20, 30)]
    assert whole == [float(day) for day in range(30)]


def test_what_was_scraped_stays_when_an_older_part_comes(tmp_path: Path) -> None:
    write_blocks(daily(3), tmp_path / "data", part="newest", until=NOW)
    with serve() as ports:
        with prometheus(tmp_path, target=ports.target) as server:
            until(lambda: server.now("up == 1"))
        write_blocks(daily(3, end=NOW - 3 * DAY), tmp_path / "data", part="older", until=NOW - 3 * DAY)
        with prometheus(tmp_path) as server:
            assert "1" in [value for one in server.now("up[1h]") for _, value in one["values"]]
            assert server.chart(LAST, NOW - 6 * DAY + HALF, NOW, DAY)["f1"] == [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]


def test_a_running_prometheus_says_from_when_on_its_log_is(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    with prometheus(tmp_path) as server:
        assert head_start(server.url) is None
    with serve() as ports, prometheus(tmp_path, target=ports.target) as server:
        until(lambda: head_start(server.url))
        found = head_start(server.url)
    assert found is not None
    assert began - HOUR < found <= datetime.now(UTC)
    assert head_start("http://127.0.0.1:9") is None


def test_a_gap_in_the_history_stays_a_gap(tmp_path: Path) -> None:
    points = [point for point in daily(10) if not NOW - 6 * DAY < point.at < NOW - 3 * DAY]
    write_blocks(points, tmp_path / "data", part="p", until=NOW)
    with prometheus(tmp_path) as server:
        days = server.chart(LAST, NOW - 10 * DAY + HALF, NOW, DAY)["f1"]
    assert days == [0, 1, 2, 3, 4, 7, 8, 9]


def test_nothing_is_written_after_the_end_of_the_history(tmp_path: Path) -> None:
    write_blocks(daily(3), tmp_path / "data", part="p", until=NOW - 12 * HOUR)
    with prometheus(tmp_path) as server:
        last = server.now("max(timestamp(last_over_time(aia_drift_top_feature_shift[2d])))")
        newest = server.chart("timestamp(aia_drift_top_feature_shift)", NOW - DAY, NOW, HOUR)["f1"]
    assert last
    assert max(newest) == (NOW - 12 * HOUR).timestamp()


def test_a_value_holds_until_the_end_of_the_history_and_what_is_later_is_taken(tmp_path: Path) -> None:
    end = NOW - timedelta(seconds=1)
    write_blocks(daily(3, end=NOW - 9 * HOUR + DAY), tmp_path / "data", part="p", until=end)
    with serve(clock=lambda: NOW) as ports, prometheus(tmp_path, target=ports.target) as server:
        held = server.now("aia_drift_top_feature_shift[2h]")
        metrics = CloudMetrics(
            function="api", project="p1", location="us-central1", endpoint=ports.endpoint, clock=lambda: NOW
        )
        metrics.gauge("aia_probe_up", 1, at=NOW, probe="api")
        metrics.flush()
        until(lambda: server.now("last_over_time(aia_probe_up[2h])"))
    assert {one["values"][-1][0] for one in held} == {end.timestamp()}


def test_counters_and_odd_label_values_are_history_too(tmp_path: Path) -> None:
    labels = {"channel": 'a"b\\c\nd', "outcome": "sent"}
    points = [
        HistoryPoint(name="aia_notifications_total", labels=labels, at=NOW - day * DAY, value=10.0 - day)
        for day in range(1, 4)
    ]
    write_blocks(points, tmp_path / "data", part="p", until=NOW)
    with prometheus(tmp_path) as server:
        [sample] = server.now("last_over_time(aia_notifications_total[25h])")
    assert sample["metric"] == labels | {"__name__": "aia_notifications_total", "job": "history", "instance": "history"}
    assert sample["value"][1] == "9"


def test_no_history_is_no_blocks(tmp_path: Path) -> None:
    assert write_blocks([], tmp_path / "data", part="p", until=NOW) == 0
    assert blocks(tmp_path) == set()


def test_a_point_that_is_not_in_the_catalogue_is_refused(tmp_path: Path) -> None:
    point = HistoryPoint(name="aia_probe_up", labels={"job": "x"}, at=NOW, value=1.0)
    with pytest.raises(ValueError, match="aia_probe_up: labels must be"):
        write_blocks([point], tmp_path / "data", part="p", until=NOW)


def test_a_missing_promtool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="promtool: must be on PATH"):
        write_blocks(daily(3), tmp_path / "data", part="p", until=NOW)
    assert blocks(tmp_path) == set()


def rule_files(folder: Path, *rules: dict[str, Any]) -> Path:
    """A folder with one file of rules, which are evaluated in their order."""
    (folder / "alerts").mkdir()
    groups = {"groups": [{"name": "probes", "rules": list(rules)}]}
    (folder / "alerts" / "probes.yaml").write_text(yaml.safe_dump(groups))
    return folder / "alerts"


def test_rule_files_are_read_where_there_are_any(tmp_path: Path) -> None:
    bare = write_config(tmp_path / "a.yml", targets={"monitoring": "x:1"}, rules=tmp_path)
    assert yaml.load(bare.read_text(), Loader=yaml.CSafeLoader).keys() == {"global", "scrape_configs"}
    rules = rule_files(tmp_path, {"alert": "ProbeDown", "expr": "aia_probe_up == 0"})
    with prometheus(tmp_path, rules=rules) as server:
        [group] = server.get("/api/v1/rules")["groups"]
    assert [one["name"] for one in group["rules"]] == ["ProbeDown"]


class Metrics(BaseHTTPRequestHandler):
    """A target that has no metric."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def intake() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Something that takes alerts: where it is, and what was posted to which path."""
    posted: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}", posted
        finally:
            server.shutdown()


def test_alerts_but_the_watchdog_are_posted_as_to_an_alertmanager_and_link_to_this_prometheus(tmp_path: Path) -> None:
    said = {"labels": {"severity": "critical"}, "annotations": {"summary": "as it should"}}
    always = 'label_replace(vector(1), "probe", "api", "", "")'
    # An alert of the first evaluations would be lost: who takes alerts is known after five seconds.
    rules = rule_files(
        tmp_path,
        {"alert": "Watchdog", "expr": "vector(1)", "for": "8s", "labels": {"severity": "none"}},
        {"alert": "Always", "expr": always, "for": "8s", **said},
    )
    with intake() as (where, posted), prometheus(tmp_path, rules=rules, alerts_to=[where]) as server:
        until(lambda: posted)
        path, [alert] = posted[0]
        url = server.url
    assert path == "/api/v2/alerts"
    assert alert["labels"] == {"alertname": "Always", "probe": "api", "severity": "critical"}
    assert alert["annotations"] == said["annotations"]
    assert alert["generatorURL"].startswith(f"{url}/graph?")
    assert datetime.fromisoformat(alert["startsAt"]) <= datetime.now(UTC) < datetime.fromisoformat(alert["endsAt"])


def test_who_takes_alerts_gets_them_also_when_another_one_is_gone(tmp_path: Path) -> None:
    rules = rule_files(tmp_path, {"alert": "Always", "expr": "vector(1)", "for": "8s"})
    with intake() as (where, posted), prometheus(tmp_path, rules=rules, alerts_to=["127.0.0.1:9", where]):
        until(lambda: posted)
    assert posted[0][1][0]["labels"] == {"alertname": "Always"}


def test_a_direct_alert_is_in_the_inbox_and_so_is_its_end(tmp_path: Path) -> None:
    silent = {"expr": 'absent(up{job="monitoring"} == 1)', "for": "8s", "labels": {"path": "direct"}}
    rules = rule_files(
        tmp_path, {"alert": "Always", "expr": "vector(1)", "for": "8s"}, {"alert": "RouterSilent", **silent}
    )
    with Inbox(0, tmp_path / "inbox.sqlite") as inbox:
        threading.Thread(target=inbox.serve_forever, args=(0.05,), daemon=True).start()
        _, free = inbox.server_address[:2]
        with ThreadingHTTPServer(("127.0.0.1", 0), Metrics, bind_and_activate=False) as target:
            target.server_bind()  # a port that is taken, where nobody listens yet
            to = [f"127.0.0.1:{free}"]
            with prometheus(tmp_path, target=f"127.0.0.1:{target.server_port}", rules=rules, alerts_to=to):
                until(lambda: inbox.messages.newest(9))
                target.server_activate()
                threading.Thread(target=target.serve_forever, args=(0.05,), daemon=True).start()
                until(lambda: inbox.messages.count() > 1)
            target.shutdown()
        told = [(one.incident_id, one.change.value, one.channel) for one in inbox.messages.newest(9)]
        inbox.shutdown()
    assert told == [("RouterSilent", "resolved", "direct"), ("RouterSilent", "opened", "direct")]


def test_the_rules_of_the_repository_are_loaded_but_those_that_miss_what_no_job_does(tmp_path: Path) -> None:
    every = {rule["alert"] for rule in read_rules(RULES)}
    jobs = yaml.load((RULES.parent / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)["jobs"]
    whole = write_rules(tmp_path / "whole", jobs=jobs)
    assert read_rules(whole) == read_rules(RULES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "gone.yaml").touch()  # of a file that is no longer there
    rules = write_rules(tmp_path / "rules", jobs=["drift_score", "health_check", "incident_sweep"])
    with prometheus(tmp_path, rules=rules) as server:
        names = {rule["name"] for group in server.get("/api/v1/rules")["groups"] for rule in group["rules"]}
    assert {"Watchdog", "IncidentSweepSilent"} <= names
    assert every - names == {
        "ActionRunnerSilent",
        "AuditEventsSilent",
        "BiRollupSilent",
        "CapacitySilent",
        "MaintenanceSilent",
        "PipelineMonitorSilent",
        "PromotionSilent",
        "ServiceRollupSilent",
        "TelemetryRollupSilent",
    }


def read_rules(folder: Path) -> list[dict[str, Any]]:
    documents = [yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for path in sorted(folder.glob("*.yaml"))]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def test_the_configuration_is_one_that_promtool_accepts(tmp_path: Path) -> None:
    targets = {"monitoring": "127.0.0.1:9", "pubsub": "127.0.0.1:10"}
    to = ["127.0.0.1:11", "127.0.0.1:12"]
    config = write_config(tmp_path / "prometheus.yml", targets=targets, alerts_to=to, rules=tmp_path)
    done = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

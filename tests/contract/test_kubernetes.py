"""What is applied to a cluster: objects that their definitions allow, rules that Prometheus takes, and pods that it finds."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from core.promql import metrics
from infra import stage
from infra.kubernetes import __main__ as command
from infra.kubernetes.objects import linked, managed, of_cluster, operated
from infra.lint.promql import KNOWN, grouped, matched
from infra.lint.promtool import refused
from tests.support.builders.deployed_files import ALERTS
from tests.support.checks import kubernetes_schemas, promtool
from tests.support.checks.kubernetes_schemas import DISCOVERY, GMP, KUSTOMIZE, OPERATOR, faults

FOLDER = stage.ROOT / "infra" / "kubernetes"
CONFIG: dict[str, Any] = yaml.load((FOLDER / "prometheus.yaml").read_text(), Loader=yaml.CSafeLoader)
RECORDED = [
    rule
    for group in yaml.load(command.RECORDING.read_text(), Loader=yaml.CSafeLoader)["groups"]
    for rule in group["rules"]
]
TESTS = sorted((FOLDER / "tests").glob("*.yaml"))
[SCRAPE] = CONFIG["scrape_configs"]
running = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is absent: it is not on PATH")
_OWN = "__meta_kubernetes_"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kubernetes")
    assert command.main(["--out", str(folder), "--runbooks", "https://example.com/runbooks/"]) == 0
    return folder


def documents(folder: Path) -> list[dict[str, Any]]:
    return [
        one
        for path in sorted(folder.glob("*.yaml"))
        for one in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)
    ]


def rules(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules of all objects, as a rule file has them, runbooks apart."""
    return [rule for one in objects for group in one.get("spec", one)["groups"] for rule in group["rules"]]


def named(found: list[dict[str, Any]]) -> dict[str, str]:
    return {rule.get("alert") or rule["record"]: rule["expr"] for rule in found}


EVERY = {rule.name: rule.expr for rule in ALERTS.rules} | named(RECORDED)


def test_every_object_is_one_that_its_definition_allows(built: Path) -> None:
    objects = [*(built / "gmp").glob("*.yaml"), *(built / "operator").glob("*.yaml"), FOLDER / "rbac.yaml"]
    assert len(objects) > 20
    assert [fault for path in objects for fault in faults(path)] == []


def test_each_kind_of_prometheus_gets_every_rule_once(built: Path) -> None:
    of_gmp = [one for one in documents(built / "gmp") if one["kind"] != "PodMonitoring"]
    for objects in (of_gmp, documents(built / "operator"), documents(built / "prometheus" / "rules")):
        found = rules(objects)
        assert len(found) == len(EVERY)
        assert named(found) == EVERY


def test_what_no_job_does_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infra = tmp_path / "infra"
    shutil.copytree(stage.ROOT / "infra" / "alerts", infra / "alerts")
    (infra / "monitoring.yaml").write_text('jobs: {drift_score: "*/15 * * * *"}')
    monkeypatch.setattr(command, "ROOT", tmp_path)
    written = {rule.get("alert") for _, groups in command.rule_files("") for group in groups for rule in group["rules"]}
    silent = {name for name in EVERY if name.endswith("Silent")}
    assert silent & written == {"AlertIntakeSilent", "DriftScoreSilent", "IncidentRouterSilent"}


def test_what_is_written_outside_the_cluster_is_looked_for_outside_it(built: Path) -> None:
    for one in documents(built / "gmp"):
        for rule in rules([one]) if one["kind"] != "PodMonitoring" else []:
            names = [name for name in metrics(rule["expr"]) if not name.startswith("job:")]
            inside = (
                all(":" not in name and not name.startswith("aia_") for name in names) and rule["expr"] != "vector(1)"
            )
            assert (one["kind"] == "ClusterRules") is inside, rule


def test_rules_of_one_namespace_are_in_it(tmp_path: Path) -> None:
    assert command.main(["--out", str(tmp_path), "--namespace", "shop", "--label", "release=kube"]) == 0
    places = {(one["kind"], one["metadata"].get("namespace")) for one in documents(tmp_path / "gmp")}
    assert places == {("Rules", "shop"), ("GlobalRules", None), ("PodMonitoring", "shop")}
    [labels] = {tuple(sorted(one["metadata"]["labels"].items())) for one in documents(tmp_path / "operator")}
    assert labels == (("app.kubernetes.io/part-of", "aia"), ("release", "kube"))
    assert [
        fault for path in tmp_path.glob("*/*.yaml") if path.parent.name != "prometheus" for fault in faults(path)
    ] == []


def test_runbooks_lead_to_where_they_are(built: Path) -> None:
    links = {rule["annotations"]["runbook_url"] for rule in rules(documents(built / "operator")) if "alert" in rule}
    assert "https://example.com/runbooks/models.md#drift" in links
    assert all(link.startswith("https://example.com/runbooks/") for link in links)
    alert = {"alert": "A", "annotations": {"runbook_url": "docs/runbooks/models.md#drift"}}
    assert linked([{"name": "a", "rules": [alert]}], "") == [{"name": "a", "rules": [alert]}]


def test_two_runs_write_the_same_bytes(built: Path, tmp_path: Path) -> None:
    command.main(["--out", str(tmp_path), "--runbooks", "https://example.com/runbooks"])
    first, second = (
        {path.relative_to(top): path.read_bytes() for path in top.rglob("*.yaml")} for top in (built, tmp_path)
    )
    assert first == second


def test_a_label_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--out", str(tmp_path), "--label", "release"]) == 1
    assert capsys.readouterr().err == "kubernetes: --label: must be NAME=VALUE, got 'release'\n"
    assert not list(tmp_path.iterdir())


@promtool.needed
def test_prometheus_takes_the_rules_that_were_written(built: Path) -> None:
    assert refused(sorted((built / "prometheus" / "rules").glob("*.yaml"))) == []


@promtool.needed
def test_the_recording_rules_record_what_they_should() -> None:
    assert promtool.failing(TESTS) == []


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: str(rule["record"]))
def test_a_recording_rule_is_named_by_level_metric_and_operations(rule: dict[str, Any]) -> None:
    level, _, operations = rule["record"].split(":")
    assert re.fullmatch(r"[a-z0-9_]+", operations)
    expr = rule["expr"]
    source = next((one["expr"] for one in RECORDED if one["record"] in expr), expr)
    kept = {label for _, label in grouped(source)} - {"le"}
    assert kept == set(level.split("_"))
    for name, label in (*matched(source), *grouped(source)):
        assert label in KNOWN[name][1]


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: str(rule["record"]))
def test_a_recording_rule_has_a_test(rule: dict[str, Any]) -> None:
    tests = "".join(path.read_text() for path in TESTS)
    assert rule["record"] in re.findall(r"[\w:]+", tests)


def pod(name: str, *, port: int = 9464, **labels: str) -> dict[str, Any]:
    """A pod as Prometheus' discovery describes it: its own labels begin with __meta_kubernetes_."""
    own = {
        "namespace": "shop",
        "pod_name": name,
        "pod_ip": "10.0.0.7",
        "pod_ready": "true",
        "pod_phase": "Running",
        "pod_container_init": "false",
        "pod_node_name": "node-1",
        "pod_controller_kind": "ReplicaSet",
        "pod_controller_name": f"{name}-5d9c7b",
        "pod_annotation_prometheus_io_scrape": "true",
        "pod_annotation_prometheus_io_port": str(port),
    }
    given = {f"{_OWN}{label}": value for label, value in (own | labels).items() if value}
    return {"targets": ["10.0.0.7:8080"], "labels": given}


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return json.load(answer)["data"]


def found(folder: Path, pods: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Prometheus scrapes of some pods, by their names: it reads them from a file, with the rules of the configuration."""
    (folder / "pods.json").write_text(json.dumps(pods))
    scrape = {name: value for name, value in SCRAPE.items() if name != "kubernetes_sd_configs"}
    scrape["file_sd_configs"] = [{"files": [str(folder / "pods.json")]}]
    config = {"global": CONFIG["global"], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    line = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([*line, f"--web.listen-address=127.0.0.1:{port}"], stderr=log) as one,
    ):
        try:
            targets = until_found(port, len(pods))
        finally:
            one.terminate()
    return {target["labels"]["pod"]: target for target in targets}


def until_found(port: int, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while True:
        try:
            data = get(port, "/api/v1/targets")
            if len(data["activeTargets"]) + len(data["droppedTargets"]) >= count:
                return list(data["activeTargets"])
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)


@running
def test_pods_that_say_so_are_scraped_where_they_say(tmp_path: Path) -> None:
    annotation = "pod_annotation_prometheus_io_"
    pods = [
        pod("plain"),
        pod("secure", **{f"{annotation}scheme": "https", f"{annotation}path": "/actuator/prometheus"}),
        pod("odd", **{f"{annotation}scheme": "ftp", f"{annotation}path": "metrics"}),
        pod("unported", **{f"{annotation}port": ""}),
        pod("six", pod_ip="fd00::7"),
        pod("labelled", pod_label_app="shop", pod_label_app_kubernetes_io_name="checkout"),
        pod("apped", pod_label_app="web", namespace="ml"),
        pod("stateful", pod_controller_kind="StatefulSet", pod_controller_name="db"),
        pod("bare", pod_controller_kind="", pod_controller_name=""),
        # none of these
        pod("silent", **{f"{annotation}scrape": ""}),
        pod("refusing", **{f"{annotation}scrape": "false"}),
        pod("unready", pod_ready="false"),
        pod("unknown", pod_ready="unknown"),
        pod("over", pod_phase="Succeeded"),
        pod("failed", pod_phase="Failed"),
        pod("pending", pod_phase="Pending"),
        pod("init", pod_container_init="true"),
    ]
    targets = found(tmp_path, pods)
    assert {name: target["scrapeUrl"] for name, target in targets.items()} == {
        "plain": "http://10.0.0.7:9464/metrics",
        "secure": "https://10.0.0.7:9464/actuator/prometheus",
        "odd": "http://10.0.0.7:9464/metrics",
        "unported": "http://10.0.0.7:8080/metrics",
        "six": "http://[fd00::7]:9464/metrics",
        "labelled": "http://10.0.0.7:9464/metrics",
        "apped": "http://10.0.0.7:9464/metrics",
        "stateful": "http://10.0.0.7:9464/metrics",
        "bare": "http://10.0.0.7:9464/metrics",
    }
    jobs = {name: target["labels"]["job"] for name, target in targets.items()}
    assert jobs == dict.fromkeys(targets, "") | {
        **{name: name for name in ("plain", "secure", "odd", "unported", "six")},
        "labelled": "checkout",
        "apped": "web",
        "stateful": "db",
        "bare": "pods",
    }
    labels = targets["apped"]["labels"]
    assert labels == {"instance": "10.0.0.7:9464", "job": "web", "namespace": "ml", "node": "node-1", "pod": "apped"}


def test_the_discovery_is_one_that_prometheus_has() -> None:
    [discovery] = SCRAPE["kubernetes_sd_configs"]
    jsonschema.validate(discovery, DISCOVERY)
    jsonschema.validate({"role": "pod", "namespaces": {"names": ["shop", "ml"]}}, DISCOVERY)
    with pytest.raises(jsonschema.ValidationError, match="'selector' was unexpected"):
        jsonschema.validate({"role": "pod", "selector": "a"}, DISCOVERY)


def test_it_asks_only_for_what_the_discovery_of_pods_says() -> None:
    asked = {label for rule in SCRAPE["relabel_configs"] for label in rule["source_labels"]}
    described = set(pod("a", pod_label_app="b", pod_label_app_kubernetes_io_name="c")["labels"])
    annotations = {f"{_OWN}pod_annotation_prometheus_io_{name}" for name in ("scheme", "path")}
    assert asked == described | annotations


@promtool.needed
@pytest.mark.parametrize("without", ["kubernetes_sd_configs", ""])
def test_prometheus_takes_the_configuration(tmp_path: Path, without: str) -> None:
    scrape = {name: value for name, value in SCRAPE.items() if name != without}
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(CONFIG | {"scrape_configs": [scrape]}))
    command_line = ["promtool", "check", "config", "--syntax-only", str(path)]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)
    if "field kubernetes_sd_configs not found" in done.stderr:
        pytest.skip("this promtool was built without the discovery of Kubernetes, as Debian's is")
    assert done.returncode == 0, done.stderr


def test_what_fires_goes_to_the_intake_but_not_the_watchdog() -> None:
    [target] = CONFIG["alerting"]["alertmanagers"]
    assert (target["api_version"], target["scheme"]) == ("v2", "https")
    assert CONFIG["alerting"]["alert_relabel_configs"] == [
        {"source_labels": ["severity"], "action": "drop", "regex": "none"}
    ]


def test_the_account_may_look_at_pods_and_do_nothing() -> None:
    [role] = [
        one
        for one in yaml.load_all((FOLDER / "rbac.yaml").read_text(), Loader=yaml.CSafeLoader)
        if one["kind"] == "ClusterRole"
    ]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]


GROUP = {"name": "a", "interval": "1m", "rules": [{"alert": "A", "expr": "http_requests_total{} > 1"}]}
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a key of a rule": (
        managed("x", [GROUP | {"rules": [{"alert": "A", "expr": "http_requests_total > 1", "fore": "5m"}]}], "")[0],
        "x.yaml: ClusterRules aia-x: $.spec.groups[0].rules[0]",
    ),
    "a rule that alerts and records": (
        managed("x", [GROUP | {"rules": [{"alert": "A", "record": "a:b:c", "expr": "http_requests_total > 1"}]}], "")[
            0
        ],
        "x.yaml: ClusterRules aia-x: $.spec.groups[0].rules[0]",
    ),
    "a group without a time": (
        operated("x", [{"name": "a", "rules": GROUP["rules"]}], "", {}),
        "x.yaml: PrometheusRule aia-x: $.spec.groups[0]: 'interval' is a required property",
    ),
    "a duration": (
        operated("x", [GROUP | {"interval": "a minute"}], "", {}),
        "x.yaml: PrometheusRule aia-x: $.spec.groups[0].interval: 'a minute' does not match",
    ),
    "a name": (
        operated("x_y", [GROUP], "", {}),
        "x.yaml: PrometheusRule aia-x_y: $.metadata.name: 'aia-x_y' does not match",
    ),
    "a label": (
        operated("x", [GROUP], "", {"release": "a b"}),
        "x.yaml: PrometheusRule aia-x: $.metadata.labels.release: 'a b' does not match",
    ),
    "a namespace of what is the whole cluster's": (
        managed("x", [GROUP], "")[0] | {"metadata": {"name": "aia-x", "namespace": "shop"}},
        "x.yaml: ClusterRules aia-x: $.metadata: Additional properties",
    ),
    "a version": (
        operated("x", [GROUP], "", {}) | {"apiVersion": "monitoring.coreos.com/v2"},
        "x.yaml: PrometheusRule aia-x: there is no schema of monitoring.coreos.com/v2 PrometheusRule",
    ),
    "an endpoint without a port": (
        {
            "apiVersion": GMP,
            "kind": "PodMonitoring",
            "metadata": {"name": "a"},
            "spec": {"selector": {"matchLabels": {}}, "endpoints": [{"interval": "30s"}]},
        },
        "x.yaml: PodMonitoring a: $.spec.endpoints[0]: 'port' is a required property",
    ),
    "a verb's place": (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "a"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verb": ["get"]}],
        },
        "x.yaml: ClusterRole a: ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_its_definition_does_not_allow_is_told_by_its_file(tmp_path: Path, name: str) -> None:
    given, told = BROKEN[name]
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump(given))
    found = faults(path)
    assert [fault for fault in found if fault.startswith(told)], found


def test_the_schemas_are_schemas() -> None:
    for schema in (*kubernetes_schemas.SCHEMAS.values(), DISCOVERY):
        jsonschema.Draft202012Validator.check_schema(schema)
    assert {version for version, _ in kubernetes_schemas.SCHEMAS} == {GMP, OPERATOR, KUSTOMIZE}


def every_expression() -> Iterator[str]:
    yield from EVERY.values()


def test_some_rules_are_of_the_cluster_and_some_are_not() -> None:
    inside = [of_cluster({"expr": expr}) for expr in every_expression()]
    assert 10 < sum(inside) < len(inside) - 10

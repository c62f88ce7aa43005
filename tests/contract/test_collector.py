"""The Collector's configurations: keys that its components document, what does not leave, and what it publishes to us."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from core.telemetry.conventions import NEWER, STORED
from infra import stage
from infra.collector import FOLDER, PLACES, SCRAPED, merged, text
from infra.kubernetes import collector as manifests
from infra.local.ports import listens
from infra.local.warehouse.emulator import free_port
from tests.support.checks import promtool
from tests.support.checks.collector import faults
from tests.support.checks.kubernetes_schemas import faults as faults_of_objects
from tests.support.fakes.otlp import Otlp, served

GUIDES = "".join((stage.ROOT / "docs" / f"{name}.md").read_text() for name in ("opentelemetry", "kubernetes"))
WHOLE = {place: merged([*parts, *SCRAPED]) for place, parts in PLACES.items()}
PROGRAM = shutil.which("otelcol-contrib")
_ROTEL = find_spec("rotel")
RELAY = Path(str(_ROTEL.origin)).with_name("rotel-agent") if _ROTEL else None
ENVIRONMENT = {
    **dict.fromkeys(("AIA_PROJECT", "COLLECTOR_NAME", "K8S_NODE_NAME"), "name"),
    **dict.fromkeys(("POSTGRESQL_ENDPOINT", "MYSQL_ENDPOINT", "REDIS_ENDPOINT"), "127.0.0.1:1"),
    **dict.fromkeys(("POSTGRESQL_USER", "POSTGRESQL_PASSWORD", "MYSQL_USER", "MYSQL_PASSWORD", "REDIS_PASSWORD"), "x"),
    "AIA_OTLP_URL": "https://127.0.0.1:1",
}


@pytest.mark.parametrize("place", PLACES)
def test_the_collector_knows_each_key_of_each_combination(place: str) -> None:
    for scraped in ((), *((one,) for one in SCRAPED), SCRAPED):
        assert faults(merged([*PLACES[place], *scraped])) == [], scraped


def test_every_part_is_of_a_place_or_may_follow() -> None:
    named = {name for parts in PLACES.values() for name in parts} | {*SCRAPED}
    assert {path.stem for path in FOLDER.glob("*.yaml")} == named


@pytest.mark.long
@pytest.mark.skipif(PROGRAM is None, reason="otelcol-contrib is absent: no registry that is used here has it")
@pytest.mark.parametrize("place", PLACES)
def test_the_collector_takes_each_place(place: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    environment = ENVIRONMENT | {"COLLECTOR_QUEUE": str(tmp_path), "AIA_OTLP_TOKEN_FILE": str(tmp_path / "token")}
    flags = [f"--config={FOLDER}/{part}.yaml" for part in (*PLACES[place], *SCRAPED)]
    done = subprocess.run(
        [str(PROGRAM), "validate", *flags], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
@pytest.mark.skipif(RELAY is None, reason="rotel is absent: `pip install rotel==0.0.1a15`, for Python 3.11")
def test_what_another_program_receives_and_batches_arrives_once() -> None:
    """Rotel takes OTLP as the Collector does, makes batches of its own and sends them compressed: a sender that is no SDK."""
    otlp, port = Otlp(token="t0ken", now=None), free_port()
    with served(otlp) as url:
        options = {
            "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{free_port()}",
            "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{port}",
            "OTLP_EXPORTER_ENDPOINT": url,
            "OTLP_EXPORTER_PROTOCOL": "http",
            "OTLP_EXPORTER_COMPRESSION": "gzip",
            "OTLP_EXPORTER_CUSTOM_HEADERS": "Authorization=Bearer t0ken",
        }
        environment = {f"ROTEL_{name}": value for name, value in options.items()}
        with subprocess.Popen([str(RELAY), "start"], env=environment, stdout=subprocess.DEVNULL) as relay:
            try:
                until(lambda: listens(port))
                provider = TracerProvider()
                provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
                for number in range(1000):
                    provider.get_tracer("test").start_span(f"s{number}").end()
                provider.shutdown()
                until(lambda: len(otlp.rows("spans")) >= 1000)
            finally:
                relay.terminate()
    assert sorted(row["span_name"] for row in otlp.rows("spans")) == sorted(f"s{number}" for number in range(1000))


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def act(config: dict[str, Any]) -> None:
        *folders, last = path.split(".")
        for folder in folders:
            config = config[folder]
        config[last] = value

    return act


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (change("exporters.otlphttp.endpont", "x"), "exporters.otlphttp.endpont: is not known"),
        (change("exporters.otlphttp.timeout", "30"), "exporters.otlphttp.timeout: must be a duration, got '30'"),
        (change("exporters.otlphttp.sending_queue", 3), "exporters.otlphttp.sending_queue: must be a map, got 3"),
        (
            change("exporters.otlphttp.sending_queue", {"batch": {"sizer": "requests"}}),
            "exporters.otlphttp.sending_queue.batch.sizer: must be items",
        ),
        (
            change("exporters.otlphttp.sending_queue", {"batch": {"max_size": 10}}),
            "exporters.otlphttp.sending_queue.batch: max_size must be",
        ),
        (
            change("exporters.otlphttp.sending_queue", {"sizer": "items", "batch": {}}),
            "exporters.otlphttp.sending_queue: queue_size must be",
        ),
        (change("exporters.kafka", {}), "exporters.kafka: there is no such component"),
        (change("receivers.redis", {"metrics": {"redis.max": {}}}), "receivers.redis.metrics.redis.max: is not known"),
        (
            change("processors.resourcedetection", {"detectors": "gcp"}),
            "processors.resourcedetection.detectors: must be a list, got 'gcp'",
        ),
        (
            change("service.extensions", ["health_check", "file_storage"]),
            "exporters.otlphttp.auth.authenticator: bearertokenauth is not started",
        ),
        (
            change("service.extensions", ["health_check", "file_storage", "bearertokenauth", "pprof"]),
            "service.extensions: pprof is not configured",
        ),
        (change("service.pipelines.logs", {"receivers": ["otlp"]}), "service.pipelines.logs: must have exporters"),
        (
            change("service.pipelines.spans", {"receivers": ["otlp"], "exporters": ["otlphttp"]}),
            "service.pipelines.spans: must be of traces, metrics or logs",
        ),
        (
            change("service.pipelines.logs.processors", ["batch"]),
            "service.pipelines.logs.processors: batch is not configured",
        ),
        (
            change("connectors.forward", {}),
            "connectors.forward: must be an exporter of a pipeline and a receiver of one",
        ),
        (change("service.telemetry.metrics.address", "x"), "service.telemetry.metrics.address: is not known"),
        (change("receivers.otlp.protocols.http.endpoint", "$HOST:4318"), "a dollar that begins no variable"),
        (
            change("processors.transform/stored.log_statements", [{"statements": ["keep_keys(span.attributes, [])"]}]),
            "processors.transform/stored.log_statements: 'keep_keys(span.attributes, [])' is no statement of this signal",
        ),
        (change("pipelines", {}), "pipelines: is no section"),
    ],
)
def test_what_the_collector_refuses_is_found(fault: Callable[[dict[str, Any]], None], said: str) -> None:
    config = merged(PLACES["aws"])
    fault(config)
    assert any(one.startswith(said) for one in faults(config)), faults(config)


def listed(statement: str) -> set[str]:
    return set(re.findall(r'"([^"]+)"', statement))


def test_only_what_is_stored_leaves() -> None:
    transform = WHOLE["gke"]["processors"]["transform/stored"]
    for signal, target in (("trace_statements", "span"), ("log_statements", "log")):
        every = [one for group in transform[signal] for one in group["statements"]]
        [kept] = [one for one in every if one.startswith(f"keep_keys({target}.attributes")]
        assert listed(kept) == STORED | set(NEWER)
    assert transform["error_mode"] == "propagate"


def test_every_pipeline_of_applications_drops_first() -> None:
    for config in WHOLE.values():
        for name in ("traces", "metrics", "logs"):
            assert config["service"]["pipelines"][name]["processors"] == ["memory_limiter", "transform/stored"]
            assert config["service"]["pipelines"][name]["receivers"] == ["otlp"]


def test_what_could_not_be_sent_is_on_disk_and_sent_again() -> None:
    for config in WHOLE.values():
        for exporter in config["service"]["pipelines"]["traces"]["exporters"]:
            given = config["exporters"][exporter]
            assert (given["sending_queue"]["storage"], given["retry_on_failure"]["max_elapsed_time"]) == (
                "file_storage",
                "0s",
            )


@promtool.needed
def test_prometheus_takes_what_the_collector_scrapes_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yaml"
    path.write_text(yaml.safe_dump(WHOLE["gke"]["receivers"]["prometheus/self"]["config"]))
    done = subprocess.run(["promtool", "check", "config", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("place", PLACES)
def test_a_cluster_takes_the_collectors(place: str, tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(manifests.objects(place)))
    assert faults_of_objects(path) == []
    by_kind = {one["kind"]: one for one in manifests.objects(place)}
    for kind, scraped in (("DaemonSet", manifests.NODE), ("Deployment", manifests.CLUSTER)):
        [container] = by_kind[kind]["spec"]["template"]["spec"]["containers"]
        read = [flag.partition("/etc/collector/")[2] for flag in container["args"]]
        assert read == [f"{part}.yaml" for part in (*PLACES[place], *scraped)]
        assert by_kind["ConfigMap"]["data"].keys() >= {*read}


def test_the_variables_are_in_the_guide() -> None:
    named = {
        name
        for part in (*SCRAPED, *{one for parts in PLACES.values() for one in parts})
        for name in re.findall(r"\$\{env:(\w+)", text(part))
    }
    assert named - set(re.findall(r"`(\w+)`", GUIDES)) == set()

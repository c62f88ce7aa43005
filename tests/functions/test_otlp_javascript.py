"""OpenTelemetry's SDK for JavaScript, as npm has it, sends JSON to the function over HTTP."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.fakes.otlp import Otlp, served

PACKAGES = (
    "@opentelemetry/exporter-trace-otlp-http@0.223.1",
    "@opentelemetry/exporter-metrics-otlp-http@0.223.0",
    "@opentelemetry/resources@2.12.1",
    "@opentelemetry/sdk-metrics@2.12.1",
    "@opentelemetry/sdk-trace-base@2.12.1",
)
PROGRAM = """
const {OTLPTraceExporter} = require("@opentelemetry/exporter-trace-otlp-http");
const {OTLPMetricExporter} = require("@opentelemetry/exporter-metrics-otlp-http");
const {resourceFromAttributes} = require("@opentelemetry/resources");
const {MeterProvider, PeriodicExportingMetricReader} = require("@opentelemetry/sdk-metrics");
const {BasicTracerProvider, SimpleSpanProcessor} = require("@opentelemetry/sdk-trace-base");
const resource = resourceFromAttributes({"service.name": "twin", "browser.mobile": true});
const url = process.argv[2];
(async () => {
  const exporter = new OTLPTraceExporter({url: url + "/v1/traces"});
  const tracing = new BasicTracerProvider({resource, spanProcessors: [new SimpleSpanProcessor(exporter)]});
  tracing.getTracer("t").startSpan("documentLoad").end();
  await tracing.shutdown();
  const reader = new PeriodicExportingMetricReader({exporter: new OTLPMetricExporter({url: url + "/v1/metrics"})});
  const metering = new MeterProvider({resource, readers: [reader]});
  const frames = metering.getMeter("t").createHistogram("aia.frame.duration", {unit: "s", advice: {explicitBucketBoundaries: [0.016, 0.033, 0.1]}});
  for (let number = 0; number < 10; number++) frames.record(0.02);
  await metering.shutdown();
})();
"""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is absent: SDKs for JavaScript are installed with it")
def test_the_sdk_for_javascript_sends_spans_and_metrics(tmp_path: Path) -> None:
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES]
    done = subprocess.run(install, cwd=tmp_path, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm's registry does not answer: {done.stderr[-200:]}")
    (tmp_path / "send.js").write_text(PROGRAM)
    otlp = Otlp(now=None)
    with served(otlp) as url:
        sent = subprocess.run(["node", "send.js", url], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (sent.returncode, sent.stderr) == (0, "")
    [load] = otlp.rows("spans")
    assert (load["service"], load["operation"], load["name"]) == ("twin", "load", "mobile")
    [frames] = otlp.rows("metric_points")
    assert (frames["operation"], frames["name"], frames["count"]) == ("frame", "mobile", 10)
    assert sum(one["n"] for one in frames["buckets"]) == pytest.approx(10)

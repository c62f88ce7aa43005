"""The settings: what is read, and what is told of what is wrong."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.events import Severity
from core.settings import (
    Address,
    DnsProbe,
    HttpProbe,
    Quality,
    Retraining,
    Sensitivity,
    Task,
    TcpProbe,
    TlsProbe,
    When,
    parse,
)
from core.settings.channels import ConsoleChannel
from tests.support.builders.settings import faults
from tests.support.builders.settings_sample import SAMPLE, changed


def test_a_model_is_read_whole() -> None:
    [model] = parse(SAMPLE).models
    assert (model.name, model.owner, model.target) == ("flight-delay", "flight-operations", "model/flight-delay")
    assert (model.table, model.timestamp, model.id) == ("telemetry.flight_predictions", "scored_at", "prediction_id")
    assert (model.features.names, model.segments) == (("distance", "hour", "carrier", "origin"), ("origin",))
    assert (model.reference.days, model.reference.until) == (59, date(2026, 3, 1))
    assert (model.window, model.minimum_rows, model.accuracy_floor) == (timedelta(days=7), 300, 0.85)
    assert (model.fire_after, model.recover_after) == (2, 3)
    assert model.label is not None
    assert (model.label.table, model.label.arrives_within) == ("telemetry.flight_labels", timedelta(hours=12))


def test_a_model_says_when_it_is_retrained() -> None:
    given = Retraining(
        important=("carrier", "hour"), drifted=2, cooldown=timedelta(hours=12), window=timedelta(days=30)
    )
    [model] = parse(SAMPLE).models
    assert model.retraining == given
    [model] = parse(changed(("models", 0, "retraining", "minimum_labels"), 7)).models
    assert model.retraining == replace(given, minimum_labels=7)
    [model] = parse(changed(("models", 0, "retraining"), {})).models
    assert model.retraining == Retraining(important=model.features.names, drifted=1, minimum_labels=1000)
    assert (model.retraining.cooldown, model.retraining.window) == (timedelta(hours=6), timedelta(days=60))
    assert parse(changed(("models", 0, "retraining"), ...)).models[0].retraining is None


def test_a_model_says_how_it_is_scored() -> None:
    [model] = parse(SAMPLE).models
    assert (model.task, model.decision, model.exact_rows) == (Task.BINARY, 0.5, 50_000)
    assert (model.drift, model.quality) == (Sensitivity(), Quality())
    raw = changed(("models", 0, "drift"), {"shift": 0.4, "seasonal": True})
    raw["models"][0] |= {"quality": {"share": 0.02, "volume": 3, "age": "12h"}, "exact_rows": 9, "decision": 0.2}
    [model] = parse(raw).models
    assert (model.drift, model.exact_rows, model.decision) == (Sensitivity(shift=0.4, seasonal=True), 9, 0.2)
    assert model.quality == Quality(share=0.02, volume=3.0, age=timedelta(hours=12))
    assert model.statistics == ("ks", "psi", "wasserstein", "js", "chi2")
    assert parse(changed(("models", 0, "statistics"), ["ks", "tvd"])).models[0].statistics == ("ks", "tvd")
    raw = changed(("models", 0, "task"), "regression")
    del raw["models"][0]["accuracy_floor"]
    raw["models"][0] |= {"limits": {"mae": 12, "pinball": 3}, "quantile": 0.9}
    model = parse(raw).models[0]
    assert (model.task, dict(model.limits), model.quantile) == (Task.REGRESSION, {"mae": 12, "pinball": 3}, 0.9)


def test_a_model_is_not_retrained_without_labels() -> None:
    raw = changed(("models", 0, "label"), ...)
    del raw["models"][0]["accuracy_floor"]
    assert faults(raw) == ["models[0].label: must be given where retraining is given, got None"]


def test_the_four_kinds_of_probe_are_read() -> None:
    http, tls, tcp, dns = parse(SAMPLE).probes
    assert isinstance(http, HttpProbe)
    assert isinstance(tls, TlsProbe)
    assert isinstance(tcp, TcpProbe)
    assert isinstance(dns, DnsProbe)
    assert [probe.kind for probe in (http, tls, tcp, dns)] == ["http", "tls", "tcp", "dns"]
    assert (http.expect.status, http.expect.latency, http.expect.body) == (200, timedelta(milliseconds=250), "ok")
    assert (http.every, http.timeout, http.target) == (timedelta(minutes=5), timedelta(seconds=3), "probe/api")
    assert (tls.port, tls.warn_before, tls.critical_before) == (443, timedelta(days=30), timedelta(days=7))
    assert (tcp.host, tcp.port, tcp.fail_after, tcp.recover_after) == ("::1", 5432, 3, 2)
    assert dns.resolver == Address(host="127.0.0.1", port=5353)


def test_the_rest_is_read() -> None:
    settings = parse(SAMPLE)
    assert settings.jobs["drift_score"] == "*/15 * * * *"
    assert [(one.target, one.needs) for one in settings.dependencies] == [
        ("model/flight-delay", "table/telemetry.flight_predictions")
    ]
    assert settings.revenue["model/flight-delay"].dollars_per_hour == 1200
    assert settings.channels[0] == ConsoleChannel(name="log")
    assert settings.people.stakeholders["technical"].tiers[0].to == ("log", "inbox")
    assert settings.people.routes[0].when.severity == {Severity.ERROR, Severity.CRITICAL}
    assert settings.people.routes[1].when == When()
    assert settings.people.routes[0].to == ("technical",)


def test_what_may_be_left_out_has_a_default() -> None:
    settings = parse({"version": 1, "jobs": {}})
    assert (settings.models, settings.probes, settings.people.routes, dict(settings.revenue)) == ((), (), (), {})
    [model] = parse(changed(("models", 0, "label"), {"column": "late", "arrives_within": "1h"})).models
    assert model.label is not None
    assert model.label.table == model.table


def test_nothing_in_the_settings_can_be_changed() -> None:
    settings = parse(SAMPLE)
    with pytest.raises(TypeError):
        settings.jobs["other"] = "* * * * *"  # type: ignore[index]  # the very thing that must fail
    with pytest.raises(TypeError):
        parse({"version": 1, "jobs": {}}).revenue["x"] = settings.revenue["model/flight-delay"]  # type: ignore[index]  # as above
    assert hash(settings.models) == hash(parse(SAMPLE).models)

"""What is wrong in the settings is told: each fault with its key, what is allowed and what was given."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import (
    parse,
)
from core.statistics import STATISTICS
from tests.support.builders.settings import JUNK, Path, faults, places, told
from tests.support.builders.settings_sample import SAMPLE, changed


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("version",), 2, "version: must be 1 to 1, got 2"),
        (("jobs",), ..., "jobs: must be given, got None"),
        (("jobs", "drift_score"), "* * * *", "jobs.drift_score: must be a cron expression: must have five fields"),
        (("jobs", "Drift Score"), "* * * * *", "jobs.Drift Score: must be a name of small letters"),
        (("models",), None, "models: must be a list, got None"),
        (("models", 0), ["name"], "models[0]: must be a mapping, got 'a list of 1'"),
        (("models", 0, "name"), "Flight Delay", "models[0].name: must be a name of at most 100 small letters"),
        (("models", 0, "reference", "days"), 0, "models[0].reference.days: must be 1 to 365, got 0"),
        (("models", 0, "drift"), {"shift": 0}, "models[0].drift.shift: must be a number from 0.01 to 6, got 0"),
        (
            ("models", 0, "drift"),
            {"false_alarms": 1},
            "models[0].drift.false_alarms: must be a number from 1e-06 to 0.5, got 1",
        ),
        (("models", 0, "drift"), {"seasonal": 1}, "models[0].drift.seasonal: must be true or false, got 1"),
        (
            ("models", 0, "statistics"),
            ["ks", "tdv"],
            f"models[0].statistics[1]: must be one of {', '.join(STATISTICS)} (perhaps 'tvd'), got 'tdv'",
        ),
        (("models", 0, "statistics"), ["ks", "ks"], "models[0].statistics[1]: must be named once, got 'ks'"),
        (("models", 0, "statistics"), [], "models[0].statistics: must be a list of at least 1, got 'a list of 0'"),
        (
            ("models", 0, "task"),
            "classification",
            "models[0].task: must be one of binary, multiclass, regression, ranking, generative, got 'classification'",
        ),
        (("models", 0, "limits"), {"auk": 1}, "models[0].limits.auk: must be one of precision, recall, f1"),
        (("models", 0, "limits"), {"mae": 10}, "models[0].limits.mae: must be one of precision, recall, f1, auc"),
        (("models", 0, "limits"), {"auc": 80}, "models[0].limits.auc: must be a number from 0 to 1, got 80"),
        (("models", 0, "limits"), {"auc": -1}, "models[0].limits.auc: must be a number from 0 to 1e+12, got -1"),
        (
            ("models", 0, "gap_limits"),
            {"mae": 1},
            "models[0].gap_limits.mae: must be one of accuracy, precision, recall",
        ),
        (("models", 0, "predicted"), "kind", "models[0].predicted: must not be given where the task is binary, got"),
        (("models", 0, "query"), "q", "models[0].query: must not be given where the task is binary, got 'q'"),
        (("models", 0, "probabilities"), {"a": "p_a"}, "models[0].probabilities: must not be given where the task is"),
        (("models", 0, "task"), "multiclass", "models[0].predicted: must be given where the task is multiclass"),
        (("models", 0, "quantile"), 1, "models[0].quantile: must be a number from 0.001 to 0.999, got 1"),
        (("models", 0, "cutoff"), 0, "models[0].cutoff: must be 1 to 1000, got 0"),
        (
            ("models", 0, "task"),
            "regression",
            "models[0].accuracy_floor: must not be given where the task is regression, got 0.85",
        ),
        (("models", 0, "decision"), 2, "models[0].decision: must be a number from 0 to 1, got 2"),
        (("models", 0, "exact_rows"), 0, "models[0].exact_rows: must be 1 to 1000000, got 0"),
        (
            ("models", 0, "quality"),
            {"volume": 1},
            "models[0].quality.volume: must be a number from 1.01 to 1000, got 1",
        ),
        (("models", 0, "quality"), {"age": "91d"}, "models[0].quality.age: must be 1m to 90d"),
        (("models", 0, "reference", "days"), True, "models[0].reference.days: must be 1 to 365, got True"),
        (("models", 0, "reference", "until"), "2026-02-30", "models[0].reference.until: must be a day"),
        (
            ("models", 0, "reference", "until"),
            "0001-01-01",
            "models[0].reference.until: must be a day, 1980-01-01 to 2200-01-01",
        ),
        (
            ("models", 0, "reference", "until"),
            "9999-12-31",
            "models[0].reference.until: must be a day, 1980-01-01 to 2200-01-01",
        ),
        (("models", 0, "segments"), ["origin", "origin"], "models[0].segments"),
        (("models", 0, "owner"), "a" * 101, "models[0].owner: must be a name of at most 100 small letters"),
        (("models", 0, "reference", "until"), 20260201, "models[0].reference.until: must be a day"),
        (("models", 0, "window"), "7 days", "models[0].window: must be 5m to 90d"),
        (("models", 0, "window"), "91d", "models[0].window: must be 5m to 90d"),
        (("models", 0, "window"), 7, "models[0].window: must be 5m to 90d"),
        (("models", 0, "accuracy_floor"), 85, "models[0].accuracy_floor: must be a number from 0 to 1, got 85"),
        (("models", 0, "accuracy_floor"), float("nan"), "models[0].accuracy_floor: must be a number from 0 to 1"),
        (("models", 0, "label"), ..., "models[0].label: must be given where accuracy_floor is given"),
        (("models", 0, "features"), {}, "models[0].features.numeric: must name at least one column"),
        (
            ("models", 0, "features", "numeric"),
            ["hour", "Carrier"],
            "models[0].features.numeric: must name no column twice, nor one that categorical names, got 'carrier'",
        ),
        (
            ("probes", 0, "kind"),
            "htp",
            "probes[0].kind: must be one of http, tls, tcp, dns, grpc, websocket, smtp, postgresql, redis, bigquery, pubsub, vertex, gke, journey (perhaps 'http'), got 'htp'",
        ),
        (("probes", 0, "every"), "90s", "probes[0].every: must be 1m to 1d, in whole m"),
        (("probes", 0, "expect", "status"), 99, "probes[0].expect.status: must be 100 to 599, got 99"),
        (("probes", 0, "expect", "latency"), "4s", "probes[0].expect.latency: must be at most the timeout"),
        (("probes", 0, "expect", "body"), "", "probes[0].expect.body: must be 1 to 200 printable characters"),
        (("probes", 1, "expect"), {"status": 200}, "probes[1].expect.status: must be a known key: latency"),
        (("probes", 1, "critical_before"), "31d", "probes[1].critical_before: must be at most warn_before"),
        (("probes", 1, "host"), "-api", "probes[1].host: must be a host name or an IP address"),
        (("probes", 1, "name"), "api", "probes[1].name: must be unique among the probe names, got 'api'"),
        (("probes", 2, "address"), "localhost", "probes[2].address: must be host:port"),
        (("probes", 2, "address"), "localhost:65536", "probes[2].address: must be host:port"),
        (("probes", 2, "address"), ":5432", "probes[2].address: must be host:port"),
        (("probes", 2, "address"), "[::g]:5432", "probes[2].address: must be host:port"),
        (("probes", 3, "resolver"), "dns.example.com", "probes[3].resolver: must be an IP address"),
        (("dependencies", 0, "to"), "table/x", "dependencies[0].to: must be a target table/name, whose name must be"),
        (("dependencies", 0, "to"), "thing/x", "dependencies[0].to: must be a target: kind/name"),
        (
            ("dependencies", 0, "to"),
            "host/a b",
            "dependencies[0].to: must be a target host/name, whose name must be of",
        ),
        (
            ("dependencies", 0, "to"),
            "model/flight-delay",
            "dependencies[0].to: must be another target than from, got 'model/flight-delay'",
        ),
        (
            ("dependencies", 0, "from"),
            "model/flight-dely",
            "dependencies[0].from: must be the name of a model (perhaps 'flight-delay'), got 'flight-dely'",
        ),
        (("revenue", "probe/nobody"), {"dollars_per_hour": 1}, "revenue.probe/nobody: must be the name of a probe"),
        (("revenue", "model/flight-delay"), {"dollars_per_hour": -1}, "revenue.model/flight-delay.dollars_per_hour"),
        (
            ("channels", 0, "kind"),
            "fax",
            "channels[0].kind: must be one of console, webhook, pagerduty, slack, teams, email, got 'fax'",
        ),
        (("routes", 0, "to"), "technical", "routes[0].to: must be a list, got 'technical'"),
        (
            ("routes", 0, "to", 0),
            "tecnical",
            "routes[0].to[0]: must be the name of a stakeholder (perhaps 'technical'), got",
        ),
        (("routes", 0, "when", "severity", 0), "fatal", "routes[0].when.severity[0]: must be one of info, warning"),
        (("models", 0, "referense"), 1, "models[0].referense: must be a known key (perhaps 'reference'), got"),
        (("routes", 0, "zzz"), 1, "routes[0].zzz: must be a known key: group_by, to, when, got 'zzz'"),
    ],
)
def test_a_fault_names_the_key_what_is_allowed_and_what_was_given(path: Path, value: object, fault: str) -> None:
    found = faults(changed(path, value))
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"cooldown": "0m"}, "cooldown: must be 1m to 90d"),
        ({"minimum_labels": 0}, "minimum_labels: must be 1 to 10000000, got 0"),
        ({"window": "1h"}, "window: must be 1d to 365d"),
        ({"share": 0.5}, "share: must be a known key: "),
        ({"drifted": 0}, "drifted: must be 1 to 10000, got 0"),
        ({"drifted": 5}, "drifted: must be 1 to the 4 important features, got 5"),
        ({"drifted": 2, "important": ["hour"]}, "drifted: must be 1 to the 1 important features, got 2"),
        ({"important": []}, "important: must be a list of at least 1"),
        ({"important": ["hour", "distence"]}, "important[1]: must be a feature of the model (perhaps 'distance'), got"),
        ({"important": ["hour", "hour"]}, "important[1]: must be named once, got 'hour'"),
    ],
)
def test_when_to_retrain_must_be_possible(values: dict[str, object], fault: str) -> None:
    [found] = faults(changed(("models", 0, "retraining"), values))
    assert found.startswith(f"models[0].retraining.{fault}")


def test_every_fault_is_told_at_once() -> None:
    raw = changed(("models", 0, "reference", "days"), 0)
    raw["probes"][2]["address"] = "nowhere"
    raw["channels"][1]["url"] = "ftp://x"
    raw["routes"][0]["to"].append("nobody")
    raw["extra"] = {}
    assert [fault.split(":")[0] for fault in faults(raw)] == [
        "models[0].reference.days",
        "probes[2].address",
        "channels[1].url",
        "extra",
        "routes[0].to[1]",
    ]


def test_rules_over_several_keys_are_told_beside_other_faults() -> None:
    raw = changed(("models", 0, "label"), ...)
    raw["models"][0]["window"] = "1y"
    raw["probes"][1] |= {"critical_before": "31d", "port": 0}
    raw["channels"] += [{"name": "chat", "kind": "slack", "url": "https://a.b/c", "per_minute": 0}]
    raw["channels"] += [{"name": name, "kind": "slack", "url": "https://a.b/d"} for name in ("one", "two")]
    raw["playbooks"] = [
        {"name": "first", "when": {}, "do": ["restart"]},
        {"name": "second", "when": {}, "do": [{"action": "scale_out", "target": "service/shop"}]},
    ]
    assert [fault.split(":")[0] for fault in faults(raw)] == [
        "models[0].window",
        "models[0].label",
        "probes[1].port",
        "probes[1].critical_before",
        "channels[2].per_minute",
        "playbooks[0].do[0]",
        "channels[4].url",
        "playbooks[1].do[0].target",
    ]


def test_a_fault_elsewhere_in_a_thing_does_not_take_its_name_away() -> None:
    assert faults(changed(("channels", 1, "url"), 7)) == [
        "channels[1].url: must be an http or https URL with a host, got 7"
    ]


@pytest.mark.parametrize("quote", ["'", '"', "`", ";", " ", "\n", "\\", "--", "(", "é", "\0"])
@pytest.mark.parametrize(
    "path",
    [
        ("models", 0, "table"),
        ("models", 0, "label", "table"),
        ("models", 0, "label", "column"),
        ("models", 0, "timestamp"),
        ("models", 0, "id"),
        ("models", 0, "score"),
        ("models", 0, "features", "numeric", 0),
        ("models", 0, "features", "categorical", 1),
        ("models", 0, "segments", 0),
        ("models", 0, "retraining", "important", 0),
    ],
)
def test_what_could_leave_an_sql_identifier_is_refused(path: Path, quote: str) -> None:
    place: Any = SAMPLE
    for step in path:
        place = place[step]
    for value in (place + quote, quote + place, place[:4] + quote + place[4:], place + quote + "; DROP TABLE x --"):
        assert len(faults(changed(path, value))) == 1


@pytest.mark.parametrize(
    "table", ["predictions", "a.b.c.d", ".b", "a.", "a..b", "Project.a.b", "my-data.b", "x:y.a.b", 1]
)
def test_a_table_needs_a_dataset_and_at_most_a_project(table: object) -> None:
    assert len(faults(changed(("models", 0, "table"), table))) == 1


def test_a_fault_shows_the_beginning_of_what_is_long() -> None:
    [fault] = faults(changed(("probes", 2, "address"), "a" * 99))
    assert fault.endswith(f", got '{'a' * 80}…'")


def test_a_table_may_name_its_project() -> None:
    assert (
        parse(changed(("models", 0, "table"), "my-project-1.ops.rows_2")).models[0].table == "my-project-1.ops.rows_2"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("300s", timedelta(minutes=5)),
        ("90d", timedelta(90)),
    ],
)
def test_durations_are_numbers_with_a_unit(text: str, value: timedelta) -> None:
    assert parse(changed(("models", 0, "window"), text)).models[0].window == value


@given(JUNK)
def test_any_junk_is_refused_with_faults_and_nothing_else(raw: object) -> None:
    assert told(raw)


@given(st.lists(st.tuples(st.sampled_from(places(SAMPLE)), JUNK), min_size=1, max_size=4, unique_by=lambda one: one[0]))
def test_junk_anywhere_is_refused_with_faults_or_is_right(changes: list[tuple[Path, object]]) -> None:
    raw = copy.deepcopy(SAMPLE)
    # the deepest first, so that every path is still there when its value is changed
    for (*way, last), value in sorted(changes, key=lambda change: -len(change[0])):
        place: Any = raw
        for step in way:
            place = place[step]
        place[last] = value
    assert told(raw)


@given(st.integers())
def test_a_number_too_long_to_print_is_still_told(number: int) -> None:
    [fault] = faults(changed(("models", 0, "minimum_rows"), 10**9 + abs(number) * 10**5000))
    assert fault.startswith("models[0].minimum_rows: must be 1 to 10000000, got ")


def test_of_very_many_unknown_keys_the_number_is_told() -> None:
    found = faults({f"key{number}": 1 for number in range(101)})
    assert "settings: must have known keys only, 101 are not, got None" in found
    assert not any("must be a known key" in one for one in found)

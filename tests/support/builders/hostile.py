"""Bodies of foreign alerts, distorted in every way that can be thought of, and what must become of each."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from core.events import RegistryChange
from functions.alert_intake.body import plain
from functions.alert_intake.envelopes import unwrapped
from functions.alert_intake.reading import UnreadableError, decode
from tests.support.builders.budget import examples
from tests.support.fakes.intake import World, payload

SEEDS = [
    "alertmanager_v4_oncall_example.json",
    "alertmanager_v4_real_0_25_resolved.json",
    "aws_cloudwatch_alarm_sns_payload_single_metric.json",
    "aws_sns_event.json",
    "aws_sns_subscription_confirmation.json",
    "formatted_webhook_oncall.json",
    "gcm_incident_closed_v1_2_google_forwarder.json",
    "gcm_pubsub_bad_base64.json",
    "gcm_pubsub_bad_json_data.json",
    "gcm_pubsub_open_v1_2_flanksource.json",
    "gcm_pubsub_push_minimal_closed.json",
    "gcm_test_notification.json",
    "grafana_legacy_alerting_oncall.json",
    "grafana_legacy_webhook.json",
    "grafana_unified_webhook.json",
    "prometheus_api_v2_real_2_42_firing.json",
    "prometheus_api_v2_real_2_42_resolved.json",
    "azure_common_schema_metric_resolved.json",
    "billing_budget_exceeded.json",
    "datadog_webhook_default_triggered.json",
    "eventbridge_cloudwatch_alarm.json",
    "gcp_ce_structured_pubsub.json",
    "kapacitor_post_critical.json",
    "mlflow_webhook_version_created.json",
    "newrelic_workflow_activated.json",
    "pagerduty_v2_resolve.json",
    "pagerduty_v2_trigger.json",
    "sentry_issue_alert_triggered.json",
    "sentry_metric_alert_resolved.json",
    "vertex_model_monitoring_anomaly.json",
    "zabbix_webhook_high.json",
]
MUTATIONS = examples(12_000)
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    10**3000,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00\x1b[31m\r\n\u202e",
    "\ud800",
    "__x__",
    "/",
    "😀" * 400,
    "x" * 5000,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9998-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "2026-11-23T16:12:46",
    "firing",
    "resolved",
    "paused",
    "1e999",
    "http://[",
    [],
    {},
    [[]],
    {"a": {"b": {}}},
    ["x"],
    {"labels": {}},
    {"": ""},
)
Path = list[str | int]


def places(body: Any, path: Path | None = None) -> Iterator[Path]:
    """Every place in a body, the body itself left out."""
    here = path or []
    if isinstance(body, dict | list):
        for key, value in body.items() if isinstance(body, dict) else enumerate(body):
            yield [*here, key]
            yield from places(value, [*here, key])


def at(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


def set_to(rng: random.Random, parent: Any, key: Any) -> None:
    parent[key] = copy.deepcopy(rng.choice(ODD))


def delete(rng: random.Random, parent: Any, key: Any) -> None:
    del parent[key]


def nest(rng: random.Random, parent: Any, key: Any) -> None:
    parent[key] = rng.choice([{"inner": parent[key]}, [parent[key]], deep(parent[key], 60)])


def repeat(rng: random.Random, parent: Any, key: Any) -> None:
    if isinstance(parent, list):
        parent.insert(0, copy.deepcopy(parent[key]))
    else:
        parent[f"{key}{rng.choice(ODD[9:16])}"] = copy.deepcopy(parent[key])


def distort(rng: random.Random, parent: Any, key: Any) -> None:
    value = parent[key]
    if isinstance(value, str):
        cut = rng.randrange(len(value) + 1)
        parent[key] = value[:cut] + rng.choice(["\n", "\x00", "é", "\ud83d", "\u2028", "://u:p@", "'"]) + value[cut:]
    elif isinstance(value, int | float):
        parent[key] = rng.choice([-value, value * 10**20, repr(value)[:50], not value])
    else:
        parent[key] = json.dumps(value)


CHANGES: list[Callable[[random.Random, Any, Any], None]] = [set_to, set_to, delete, nest, repeat, distort]


def mutated(rng: random.Random, body: Any) -> Any:
    body = copy.deepcopy(body)
    for _ in range(rng.choice([1, 1, 2, 4])):
        every = list(places(body))
        if not every:
            break
        path = rng.choice(every)
        rng.choice(CHANGES)(rng, at(body, path[:-1]), path[-1])
        if rng.random() < 0.1:  # swap two values
            first, second = rng.choice(list(places(body)) or [[]]), rng.choice(list(places(body)) or [[]])
            if first and second and first[: len(second)] != second and second[: len(first)] != first:
                one, other = at(body, first[:-1]), at(body, second[:-1])
                one[first[-1]], other[second[-1]] = other[second[-1]], one[first[-1]]
    return body


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """Bytes that are cut, flipped, doubled or spelt in another encoding."""
    match rng.randrange(6):
        case 0:
            return data[: rng.randrange(len(data) + 1)]
        case 1:
            at, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
            return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        case 2:
            return data + data
        case 3:
            return data.decode(errors="replace").encode(rng.choice(["utf-16", "utf-32", "utf-8-sig", "utf-16-le"]))
        case 4:
            at = rng.randrange(len(data))
            return data[:at] + rng.choice([b"\xff", b"\xed\xa0\x80", b"\x00", b"NaN", b"1e999", b"\xe9"]) + data[at:]
    at = rng.randrange(len(data))
    return data[:at] + data[: rng.randrange(40)] + data[at:]


def bodies() -> Iterator[bytes]:
    rng = random.Random(20261123)
    saved = [payload(name) for name in SEEDS]
    yield from saved
    trees = [json.loads(one) for one in saved]
    for number in range(MUTATIONS):
        index = rng.randrange(len(saved))
        data = json.dumps(mutated(rng, trees[index])).encode() if number % 4 else saved[index]
        yield spoilt(rng, data) if number % 4 == 0 or number % 16 == 1 else data


def elements(body: bytes) -> int:
    """How many alerts a body holds: the elements of its list, or itself."""
    try:
        found = unwrapped(decode(plain(body, None, "")))
    except UnreadableError:
        return 1
    if found == []:
        return 0
    if isinstance(found, dict):
        if isinstance(found.get("incident"), dict):
            return 1
        if isinstance(found.get("alerts"), list):
            return max(1, len(found["alerts"]))
        records = found.get("Records")
        is_notification = "Message" in found and ("TopicArn" in found or "Type" in found)
        return len(records) if isinstance(records, list) and records and not is_notification else 1
    known = isinstance(found, list) and any(
        isinstance(one, dict) and ("labels" in one or "target" in one or "kind" in one) for one in found
    )
    return len(found) if known else 1


def check(body: bytes, path: str = "/alerts") -> tuple[int, int]:
    world = World()
    answer = world.send(body, path)
    assert answer.status_code == 200, (answer.status_code, body)
    taken: dict[str, int] = json.loads(answer.data)
    changes = sum(isinstance(event, RegistryChange) for event in world.bus.events)
    assert taken["accepted"] == len(world.findings()) + changes
    assert taken["parked"] == len(world.park.letters)
    assert bool(world.unheard()) is bool(world.park.letters)
    assert not [reason for reason in world.park.reasons if reason.startswith("unexpected")], (world.park.reasons, body)
    assert sum(taken.values()) == elements(body), body
    return taken["accepted"] + taken["ignored"], taken["parked"]

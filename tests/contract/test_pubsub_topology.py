"""The topics and subscriptions of infra/functions.yaml, on our server."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.api_core.exceptions import NotFound

from core.events import Verb
from core.maintenance.dead_letters import subscriptions
from infra.local.pubsub.filters import compile_filter
from infra.local.pubsub.topology import RETENTION_SECONDS, apply_topology
from tests.contract.pubsub_fixtures import PROJECT, Bus, our_server

DEPLOYMENT: dict[str, Any] = yaml.load(
    (Path(__file__).parents[2] / "infra/functions.yaml").read_text(), Loader=yaml.CSafeLoader
)
PUSHED = {name: (function, trigger) for name, function, trigger in subscriptions(DEPLOYMENT)}
ENDPOINTS = {function: f"http://127.0.0.1:9/{function}" for function, _ in PUSHED.values()}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A server with the topology; a test that changes it puts it back."""
    data = tmp_path_factory.mktemp("applied") / "pubsub.sqlite"
    # nothing is published to a table, so nothing is sought at that address
    with (
        our_server(data, {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9"}) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PUBSUB_EMULATOR_HOST", running.host)
        apply_topology(PROJECT, DEPLOYMENT, ENDPOINTS)
        yield running


def _subscription(bus: Bus, name: str) -> Any:
    return bus.subscriber.get_subscription(subscription=f"projects/{PROJECT}/subscriptions/{name}")


def test_every_topic_has_a_dead_letter_topic_that_is_kept(applied: Bus) -> None:
    topics = {topic.name.rsplit("/", 1)[1] for topic in applied.publisher.list_topics(project=f"projects/{PROJECT}")}
    assert topics == {name + suffix for name in DEPLOYMENT["topics"] for suffix in ("", "-dead-letter")}
    for name in DEPLOYMENT["topics"]:
        assert _subscription(applied, f"{name}-dead-letter").topic.endswith(f"/{name}-dead-letter")


def test_the_first_trigger_is_called_as_the_function_and_further_ones_by_their_topics() -> None:
    assert {name for name, (function, _) in PUSHED.items() if function == "incident_router"} == {
        "incident-router",
        "incident-router-findings",
        "incident-router-commands",
        "incident-router-action-decisions",
    }
    assert [PUSHED[name][1]["topic"] for name in ("drift-score", "incident-router", "action-runner")] == [
        "ticks",
        "findings",
        "actions",
    ]


def test_no_two_subscriptions_have_the_same_name() -> None:
    names = [name for name, _, _ in subscriptions(DEPLOYMENT)] + list(DEPLOYMENT["tables"])
    assert len(set(names)) == len(names)


def test_every_topic_that_is_named_is_there() -> None:
    named = {trigger["topic"] for _, trigger in PUSHED.values()} | {
        one["topic"] for one in DEPLOYMENT["tables"].values()
    }
    assert named <= set(DEPLOYMENT["topics"])


@pytest.mark.parametrize("verb", Verb)
def test_a_command_goes_to_the_one_function_that_follows_it(verb: Verb) -> None:
    def takes(trigger: Any) -> bool:
        wanted = compile_filter(trigger.get("filter", ""))
        return trigger["topic"] == "commands" and (wanted is None or wanted({"verb": verb.value}))

    others = dict.fromkeys((Verb.APPROVE, Verb.REJECT, Verb.HALT, Verb.RESUME), "action_runner")
    others |= {Verb.SEND_AGAIN: "maintenance"}
    others |= dict.fromkeys((Verb.PROMOTE, Verb.ROLL_BACK), "promotion")
    expected = (others | {Verb.SEND_REPORT: "bi_rollup"}).get(verb, "incident_router")
    assert [function for function, trigger in PUSHED.values() if takes(trigger)] == [expected]


@pytest.mark.parametrize("name", PUSHED)
def test_a_trigger_has_its_push_subscription(applied: Bus, name: str) -> None:
    made, retry = _subscription(applied, name), DEPLOYMENT["retry"]
    function, trigger = PUSHED[name]
    assert made.push_config.push_endpoint == ENDPOINTS[function]
    assert made.topic.endswith(f"/{trigger['topic']}")
    assert made.filter == trigger.get("filter", "")
    assert made.ack_deadline_seconds == trigger["ack_deadline_seconds"]
    assert made.message_retention_duration.total_seconds() == trigger.get("retention_seconds", RETENTION_SECONDS)
    assert made.retry_policy.minimum_backoff.total_seconds() == retry["minimum_backoff_seconds"]
    assert made.dead_letter_policy.dead_letter_topic.endswith(f"/{trigger['topic']}-dead-letter")
    assert made.dead_letter_policy.max_delivery_attempts == retry["max_delivery_attempts"]


@pytest.mark.parametrize("name", DEPLOYMENT["tables"])
def test_a_table_has_its_subscription(applied: Bus, name: str) -> None:
    made, table = _subscription(applied, name), DEPLOYMENT["tables"][name]
    assert made.bigquery_config.table == f"{PROJECT}.{table['table']}"
    assert made.bigquery_config.use_table_schema
    assert made.filter == table.get("filter", "")


def test_applying_again_changes_nothing_and_keeps_what_waits(applied: Bus) -> None:
    applied.publish(f"projects/{PROJECT}/topics/findings-dead-letter", b"kept")
    before = list(applied.subscriber.list_subscriptions(project=f"projects/{PROJECT}"))
    apply_topology(PROJECT, DEPLOYMENT, ENDPOINTS)
    assert list(applied.subscriber.list_subscriptions(project=f"projects/{PROJECT}")) == before
    assert applied.waiting(f"projects/{PROJECT}/subscriptions/findings-dead-letter") == [b"kept"]


def test_what_a_killed_instance_left_is_deleted(applied: Bus) -> None:
    left = applied.subscription(f"projects/{PROJECT}/topics/changes", labels={"aia": "live"})
    kept = applied.subscription(f"projects/{PROJECT}/topics/changes", labels={"aia": "other"})
    apply_topology(PROJECT, DEPLOYMENT, ENDPOINTS)
    names = {one.name for one in applied.subscriber.list_subscriptions(project=f"projects/{PROJECT}")}
    assert (left in names, kept in names) == (False, True)


def test_a_new_endpoint_and_a_new_filter_take_effect(applied: Bus) -> None:
    changed = deepcopy(DEPLOYMENT)
    changed["functions"]["incident_router"]["triggers"][0]["filter"] = "attributes:type"
    apply_topology(PROJECT, changed, ENDPOINTS | {"drift_score": "http://127.0.0.1:9/elsewhere"})
    assert _subscription(applied, "drift-score").push_config.push_endpoint == "http://127.0.0.1:9/elsewhere"
    assert _subscription(applied, "incident-router").filter == "attributes:type"
    apply_topology(PROJECT, DEPLOYMENT, ENDPOINTS)
    assert _subscription(applied, "drift-score").push_config.push_endpoint == ENDPOINTS["drift_score"]
    assert _subscription(applied, "incident-router").filter == PUSHED["incident-router"][1].get("filter", "")


def test_a_triggered_function_without_an_endpoint_is_named(applied: Bus) -> None:
    more = {**DEPLOYMENT, "functions": {"another": DEPLOYMENT["functions"]["drift_score"]}}
    with pytest.raises(ValueError, match="'another'"):
        apply_topology(PROJECT, more, ENDPOINTS)
    with pytest.raises(NotFound):
        _subscription(applied, "another")

"""The topics and subscriptions of `infra/functions.yaml`, created with the official clients.

TOPIC, TOPIC-dead-letter      every topic, and where its failed messages go
TOPIC-dead-letter             a pull subscription that keeps them
FUNCTION, with dashes         the push subscription of a function's first trigger
FUNCTION-TOPIC                those of its further ones
the name in `tables`          the subscription that writes a table
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import AlreadyExists
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.protobuf.field_mask_pb2 import FieldMask

from core.maintenance.dead_letters import subscriptions
from functions.adapters.live_feed import LABELS

log = logging.getLogger(__name__)

DEAD_LETTER = "-dead-letter"
TABLE_DEADLINE_SECONDS = 60

RETENTION_SECONDS = 7 * 24 * 3600
"""How long a message waits for a function that does not take it, where the function does not say: as long as it may."""

DEAD_LETTER_RETENTION_SECONDS = 31 * 24 * 3600
"""The retention of failed messages: the maximum of Pub/Sub."""

_MUTABLE = (
    "message_retention_duration",
    "push_config",
    "bigquery_config",
    "ack_deadline_seconds",
    "retry_policy",
    "dead_letter_policy",
)


def apply_topology(project: str, deployment: Mapping[str, Any], endpoints: Mapping[str, str]) -> None:
    """Create missing resources and update changed ones; idempotent.

    A subscription whose topic or filter changed is recreated, because neither can be updated: its messages are lost,
    and said.

    Args:
        project: whose topics they are.
        deployment: `infra/functions.yaml`.
        endpoints: the URL of each function that has triggers.

    Raises:
        ValueError: a triggered function has no endpoint.
    """
    with SubscriberClient() as subscriber:
        clients = _Clients(project, PublisherClient(), subscriber)
        clients.forget_instances()
        for topic in deployment["topics"]:
            clients.topic(topic)
            clients.topic(topic + DEAD_LETTER)
            kept = {"message_retention_duration": {"seconds": DEAD_LETTER_RETENTION_SECONDS}}
            clients.subscription(topic + DEAD_LETTER, topic + DEAD_LETTER, kept)
        for name, topic, details in _wanted(project, deployment, endpoints):
            clients.subscription(name, topic, details | clients.failure(topic, deployment["retry"]))


def _wanted(
    project: str, deployment: Mapping[str, Any], endpoints: Mapping[str, str]
) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, topic and details of each subscription that delivers."""
    wanted = []
    for name, function, trigger in subscriptions(deployment):
        if function not in endpoints:
            raise ValueError(f"endpoints: must have the URL of {function!r}, got {sorted(endpoints)}")
        wanted.append((name, trigger["topic"], _push(trigger, endpoints[function])))
    for name, table in deployment.get("tables", {}).items():
        wanted.append((name, table["topic"], _table(table, project)))
    return wanted


def _push(trigger: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    return {
        "filter": trigger.get("filter", ""),
        "push_config": {"push_endpoint": endpoint},
        "ack_deadline_seconds": trigger["ack_deadline_seconds"],
        "message_retention_duration": {"seconds": trigger.get("retention_seconds", RETENTION_SECONDS)},
    }


def _table(table: Mapping[str, Any], project: str) -> dict[str, Any]:
    return {
        "filter": table.get("filter", ""),
        "bigquery_config": {"table": f"{project}.{table['table']}", "use_table_schema": True},
        "ack_deadline_seconds": TABLE_DEADLINE_SECONDS,
    }


@dataclass(frozen=True, slots=True)
class _Clients:
    project: str
    publisher: PublisherClient
    subscriber: SubscriberClient

    def topic(self, name: str) -> None:
        try:
            self.publisher.create_topic(name=self._topic_path(name))
        except AlreadyExists:
            return

    def subscription(self, name: str, topic: str, details: dict[str, Any]) -> None:
        path = self.subscriber.subscription_path(self.project, name)
        request = {"name": path, "topic": self._topic_path(topic), **details}
        try:
            self.subscriber.create_subscription(request=request)
        except AlreadyExists:
            self._change(request)

    def forget_instances(self) -> None:
        """Delete what instances of the API left that were killed: here nothing expires."""
        for one in self.subscriber.list_subscriptions(project=f"projects/{self.project}"):
            if one.labels == LABELS:
                self.subscriber.delete_subscription(subscription=one.name)

    def failure(self, topic: str, retry: Mapping[str, int]) -> dict[str, Any]:
        """The dead-letter and retry policy of a subscription."""
        return {
            "retry_policy": {
                "minimum_backoff": {"seconds": retry["minimum_backoff_seconds"]},
                "maximum_backoff": {"seconds": retry["maximum_backoff_seconds"]},
            },
            "dead_letter_policy": {
                "dead_letter_topic": self._topic_path(topic + DEAD_LETTER),
                "max_delivery_attempts": retry["max_delivery_attempts"],
            },
        }

    def _change(self, request: dict[str, Any]) -> None:
        current = self.subscriber.get_subscription(subscription=request["name"])
        if (current.topic, current.filter) != (request["topic"], request.get("filter", "")):
            log.warning("%s: topic or filter changed: recreated, pending messages are lost", request["name"])
            self.subscriber.delete_subscription(subscription=request["name"])
            self.subscriber.create_subscription(request=request)
        elif paths := [path for path in _MUTABLE if path in request]:
            changed = {"name": request["name"], **{path: request[path] for path in paths}}
            self.subscriber.update_subscription(
                request={"subscription": changed, "update_mask": FieldMask(paths=paths)}
            )

    def _topic_path(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

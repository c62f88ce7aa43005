"""Configuration of topics and subscriptions, with the defaults and limits of Pub/Sub's own API."""

from typing import Final
from urllib.parse import urlsplit

import grpc

from infra.local.pubsub import names, wire
from infra.local.pubsub.filters import compile_filter
from infra.local.pubsub.rpc import RefusalError, invalid, unimplemented
from infra.local.pubsub.wire import Proto

DEFAULT_ACK_DEADLINE: Final = 10
ACK_DEADLINES: Final = (10, 600)
DEFAULT_RETENTION: Final = 7 * 86_400
RETENTIONS: Final = (600, 31 * 86_400)
DEFAULT_ATTEMPTS: Final = 5
ATTEMPTS: Final = (5, 100)
DEFAULT_BACKOFFS: Final = (10, 600)
MAX_BACKOFF: Final = 600

MUTABLE: Final = frozenset(
    {
        "ack_deadline_seconds",
        "bigquery_config",
        "dead_letter_policy",
        "enable_exactly_once_delivery",
        "expiration_policy",
        "labels",
        "message_retention_duration",
        "push_config",
        "retain_acked_messages",
        "retry_policy",
    }
)
TOPIC_MUTABLE: Final = frozenset(
    {"ingestion_data_source_settings", "labels", "message_retention_duration", "message_transforms", "schema_settings"}
)
_UNSUPPORTED: Final = (
    "cloud_storage_config",
    "bigtable_config",
    "analytics_hub_subscription_info",
    "message_transforms",
)


def complete_topic(asked: Proto) -> Proto:
    """A copy of a topic with everything checked.

    Raises:
        RefusalError: something about it is wrong, or not to be had here.
    """
    names.check(asked.name, "topics")
    for field in ("ingestion_data_source_settings", "message_transforms"):
        _refuse_unsupported(asked, field)
    topic = wire.Topic()
    topic.CopyFrom(asked)
    topic.state = topic.ACTIVE
    if topic.HasField("message_retention_duration"):
        _between("message_retention_duration", topic.message_retention_duration.seconds, RETENTIONS)
    return topic


def complete(asked: Proto) -> Proto:
    """A copy of a subscription with everything checked and the defaults filled in.

    Raises:
        RefusalError: something about it is wrong, or not to be had here.
    """
    names.check(asked.name, "subscriptions")
    for field in _UNSUPPORTED:
        _refuse_unsupported(asked, field)
    config = wire.Subscription()
    config.CopyFrom(asked)
    compile_filter(config.filter)
    _complete_deadline(config)
    _complete_retention(config)
    _complete_retry(config)
    _complete_dead_letter(config)
    _complete_delivery(config)
    return config


def update(current: Proto, wanted: Proto, paths: list[str]) -> Proto:
    """A copy of a subscription with the named fields replaced, checked like a new one.

    Raises:
        RefusalError: a field is unknown or immutable, or its value is wrong.
    """
    if not paths:
        raise invalid("update_mask: must name at least one field, got none")
    config = wire.Subscription()
    config.CopyFrom(current)
    for path in paths:
        _replace(config, wanted, path)
    return complete(config)


def update_topic(current: Proto, wanted: Proto, paths: list[str]) -> Proto:
    """A copy of a topic with the named fields replaced, checked like a new one.

    Raises:
        RefusalError: a field is unknown or immutable, or its value is wrong.
    """
    if not paths:
        raise invalid("update_mask: must name at least one field, got none")
    topic = wire.Topic()
    topic.CopyFrom(current)
    for path in paths:
        _replace(topic, wanted, path, TOPIC_MUTABLE)
    return complete_topic(topic)


def _replace(config: Proto, wanted: Proto, path: str, mutable: frozenset[str] = MUTABLE) -> None:
    field, _, inner = path.partition(".")
    if field not in mutable:
        raise invalid(f"update_mask: must name mutable fields ({', '.join(sorted(mutable))}), got {path!r}")
    if not inner:
        _copy_field(config, wanted, field)
    elif inner in {inner_field.name for inner_field in getattr(config, field).DESCRIPTOR.fields}:
        _copy_field(getattr(config, field), getattr(wanted, field), inner)
    else:
        raise invalid(f"update_mask: {field} has no field {inner!r}")


def _copy_field(target: Proto, source: Proto, field: str) -> None:
    target.ClearField(field)
    part = type(source)()
    part.CopyFrom(source)
    for other, _ in source.ListFields():
        if other.name != field:
            part.ClearField(other.name)
    target.MergeFrom(part)


def _refuse_unsupported(asked: Proto, field: str) -> None:
    if any(set_field.name == field for set_field, _ in asked.ListFields()):
        raise unimplemented(f"{field}: this server does not have it")


def _between(name: str, value: float, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise invalid(f"{name}: must be {bounds[0]} to {bounds[1]}, got {value:g}")


def _complete_deadline(config: Proto) -> None:
    config.ack_deadline_seconds = config.ack_deadline_seconds or DEFAULT_ACK_DEADLINE
    _between("ack_deadline_seconds", config.ack_deadline_seconds, ACK_DEADLINES)


def _complete_retention(config: Proto) -> None:
    retention = config.message_retention_duration
    if not retention.seconds:
        retention.seconds = DEFAULT_RETENTION
    _between("message_retention_duration", retention.seconds, RETENTIONS)


def _complete_retry(config: Proto) -> None:
    if not config.HasField("retry_policy"):
        return
    policy = config.retry_policy
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = DEFAULT_BACKOFFS[0]
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = DEFAULT_BACKOFFS[1]
    low, high = backoffs(config)
    _between("retry_policy.minimum_backoff", low, (0, MAX_BACKOFF))
    _between("retry_policy.maximum_backoff", high, (0, MAX_BACKOFF))
    if high < low:
        raise invalid(f"retry_policy.maximum_backoff: must be at least minimum_backoff ({low:g} s), got {high:g} s")


def _complete_dead_letter(config: Proto) -> None:
    if not config.HasField("dead_letter_policy"):
        return
    policy = config.dead_letter_policy
    names.check(policy.dead_letter_topic, "topics")
    policy.max_delivery_attempts = policy.max_delivery_attempts or DEFAULT_ATTEMPTS
    if not ATTEMPTS[0] <= policy.max_delivery_attempts <= ATTEMPTS[1]:
        raise RefusalError(
            grpc.StatusCode.OUT_OF_RANGE,
            f"dead_letter_policy.max_delivery_attempts: must be {ATTEMPTS[0]} to {ATTEMPTS[1]}, "
            f"got {policy.max_delivery_attempts}",
        )


def _complete_delivery(config: Proto) -> None:
    if config.push_config.push_endpoint and config.bigquery_config.table:
        raise invalid("push_config: must be empty where there is a bigquery_config")
    if config.bigquery_config.table:
        _check_table(config.bigquery_config)
        config.bigquery_config.state = config.bigquery_config.ACTIVE
    else:
        config.ClearField("bigquery_config")
    if config.enable_exactly_once_delivery and (config.push_config.push_endpoint or config.bigquery_config.table):
        raise invalid("enable_exactly_once_delivery: must be off where the subscription is not pulled from")
    _check_push(config.push_config)
    config.push_config.SetInParent()
    config.state = config.ACTIVE


def _check_push(push: Proto) -> None:
    if push.HasField("no_wrapper"):
        raise unimplemented("push_config.no_wrapper: this server sends wrapped messages only")
    url = urlsplit(push.push_endpoint)
    if push.push_endpoint and not (url.scheme in {"http", "https"} and url.netloc):
        raise invalid(f"push_config.push_endpoint: must be an http or https URL, got {push.push_endpoint!r}")


def _check_table(bigquery: Proto) -> None:
    if bigquery.use_topic_schema:
        raise unimplemented("bigquery_config.use_topic_schema: this server has no schemas; use_table_schema works")
    parts = bigquery.table.replace(":", ".", 1).split(".")
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - project, dataset, table
        raise invalid(f"bigquery_config.table: must be PROJECT.DATASET.TABLE, got {bigquery.table!r}")


def backoffs(config: Proto) -> tuple[float, float]:
    """The least and the greatest delay before a message is delivered again, in seconds."""
    policy = config.retry_policy
    return policy.minimum_backoff.ToTimedelta().total_seconds(), policy.maximum_backoff.ToTimedelta().total_seconds()

"""A plan as people read it: what there would be, by what it is for, and who may do what."""

import json
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Resource = Mapping[str, Any]
"""A resource of a plan, as Terraform's JSON has it."""

WIDTH: Final = 118
_GROUPS: Final = {
    "Functions": ("cloudfunctions2_function", "cloud_run_v2_service", "cloud_scheduler_job", "storage_bucket_object"),
    "Messages": ("pubsub_topic", "pubsub_subscription", "logging_project_sink"),
    "Data": (
        "bigquery_dataset",
        "bigquery_table",
        "firestore_database",
        "firestore_field",
        "firestore_index",
        "storage_bucket",
    ),
    "Alerts": (
        "monitoring_alert_policy",
        "monitoring_notification_channel",
        "monitoring_service",
        "monitoring_slo",
        "monitoring_uptime_check_config",
    ),
    "Dashboards": ("monitoring_dashboard",),
    "Accounts and secrets": ("service_account", "secret_manager_secret", "project_iam_custom_role"),
}
_NAMING: Final = (
    "name",
    "account_id",
    "display_name",
    "secret_id",
    "repository_id",
    "dataset_id",
    "service",
    "role_id",
)
_PLACES: Final = (
    "topic",
    "subscription",
    "table_id",
    "secret_id",
    "bucket",
    "repository",
    "name",
    "service_account_id",
)
_AGENTS: Final = {
    "gcp-sa-pubsub": "Pub/Sub itself",
    "gcp-sa-monitoring-notification": "Cloud Monitoring itself",
}
_WRITER: Final = "Cloud Logging itself, for the sink"


def kind(resource: Resource) -> str:
    """The type of a resource without the provider."""
    text: str = resource["type"]
    return text.removeprefix("google_")


def report(resources: Iterable[Resource]) -> str:
    """The resources by group and type, and who is granted what."""
    types: dict[str, list[Resource]] = defaultdict(list)
    grants: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        if "_iam_member" in kind(resource):
            grants[_member(resource)].append(resource)
        else:
            types[kind(resource)].append(resource)
    grouped = {name for names in _GROUPS.values() for name in names}
    groups = _GROUPS | {"The rest": tuple(sorted(set(types) - grouped))}
    lines = [line for title, names in groups.items() for line in _group(title, {name: types[name] for name in names})]
    total, granted = sum(map(len, types.values())), sum(map(len, grants.values()))
    lines += [f"Who may do what ({granted})", *(line for member in sorted(grants) for line in _granted(member, grants))]
    return "\n".join([*lines, "", f"{total + granted} resources: {total} things and {granted} grants"])


def _group(title: str, types: Mapping[str, list[Resource]]) -> Iterator[str]:
    yield f"{title} ({sum(map(len, types.values()))})"
    for name, members in types.items():
        if members:
            yield f"  {name.replace('_', ' ')} ({len(members)})"
            told = sorted(_DETAILS.get(name, _name)(member) for member in members)
            yield from (f"    {one}" for one in told) if name in _DETAILS else _wrapped(told, "    ")
    yield ""


def _granted(member: str, grants: Mapping[str, list[Resource]]) -> Iterator[str]:
    yield f"  {member}"
    places: dict[str, set[str]] = defaultdict(set)
    for grant in grants[member]:
        places[grant["change"]["after"].get("role") or "a role of its own (docs/actions.md)"].add(_place(grant))
    for role in sorted(places):
        yield from textwrap.wrap(
            f"{role} on {', '.join(sorted(places[role]))}",
            WIDTH,
            initial_indent="    ",
            subsequent_indent="      ",
            **_WHOLE,
        )


def _wrapped(names: Iterable[str], indent: str) -> list[str]:
    return textwrap.wrap(", ".join(names), WIDTH, initial_indent=indent, subsequent_indent=indent, **_WHOLE)


_WHOLE: Final[dict[str, Any]] = {"break_on_hyphens": False, "break_long_words": False}


def _member(resource: Resource) -> str:
    """Whom a grant is to."""
    member = str(resource["change"]["after"].get("member") or _WRITER).rpartition(":")[2]
    domain = member.rpartition("@")[2].partition(".")[0]
    return f"{_AGENTS[domain]} ({member})" if domain in _AGENTS else member


def _function(resource: Resource) -> str:
    after = resource["change"]["after"]["service_config"][0]
    instances = f"{after['min_instance_count']} to {after['max_instance_count']} instances"
    reached = after["ingress_settings"].removeprefix("ALLOW_").lower().replace("_", " ")
    return f"{_name(resource)}: {after['available_memory']}, {instances}, {after['timeout_seconds']} s, reached from {reached}"


def _service(resource: Resource) -> str:
    after = resource["change"]["after"]
    [template] = after["template"]
    [scaling], [container] = template["scaling"], template["containers"]
    [limits] = (one["limits"] for one in container["resources"])
    instances = f"{scaling['min_instance_count']} to {scaling['max_instance_count']} instances"
    reached = after["ingress"].removeprefix("INGRESS_TRAFFIC_").lower().replace("_", " ")
    seconds = template["timeout"].removesuffix("s")
    return f"{_name(resource)}: {limits['memory']}, {instances}, {seconds} s, reached from {reached}"


def _job(resource: Resource) -> str:
    return f"{_name(resource)}: {resource['change']['after']['schedule']}"


def _subscription(resource: Resource) -> str:
    after = resource["change"]["after"]
    table = [f"writes {config['table'].partition('.')[2]}" for config in after["bigquery_config"] or []]
    does = table or ["calls its function" if after["push_config"] else "keeps what failed"]
    wanted = [after["filter"]] if after.get("filter") else []
    return f"{_name(resource)}: {', '.join([*does, *wanted])}"


_DETAILS: Final = {
    "cloudfunctions2_function": _function,
    "cloud_run_v2_service": _service,
    "cloud_scheduler_job": _job,
    "pubsub_subscription": _subscription,
}


def _name(resource: Resource) -> str:
    after = resource["change"]["after"]
    if kind(resource) == "firestore_field":
        return f"{after['collection']}.{after['field']}"
    if kind(resource) == "firestore_index":
        return ", ".join((after["collection"], *(field["field_path"] for field in after["fields"])))
    if kind(resource) == "bigquery_table":
        return f"{after['dataset_id']}.{after['table_id']}"
    if kind(resource) == "monitoring_alert_policy":
        return str(after["display_name"])
    if kind(resource) == "monitoring_dashboard":
        return str(json.loads(after["dashboard_json"])["displayName"])
    return next((str(after[key]) for key in _NAMING if after.get(key)), resource["address"])


def _place(resource: Resource) -> str:
    """What is granted on: its name, or its key where the name is not known before it exists."""
    after = resource["change"]["after"]
    if kind(resource) == "project_iam_member":
        limited = [condition["title"] for condition in after["condition"]]
        return f"the project ({limited[0]})" if limited else "the project"
    if kind(resource) == "bigquery_table_iam_member":
        return f"{after['dataset_id']}.{after['table_id']}"
    known = next((str(after[key]) for key in _PLACES if after.get(key)), "")
    return known.rpartition("/")[2] or str(resource.get("index", resource["address"]))

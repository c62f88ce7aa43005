"""Names of resources: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names."""

import re

from infra.local.pubsub.rpc import invalid

DELETED_TOPIC = "_deleted-topic_"
"""The topic of a subscription whose topic was deleted."""

_PROJECT = re.compile(r"projects/[a-z0-9.:-]+")
_RESOURCE = re.compile(
    r"projects/(?P<project>[a-z0-9.:-]+)/(?P<kind>topics|subscriptions|snapshots|schemas)/(?P<id>[A-Za-z][\w.~+%-]{2,254})",
    re.ASCII,
)


def check(name: str, kind: str) -> str:
    """The name, when it is one of that kind (`topics`, `subscriptions`, `snapshots` or `schemas`).

    Raises:
        RefusalError: it is none.
    """
    match = _RESOURCE.fullmatch(name)
    if not match or match["kind"] != kind or match["id"].startswith("goog"):
        raise invalid(
            f"name: must be projects/PROJECT/{kind}/ID with an ID of 3 to 255 letters, digits or -_.~+% that starts "
            f"with a letter and not with goog, got {name!r}"
        )
    return name


def check_project(name: str) -> str:
    """The name, when it is one of a project.

    Raises:
        RefusalError: it is none.
    """
    if not _PROJECT.fullmatch(name):
        raise invalid(f"project: must be projects/PROJECT, got {name!r}")
    return name


def short(name: str) -> str:
    """The last part of a name."""
    return name.rsplit("/", 1)[-1]


def project(name: str) -> str:
    """The project of a name."""
    return name.split("/")[1]


def labels(name: str) -> str:
    """Cloud Monitoring's labels of a subscription, in Prometheus' format."""
    return f'project_id="{project(name)}",subscription_id="{short(name)}"'

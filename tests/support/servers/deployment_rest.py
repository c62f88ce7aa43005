"""Cloud Storage, Cloud Monitoring, Cloud Functions, Cloud Run and Secret Manager on loopback over REST, as far as the check of the configuration asks them.

Policies and dashboards are kept as Google's own messages and written as those are: without what is zero, false or empty.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy
from google.cloud.run_v2 import Service
from google.protobuf import json_format

from tests.support.servers.google_rest import PAGE, PROJECT, Json, RefusedError, serve

RECORD = "shop-aia-sources/deployment.json"
PERMISSIONS = frozenset(
    {
        "storage.objects.get",
        "monitoring.alertPolicies.list",
        "monitoring.dashboards.list",
        "cloudfunctions.functions.list",
        "run.services.list",
        "secretmanager.versions.list",
    }
)


@dataclass
class Deployed:
    """What there is of a deployment.

    Attributes:
        url: where it listens.
        record: what the last apply left; None where there is none.
        policies: alert policies, as JSON.
        dashboards: the same.
        functions: the same.
        services: of Cloud Run, the same.
        versions: of each secret.
        permissions: that the caller has.
        broken: is answered to everything, where there is one: a status and a body.
        delay: seconds before each answer.
        asked: the methods and paths that were asked for.
    """

    url: str = ""
    record: Json | None = None
    policies: list[Json] = field(default_factory=list)
    dashboards: list[Json] = field(default_factory=list)
    functions: list[Json] = field(default_factory=list)
    services: list[Json] = field(default_factory=list)
    versions: dict[str, list[Json]] = field(default_factory=dict)
    permissions: set[str] = field(default_factory=lambda: set(PERMISSIONS))
    broken: tuple[int, bytes] | None = None
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, list[str]], _: Json) -> Json:
        self.asked.append(f"{method} {path}")
        of = f"/projects/{PROJECT}"
        if path == f"/storage/v1/b/{RECORD.replace('/', '/o/')}" and query.get("alt") == ["media"]:
            self._need("storage.objects.get")
            if self.record is None:
                raise RefusedError(404, "NOT_FOUND", f"No such object: {RECORD}")
            return self.record
        if path == f"/v3{of}/alertPolicies":
            self._need("monitoring.alertPolicies.list")
            return _page("alertPolicies", [_as_google(AlertPolicy, one) for one in self.policies], query)
        if path == f"/v1{of}/dashboards":
            self._need("monitoring.dashboards.list")
            return _page("dashboards", [_as_google(Dashboard, one) for one in self.dashboards], query)
        if path == f"/v2{of}/locations/europe-west1/functions":
            self._need("cloudfunctions.functions.list")
            return _page("functions", self.functions, query)
        if path == f"/v2{of}/locations/europe-west1/services":
            self._need("run.services.list")
            return _page("services", [_as_google(Service, one) for one in self.services], query)
        return self._versions(path, query)

    def _versions(self, path: str, query: dict[str, list[str]]) -> Json:
        self._need("secretmanager.versions.list")
        secret = path.removeprefix(f"/v1/projects/{PROJECT}/secrets/").removesuffix("/versions")
        if secret not in self.versions:
            raise RefusedError(404, "NOT_FOUND", f"Secret [{secret}] not found or has no versions.")
        return _page("versions", self.versions[secret], query)

    def _need(self, permission: str) -> None:
        if permission not in self.permissions:
            raise RefusedError(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource.")


def _as_google(kind: Any, given: Json) -> Json:
    made: Json = json_format.MessageToDict(json_format.ParseDict(given, kind.pb(kind())))
    return made


def _page(name: str, every: Sequence[Json], query: dict[str, list[str]]) -> Json:
    start = int(query.get("pageToken", ["0"])[0])
    page: Json = {name: list(every[start : start + PAGE])} if every else {}
    return page | ({"nextPageToken": str(start + PAGE)} if len(every) > start + PAGE else {})


@contextmanager
def deployed() -> Iterator[Deployed]:
    """The APIs on a free port."""
    running = Deployed()
    with serve(running) as running.url:
        yield running


def copied(record: Json) -> Json:
    """A copy that may be changed."""
    made: Json = json.loads(json.dumps(record))
    return made

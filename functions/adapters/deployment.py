"""What the last apply made, by the record that it left, and what there is now, by Google's APIs: only names, states and digests.

https://cloud.google.com/storage/docs/json_api/v1/objects/get
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies/list
https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards/list
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/list
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import msgspec

from core.maintenance.alert_policies import AlertPolicy
from core.maintenance.dashboards import Dashboard
from core.maintenance.deployed_functions import DeployedFunction
from core.maintenance.secrets import SecretVersion
from core.security.grants import Grant
from functions.adapters.deployed_functions import FunctionsPage, ServicesPage
from functions.adapters.deployed_policies import PolicyDocument, last
from functions.adapters.json_api import PATIENCE, JsonApi, authorized

if TYPE_CHECKING:
    import requests

STORAGE = "https://storage.googleapis.com"
MONITORING = "https://monitoring.googleapis.com"
FUNCTIONS = "https://cloudfunctions.googleapis.com"
RUN = "https://run.googleapis.com"
SECRETS = "https://secretmanager.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the last apply made.

    Attributes:
        settings: SHA-256 of the settings that Terraform read.
        accounts: members that the deployment creates.
        grants: on the project.
        secrets: ids of those that functions read.
        functions: as they were deployed.
        policies: as they were deployed.
        dashboards: as they were deployed.
    """

    settings: str
    accounts: frozenset[str]
    grants: frozenset[Grant]
    secrets: tuple[str, ...]
    functions: tuple[DeployedFunction, ...]
    policies: tuple[AlertPolicy, ...]
    dashboards: tuple[Dashboard, ...]


class _RecordDocument(msgspec.Struct):
    settings: str
    accounts: frozenset[str]
    grants: frozenset[Grant]
    secrets: tuple[str, ...]
    functions: tuple[DeployedFunction, ...]
    policies: tuple[PolicyDocument, ...]
    dashboards: tuple[Dashboard, ...]

    def record(self) -> Record:
        return Record(
            settings=self.settings,
            accounts=self.accounts,
            grants=self.grants,
            secrets=self.secrets,
            functions=self.functions,
            policies=tuple(one.policy() for one in self.policies),
            dashboards=tuple(Dashboard(id=last(one.id), content=one.content) for one in self.dashboards),
        )


class _Policies(msgspec.Struct, rename="camel"):
    alert_policies: tuple[PolicyDocument, ...] = ()
    next_page_token: str = ""


class _Dashboards(msgspec.Struct, rename="camel"):
    dashboards: tuple[dict[str, Any], ...] = ()
    next_page_token: str = ""


class _Version(msgspec.Struct, rename="camel"):
    name: Annotated[str, msgspec.Meta(pattern=r"/versions/\d+$")]
    create_time: Annotated[datetime, msgspec.Meta(tz=True)]
    state: str = ""

    def version(self) -> SecretVersion:
        return SecretVersion(number=int(last(self.name)), state=self.state, created_at=self.create_time)


class _Versions(msgspec.Struct, rename="camel"):
    versions: tuple[_Version, ...] = ()
    next_page_token: str = ""


class Deployment:
    """Reads the record of a deployment, and what there is of it.

    Each method raises `QueryError` where the API refuses (it is not enabled, or a permission is missing), and `UnavailableError` where
    it does not answer, is asked too often, or answers nonsense.

    Args:
        project: its id.
        location: of the functions.
        where: of the record, `BUCKET/OBJECT`.
        open_session: opens the HTTP session at the first request.
        urls: of the APIs, by Google's names; where nothing else is given, Google's own.
        patience: seconds that one request may take.
    """

    def __init__(
        self,
        project: str,
        location: str,
        where: str,
        open_session: Callable[[], "requests.Session"],
        *,
        urls: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        def api(name: str, url: str) -> JsonApi:
            return JsonApi(name, open_session, url=(urls or {}).get(name, url), patience=patience)

        self._project = project
        self._location = location
        self._where = where
        self._storage = api("Cloud Storage", STORAGE)
        self._monitoring = api("Cloud Monitoring", MONITORING)
        self._functions = api("Cloud Functions", FUNCTIONS)
        self._run = api("Cloud Run", RUN)
        self._secrets = api("Secret Manager", SECRETS)

    def record(self) -> Record:
        """What the last apply made."""
        bucket, _, name = self._where.partition("/")
        path = f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        return self._storage.get(path, _RecordDocument, {"alt": "media"}, of="the record of the deployment").record()

    def policies(self) -> list[AlertPolicy]:
        """The alert policies of the project."""
        pages = self._monitoring.pages(f"/v3/projects/{self._project}/alertPolicies", _Policies)
        return [one.policy() for page in pages for one in page.alert_policies]

    def dashboards(self) -> tuple[Dashboard, ...]:
        """The dashboards of the project."""
        pages = self._monitoring.pages(f"/v1/projects/{self._project}/dashboards", _Dashboards)
        return tuple(
            Dashboard(id=last(str(one.get("name", ""))), content=one) for page in pages for one in page.dashboards
        )

    def functions(self) -> list[DeployedFunction]:
        """The functions in the location, and the services of Cloud Run that are not a function's own."""
        where = f"/v2/projects/{self._project}/locations/{self._location}"
        functions = self._functions.pages(f"{where}/functions", FunctionsPage)
        services = self._run.pages(f"{where}/services", ServicesPage)
        found = {made.name: made for page in services for made in (one.function() for one in page.services)}
        found |= {made.name: made for page in functions for made in (one.function() for one in page.functions)}
        return list(found.values())

    def versions(self, secret: str) -> list[SecretVersion]:
        """The versions of a secret, without their values."""
        path = f"/v1/projects/{self._project}/secrets/{secret}/versions"
        return [one.version() for page in self._secrets.pages(path, _Versions) for one in page.versions]


def connect(project: str, location: str, where: str) -> Deployment:
    """Google's own APIs, with the credentials of the environment."""
    return Deployment(project, location, where, authorized)

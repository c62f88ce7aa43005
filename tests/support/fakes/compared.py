"""What the check of the configuration compares, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from core.maintenance.alert_policies import AlertPolicy
from core.maintenance.dashboards import Dashboard
from core.maintenance.deployed_functions import DeployedFunction
from core.maintenance.secrets import SecretVersion
from core.security.grants import Grant
from core.security.inventory import Binding, IamPolicy
from functions.adapters.deployment import Record
from functions.maintenance.compared import Compared, digest
from infra import stage

SETTINGS = stage.ROOT / "infra" / "monitoring.yaml"
ACCOUNT = "serviceAccount:fn-api@shop.iam.gserviceaccount.com"
GRANTED = IamPolicy(bindings=(Binding(role="roles/bigquery.jobUser", members=(ACCOUNT,)),))
"""The policy of a project in which the deployment is as it was made."""
T = TypeVar("T")


@dataclass
class MemoryDeployment:
    """A deployment, as the last apply made it; what differs since is set.

    Attributes:
        made: the record of the apply.
        policies_now: the alert policies that there are.
        dashboards_now: the dashboards.
        functions_now: the functions.
        secrets: the versions of each secret.
        error: why nothing answers.
    """

    made: Record
    policies_now: Sequence[AlertPolicy]
    dashboards_now: tuple[Dashboard, ...]
    functions_now: Sequence[DeployedFunction]
    secrets: Mapping[str, Sequence[SecretVersion]]
    error: Exception | None = None

    def _answer(self, value: T) -> T:
        if self.error:
            raise self.error
        return value

    def record(self) -> Record:
        return self._answer(self.made)

    def policies(self) -> Sequence[AlertPolicy]:
        return self._answer(self.policies_now)

    def dashboards(self) -> tuple[Dashboard, ...]:
        return self._answer(self.dashboards_now)

    def functions(self) -> Sequence[DeployedFunction]:
        return self._answer(self.functions_now)

    def versions(self, secret: str) -> Sequence[SecretVersion]:
        return self._answer(self.secrets[secret])


def as_deployed(at: datetime) -> MemoryDeployment:
    """A small deployment of an hour ago, in which nothing has changed since."""
    policy = AlertPolicy(id="1", title="models/Drift")
    board = Dashboard(id="2", content={"displayName": "Models"})
    function = DeployedFunction(name="api", archive="api-1.zip")
    version = SecretVersion(number=1, state="ENABLED", created_at=at - timedelta(hours=1))
    record = Record(
        settings=digest(SETTINGS),
        accounts=frozenset({ACCOUNT}),
        grants=frozenset({Grant(ACCOUNT, "roles/bigquery.jobUser")}),
        secrets=("aia-otlp-token",),
        functions=(function,),
        policies=(policy,),
        dashboards=(board,),
    )
    return MemoryDeployment(record, [policy], (board,), [function], {"aia-otlp-token": [version]})


def compared(deployment: MemoryDeployment | None = None) -> Compared:
    """What the check of the configuration compares; tables only, where nothing else is given."""
    return Compared(settings=SETTINGS, deployment=deployment)

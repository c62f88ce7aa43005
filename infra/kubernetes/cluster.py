"""What a deployment in a cluster is told: its image, its settings, its environment and its secrets."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import yaml

from infra.kubernetes import secrets
from infra.kubernetes.pods import GOOGLE_FOLDER, SETTINGS_FOLDER

PUBSUB, MONITORING, WAREHOUSE = "pubsub", "monitoring", "warehouse"
"""The workloads beside the functions."""
GRPC_PORT, REST_PORT, METRICS_PORT, WAREHOUSE_PORT = 8085, 8087, 9090, 9050
CREDENTIALS: Final = "credentials.json"
NO_ACCOUNT: Final = "/opt/no-account.json"
"""A throw-away account of the image, for the emulator."""
SECRET, STORE_SECRET, GOOGLE_SECRET = "aia-secrets", "aia-store", "aia-google"
SESSION: Final = "AIA_SESSION_TOKEN"
"""Who has it may act over the API; without it the API would let everybody act that reaches it."""
NOWHERE: Final = "127.0.0.1:9"
_OF_GOOGLE: Final = ("AIA_RUN_ENDPOINT", "AIA_IAM_ENDPOINT", "AIA_LOGGING_ENDPOINT", "AIA_VERTEX_ENDPOINT")


@dataclass(frozen=True)
class Cluster:
    """A deployment in a cluster.

    Attributes:
        image: of the functions.
        text: the settings, as `monitoring.yaml` has them.
        deployed: `infra/functions.yaml`.
        environment: values beside those of `known`, or in place of them.
        secrets: beside those that the settings name: tokens that functions read from their environment.
        emulator: whether the warehouse is BigQuery's emulator in the cluster; else it is BigQuery.
    """

    image: str
    text: str
    deployed: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    emulator: bool = False

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings, with what the environment stands for as it is written."""
        found: dict[str, Any] = yaml.load(self.text, Loader=yaml.CSafeLoader)
        return found

    @cached_property
    def known(self) -> dict[str, str]:
        """The environment of every workload, without secrets."""
        common = {
            "GOOGLE_CLOUD_PROJECT": "aia",
            "AIA_LOCATION": "cluster",
            "AIA_SETTINGS": f"{SETTINGS_FOLDER}/monitoring.yaml",
            "PUBSUB_EMULATOR_HOST": f"{PUBSUB}:{GRPC_PORT}",
            "AIA_MONITORING_ENDPOINT": f"{MONITORING}:{GRPC_PORT}",
            "AIA_PROMETHEUS_URL": "http://prometheus-operated.monitoring.svc:9090",
            "GOOGLE_APPLICATION_CREDENTIALS": NO_ACCOUNT if self.emulator else f"{GOOGLE_FOLDER}/{CREDENTIALS}",
            "AIA_API_URL": "https://aia.invalid",
            "AIA_COMMAND_INTAKE_URL": "https://aia-commands.invalid",
            "AIA_INBOX_URL": "https://inbox.invalid/",
            "AIA_PROBE_NETWORKS": "",
            "AIA_WAREHOUSE_ADDRESS": "bigquery.googleapis.com:443",
        }
        return common | (self._alone if self.emulator else {}) | dict(self.environment)

    @property
    def _alone(self) -> dict[str, str]:
        """Without Google there is nobody to train, and no service to restart: who asks is told that nobody answers."""
        address = f"{WAREHOUSE}:{WAREHOUSE_PORT}"
        own = {"BIGQUERY_EMULATOR_HOST": f"http://{address}", "AIA_WAREHOUSE_ADDRESS": address}
        return own | dict.fromkeys(_OF_GOOGLE, NOWHERE) | {"AIA_TRAINING_DISABLED": "1"}

    @cached_property
    def secret_names(self) -> frozenset[str]:
        """Every secret but the store's address: what the settings name and the environment does not have, and those that were given."""
        return self.secrets | (secrets.named(self.settings) - self.known.keys())

    def own_environment(self, function: str) -> list[dict[str, Any]]:
        """What one function has beside `known`: the store, the secrets that it reads, and placeholders for the others."""
        readers = secrets.readers(self.settings, self.secret_names)
        stand_ins = secrets.placeholders(self.settings, self.secret_names)
        own = {secret for secret, users in readers.items() if function in users}
        found = [_of_secret("AIA_STORE", STORE_SECRET, "url")]
        found += [_of_secret(SESSION, SECRET, SESSION)] if function == "api" else []
        found += [_of_secret(name, SECRET, name) for name in sorted(own)]
        return found + [{"name": name, "value": value} for name, value in stand_ins.items() if name not in own]

    @cached_property
    def settings_name(self) -> str:
        """The ConfigMap of the settings, named by what is in it: where they change, pods are replaced."""
        return f"aia-settings-{digest(self.text)}"


def digest(*values: object) -> str:
    """What changes when a value does; fit for a name."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


def _of_secret(variable: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}

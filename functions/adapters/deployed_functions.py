"""Functions as Cloud Functions lists them, and services as Cloud Run does.

https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions/list
https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services/list
"""

import hashlib

import msgspec

from core.maintenance.deployed_functions import ACTIVE, DeployedFunction
from functions.adapters.deployed_policies import last

SUCCEEDED = "CONDITION_SUCCEEDED"


class _Object(msgspec.Struct, frozen=True):
    object: str = ""


class _Source(msgspec.Struct, rename="camel", frozen=True):
    storage_source: _Object = _Object()


class _Build(msgspec.Struct, frozen=True):
    source: _Source = _Source()


class _Secret(msgspec.Struct):
    key: str
    secret: str
    version: str = ""


class _ServiceConfig(msgspec.Struct, rename="camel", frozen=True):
    environment_variables: dict[str, str] = {}
    secret_environment_variables: tuple[_Secret, ...] = ()


class _Function(msgspec.Struct, rename="camel"):
    name: str
    state: str = ""
    build_config: _Build = _Build()
    service_config: _ServiceConfig = _ServiceConfig()

    def function(self) -> DeployedFunction:
        return DeployedFunction(
            name=last(self.name),
            archive=self.build_config.source.storage_source.object,
            state=self.state,
            environment={name: digest(value) for name, value in self.service_config.environment_variables.items()},
            secrets={
                one.key: f"{last(one.secret)}:{one.version}" for one in self.service_config.secret_environment_variables
            },
        )


class FunctionsPage(msgspec.Struct, rename="camel"):
    """A page of functions of Cloud Functions."""

    functions: tuple[_Function, ...] = ()
    next_page_token: str = ""


class _Condition(msgspec.Struct, frozen=True):
    state: str = ""


class _ServiceBuild(msgspec.Struct, rename="camel", frozen=True):
    source_location: str = ""

    def object(self) -> str:
        """Of `gs://BUCKET/OBJECT`, which gcloud writes with the generation behind a hash."""
        return self.source_location.removeprefix("gs://").partition("/")[2].partition("#")[0]


class _Reference(msgspec.Struct):
    secret: str
    version: str = ""


class _ValueSource(msgspec.Struct, rename="camel"):
    secret_key_ref: _Reference | None = None


class _Variable(msgspec.Struct, rename="camel"):
    name: str
    value: str = ""
    value_source: _ValueSource | None = None

    def reference(self) -> _Reference | None:
        return self.value_source.secret_key_ref if self.value_source else None


class _Container(msgspec.Struct, frozen=True):
    env: tuple[_Variable, ...] = ()


class _Template(msgspec.Struct, frozen=True):
    containers: tuple[_Container, ...] = ()


class _Service(msgspec.Struct, rename="camel"):
    name: str
    terminal_condition: _Condition = _Condition()
    build_config: _ServiceBuild = _ServiceBuild()
    template: _Template = _Template()

    def function(self) -> DeployedFunction:
        state = self.terminal_condition.state
        variables = [one for container in self.template.containers[:1] for one in container.env]
        return DeployedFunction(
            name=last(self.name),
            archive=self.build_config.object(),
            state=ACTIVE if state == SUCCEEDED else state,
            environment={one.name: digest(one.value) for one in variables if one.value_source is None},
            secrets={one.name: f"{last(of.secret)}:{of.version}" for one in variables if (of := one.reference())},
        )


class ServicesPage(msgspec.Struct, rename="camel"):
    """A page of services of Cloud Run, those that Cloud Functions has made among them."""

    services: tuple[_Service, ...] = ()
    next_page_token: str = ""


def digest(value: str) -> str:
    """SHA-256 of a text, as Terraform's `sha256` spells it."""
    return hashlib.sha256(value.encode()).hexdigest()

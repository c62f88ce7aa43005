"""What the specification of a Vertex AI pipeline job says of its tasks: dependencies, inputs, machine and custom job.

The inputs are those of Vertex AI's own cache key: the component with its image, command and arguments, the values of parameters, and
artifacts, which are named by the task that made them, as if that one were taken from the cache as well.

References:
    Vertex AI, Configure execution caching; Specify the machine configuration for a pipeline step.
    Kubeflow Pipelines, pipeline_spec.proto.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.pipelines.execution import Execution
from functions.adapters.ports import Data

log = logging.getLogger(__name__)
DEFAULT_MACHINE = "e2-standard-4"
"""The machine type of a task that asks for no resources."""
_OF_THE_RUN = "{{$.pipeline_"
"""Begins what Vertex AI replaces by the name or the id of the job: no other run has the same."""
_DIGITS = 32


def executions(job: Any) -> Mapping[str, Execution]:  # noqa: ANN401 - Vertex AI's PipelineJob, which is not imported here
    """What is known of the tasks of a job by their names; nothing of tasks within conditions and loops, nor where a name is not unique."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - only who runs Vertex AI pays

    raw = type(job).pb(job)
    found = _Specification(MessageToDict(raw.pipeline_spec), MessageToDict(raw.runtime_config))
    details = job.job_detail.task_details
    jobs = {task.task_name: task.executor_detail.container_detail.main_job.rpartition("/")[2] for task in details}
    try:
        return found.executions(jobs)
    except (AttributeError, KeyError, TypeError) as error:
        log.warning("specification of %s not read: %s: %s", job.name, type(error).__name__, error)
        return {}


class _UnknownError(Exception):
    """An input that the specification does not determine."""


@dataclass(frozen=True)
class _Specification:
    spec: Data
    runtime: Data
    known: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def tasks(self) -> Data:
        tasks: Data = self.spec.get("root", {}).get("dag", {}).get("tasks", {})
        return tasks

    def name(self, key: str) -> str:
        return str(self.tasks.get(key, {}).get("taskInfo", {}).get("name") or key)

    def executions(self, jobs: Mapping[str, str]) -> Mapping[str, Execution]:
        names = Counter(map(self.name, self.tasks))
        return {
            name: self._execution(key, job=jobs.get(name, ""))
            for key in self.tasks
            if names[name := self.name(key)] == 1
        }

    def _execution(self, key: str, *, job: str) -> Execution:
        after = tuple(sorted(self.name(one) for one in self.tasks[key].get("dependentTasks", ())))
        machine = DEFAULT_MACHINE if job and not self._executor(key).get("container", {}).get("resources") else ""
        try:
            return Execution(after=after, inputs=self._fingerprint(key), machine=machine, job=job)
        except _UnknownError:
            return Execution(after=after, machine=machine, job=job)

    def _executor(self, key: str) -> Data:
        component = self.spec.get("components", {}).get(self.tasks[key].get("componentRef", {}).get("name"), {})
        executor: Data = (
            self.spec.get("deploymentSpec", {}).get("executors", {}).get(component.get("executorLabel"), {})
        )
        return executor

    def _fingerprint(self, key: str) -> str:
        if key not in self.known:
            self.known[key] = None  # a task that depends on itself
            self.known[key] = self._computed(key)
        if (found := self.known[key]) is None:
            raise _UnknownError
        return found

    def _computed(self, key: str) -> str:
        if key not in self.tasks or not (executor := self._executor(key)):
            raise _UnknownError
        given = self.tasks[key].get("inputs", {})
        container = {name: value for name, value in executor.get("container", {}).items() if name != "resources"}
        text = json.dumps(
            {
                "executor": executor | ({"container": container} if container else {}),
                "parameters": {name: self._value(one) for name, one in given.get("parameters", {}).items()},
                "artifacts": {name: self._made(one) for name, one in given.get("artifacts", {}).items()},
            },
            sort_keys=True,
        )
        if _OF_THE_RUN in text:
            raise _UnknownError
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

    def _value(self, given: Data) -> Any:  # noqa: ANN401 - JSON
        match given:
            case {"runtimeValue": {"constant": value}}:
                return value
            case {"componentInputParameter": name}:
                return self._parameter(name)
            case {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}:
                return [self._fingerprint(task), key]
            case _:
                raise _UnknownError

    def _parameter(self, name: str) -> Any:  # noqa: ANN401 - JSON
        given: Data = self.runtime.get("parameterValues", {})
        defined: Data = self.spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {}).get(name, {})
        if name not in given and "defaultValue" not in defined:
            raise _UnknownError
        return given[name] if name in given else defined["defaultValue"]

    def _made(self, given: Data) -> list[str]:
        match given:
            case {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}:
                return [self._fingerprint(task), key]
            case _:
                raise _UnknownError

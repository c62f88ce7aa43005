"""A template as it runs on this machine: it names its job as Vertex AI does, and installs nothing that is there."""

import re
import shlex
from importlib import metadata
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

_JOB = "{{$.pipeline_job_resource_name}}"
"""What Vertex AI replaces by the name of the job, and KFP's local runner does not (`dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER`)."""
_INSTALLED = re.compile(r"-m pip install (.*?)&&", re.DOTALL)
_RUN = '"$0" "$@"'
"""The end of the script that installs the packages of a component: it runs the component."""


def prepared(template: str, job: str) -> str:
    """The template of a job.

    Args:
        template: the compiled pipeline.
        job: the resource of the job, `projects/P/locations/L/pipelineJobs/ID`.
    """
    spec: dict[str, Any] = yaml.load(template.replace(_JOB, job), Loader=yaml.CSafeLoader)
    for executor in spec["deploymentSpec"]["executors"].values():
        command = executor.get("container", {}).get("command", [])
        if command[:2] == ["sh", "-c"] and command[2].rstrip().endswith(_RUN) and _has_all(command[2]):
            command[2] = _RUN
    return yaml.dump(spec, Dumper=yaml.CSafeDumper)


def _has_all(script: str) -> bool:
    """Whether every package that a script installs is there, in the version that it asks for: pip takes a second to say so."""
    given = [word for words in _INSTALLED.findall(script) for word in shlex.split(words) if not word.startswith("-")]
    try:
        return all(_is_there(Requirement(one)) for one in given)
    except InvalidRequirement:  # a path or an address
        return False


def _is_there(wanted: Requirement) -> bool:
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False

"""The packages of a component, as uv.lock pins them, each with all that it needs."""

from functools import cache

from packaging.requirements import Requirement

from infra.stage import exported

IMAGE = "python:3.11-slim"
"""The image of every component; its Python is that of the functions."""
_WHERE = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}
"""What the image answers to the markers of requirements, wherever a template is compiled."""


@cache
def packages(extra: str) -> list[str]:
    """The packages of an extra of pyproject.toml for the image, as in `numpy==2.4.1`.

    Raises:
        StageError: uv.lock does not have the extra.
    """
    found = map(Requirement, filter(None, exported(extra, "--no-hashes").splitlines()))
    return [f"{one.name}{one.specifier}" for one in found if one.marker is None or one.marker.evaluate(_WHERE)]

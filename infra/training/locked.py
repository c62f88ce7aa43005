"""The packages of a component, as uv.lock pins them, each with all that it needs."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement

from infra.stage import ROOT, StageError

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
        StageError: the lock does not have the extra.
    """
    command = [
        str(Path(sys.executable).with_name("uv")),
        "export",
        "--frozen",
        "--quiet",
        "--no-header",
        "--no-annotate",
    ]
    command += ["--no-hashes", "--no-emit-project", "--extra", extra]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise StageError(f"{extra}: its packages could not be read from uv.lock: {done.stderr.strip()}")
    found = map(Requirement, filter(None, done.stdout.splitlines()))
    return [f"{one.name}{one.specifier}" for one in found if one.marker is None or one.marker.evaluate(_WHERE)]

"""The templates that an address of Artifact Registry names: the packaged pipelines of this repository."""

import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.vertex.refusal import invalid
from infra.stage import ROOT

_ADDRESS = re.compile(
    r"https://[a-z0-9-]+-kfp\.pkg\.dev/[a-z0-9-]+/[a-z0-9-]+/(?P<name>[a-z0-9-]+)/(?P<version>sha256:[0-9a-f]{64}|[\w.-]+)"
)


@dataclass(frozen=True, slots=True)
class Template:
    """A packaged pipeline.

    Attributes:
        file: the compiled pipeline.
        version: its hash, `sha256:…`.
    """

    file: Path
    version: str

    @property
    def spec(self) -> dict[str, Any]:
        """The pipeline, as KFP specifies it."""
        found: dict[str, Any] = yaml.load(self.file.read_bytes(), Loader=yaml.CSafeLoader)
        return found

    def typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of parameters as their types have them: the API sends every number as a float."""
        inputs = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        whole = {name for name, one in inputs.items() if one["parameterType"] == "NUMBER_INTEGER"}
        return {name: int(value) if name in whole else value for name, value in values.items()}


class Templates:
    """The packaged pipelines, in a folder; they are packaged when one is first asked for.

    Args:
        folder: where they are packaged.
        known: templates by name, instead of the packaged ones.
    """

    def __init__(self, folder: Path, known: Mapping[str, Template] | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known = dict(known or {})

    def find(self, address: str) -> Template:
        """The template at an address: any tag is the packaged one, a hash must be its own.

        Raises:
            RefusalError: it is no address of Artifact Registry, or there is no such template.
        """
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise invalid(
                f"template_uri: must be https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/NAME/VERSION, got {address!r}"
            )
        known = self._packaged()
        found = known.get(match["name"])
        if found is None:
            raise invalid(f"template_uri: must name one of {sorted(known)}, got {match['name']!r}")
        if match["version"].startswith("sha256:") and match["version"] != found.version:
            raise invalid(f"template_uri: {match['name']} must be {found.version}, got {match['version']}")
        return found

    def _packaged(self) -> dict[str, Template]:
        with self._lock:
            if not self._known:
                command = [sys.executable, "-m", "infra.training", "--templates", str(self._folder)]
                done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
                lines = (line.rsplit(" ", 1) for line in done.stdout.splitlines())
                found = (Template(Path(path), version) for path, version in lines)
                self._known = {template.file.stem.rpartition("-")[0]: template for template in found}
            return self._known

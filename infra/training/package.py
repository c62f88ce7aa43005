"""Compiles the pipelines into templates: files that Vertex AI runs, named by their hash."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from infra.stage import ROOT

_RECORD = ".packaged"
"""In the folder of templates: the digest of what they were compiled from, and their names."""
_SOURCES = ("core", "functions/adapters", "infra/training")
_LOCK = ("pyproject.toml", "uv.lock")


def template(name: str) -> bytes:
    """The compiled pipeline of a name; the same sources and the same lock give the same bytes."""
    from kfp import compiler  # noqa: PLC0415 - takes a second, and nothing is compiled where nothing has changed

    from infra.training.archive import prefixed  # noqa: PLC0415 - as above
    from infra.training.pipelines import named  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(named(name), str(file))
        spec: dict[str, Any] = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    for executor in spec["deploymentSpec"]["executors"].values():
        command = executor.get("container", {}).get("command", [])  # an importer has no container
        if command[:1] == ["sh"]:  # a component of Python, whose source is the last word; images have what they need
            command[-1] = prefixed(command[-1])
    return yaml.dump(spec, Dumper=yaml.CSafeDumper, sort_keys=True, width=1 << 30).encode()


def digest(content: bytes) -> str:
    """The version of a template, as Artifact Registry names it: `sha256:…`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def package(into: Path) -> list[Path]:
    """The template of every pipeline in a folder, named by its hash; compiled where a source has changed since."""
    into.mkdir(parents=True, exist_ok=True)
    record = {"sources": _digest_of_sources()}
    try:
        known = json.loads((into / _RECORD).read_text())
        paths = [into / name for name in known.pop("templates")]
    except (OSError, ValueError, KeyError):
        known, paths = {}, []
    if known == record and all(path.is_file() for path in paths):
        return paths
    return _compiled(into, record)


def _compiled(into: Path, record: dict[str, Any]) -> list[Path]:
    from infra.training.pipelines import SCORERS, TRAINERS  # noqa: PLC0415 - imports KFP

    found = []
    for name in (*TRAINERS, *SCORERS):
        content = template(name)
        for old in into.glob(f"{name}-*.yaml"):
            old.unlink()
        path = into / f"{name}-{digest(content).removeprefix('sha256:')[:16]}.yaml"
        path.write_bytes(content)
        found.append(path)
    (into / _RECORD).write_text(json.dumps(record | {"templates": [path.name for path in found]}))
    return found


def _digest_of_sources() -> str:
    files = [
        path for folder in _SOURCES for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".py", ".sql"}
    ]
    whole = hashlib.sha256()
    for path in (*files, *(ROOT / name for name in _LOCK)):
        whole.update(f"{path.relative_to(ROOT)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()

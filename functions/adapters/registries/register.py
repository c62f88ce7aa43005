"""Registration of a version: in the registries of the settings, and as a row of `ops.model_versions`.

It needs neither a function nor its ports, so that the last step of a training pipeline calls it as well. Every step may
be repeated: a registry that has the version returns it, and the row is written once. A process that is killed between
two steps leaves a version that the next call completes; it is in use only when it becomes the champion.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.settings import MlflowRegistry, Registry
from core.versions import Version
from functions.adapters.ports import Warehouse
from functions.adapters.registries import record
from functions.adapters.registries.port import ModelRegistry

_FOLDER = Path(__file__).parent
KEEP_CHAMPION = (_FOLDER / "keep_champion.sql").read_text().rstrip()
WRITE_VERSION = (_FOLDER / "write_version.sql").read_text().rstrip()


def register(version: Version, settings: Registry | None, warehouse: Warehouse) -> Version:
    """Register a version; idempotent by its model and name.

    Args:
        version: of a training.
        settings: the section `registry`, or None where versions are in the warehouse only.
        warehouse: which has the table.

    Returns:
        The version, with the registries that have it.

    Raises:
        ActionError: a registry refuses it.
        QueryError: the warehouse refuses it.
        UnavailableError: a registry or the warehouse does not answer.
    """
    return register_in(version, open_registries(configured(settings)), warehouse)


def register_in(version: Version, registries: Sequence[ModelRegistry], warehouse: Warehouse) -> Version:
    """Register a version in these registries; otherwise as `register`."""
    entries = {registry.name: registry.register(version) for registry in registries}
    known = replace(version, registry=",".join(entries), registry_uri=" ".join(entry.uri for entry in entries.values()))
    write(known, warehouse)
    return known


def write(version: Version, warehouse: Warehouse) -> None:
    """Write the row of a version, unless it is there; the version in use before stays in use.

    Raises:
        QueryError: the warehouse refuses it.
        UnavailableError: the warehouse does not answer.
    """
    warehouse.query(KEEP_CHAMPION, model=version.model, version=version.version)
    warehouse.query(WRITE_VERSION, **record.row(version))


def configured(settings: Registry | None) -> Registry | None:
    """The registries of the settings; AIA_MLFLOW_URL names an MLflow server in the place of theirs."""
    url = os.environ.get("AIA_MLFLOW_URL", "")
    if not url:
        return settings
    return replace(settings or Registry(), mlflow=MlflowRegistry(url=url))


def open_registries(settings: Registry | None) -> list[ModelRegistry]:
    """The registries of the settings; the clients are imported where they are used."""
    found: list[ModelRegistry] = []
    if settings and settings.mlflow:
        from functions.adapters.registries.mlflow import MlflowModels  # noqa: PLC0415 - see above

        found.append(MlflowModels(settings.mlflow))
    if settings and settings.vertex:
        from functions.adapters.registries.vertex import VertexModels  # noqa: PLC0415 - Vertex AI's client takes a second

        found.append(VertexModels(settings.vertex))
    return found

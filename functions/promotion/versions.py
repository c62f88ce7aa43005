"""The versions of models as the warehouse has them: in use, before that, and newly registered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from functions.adapters.ports import Warehouse

_FOLDER = Path(__file__).parent
ENTRANTS = (_FOLDER / "entrants.sql").read_text().rstrip()
ARTIFACT = (_FOLDER / "version_artifact.sql").read_text().rstrip()
NAMES = (_FOLDER / "version_names.sql").read_text().rstrip()
REGISTERED = (_FOLDER / "registered_version.sql").read_text().rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVersions:
    """The versions of a model at an instant.

    Attributes:
        champion: the version in use.
        former: the version in use before it, or empty.
        entrant: the newest version, where it was registered after every version that ever had an alias; else empty.
        unseen_from: predictions from then on neither trained nor chose the entrant, and the champion answered; None where it
            is not known.
    """

    champion: str
    former: str = ""
    entrant: str = ""
    unseen_from: datetime | None = None


def known_versions(warehouse: Warehouse, models: Collection[str], at: datetime) -> dict[str, KnownVersions]:
    """The versions of models, by model; of one without any version nothing.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    rows = warehouse.query(ENTRANTS, models=sorted(models), at=at) if models else []
    return {
        row["model"]: KnownVersions(
            champion=row["champion"],
            former=row["former"] or "",
            entrant=row["entrant"] or "",
            unseen_from=row["unseen_from"],
        )
        for row in rows
    }


def artifact_uri(warehouse: Warehouse, model: str, version: str) -> str:
    """Where the model of a version is stored, or the empty text where it is not known; raises as `known_versions` does."""
    rows = warehouse.query(ARTIFACT, model=model, version=version)
    return str(rows[0]["artifact_uri"] or "") if rows else ""


def registry_names(warehouse: Warehouse, model: str, versions: Collection[str]) -> dict[str, str]:
    """The names of versions in the registries, by version, those of one version with spaces between; raises as `known_versions` does."""
    rows = warehouse.query(NAMES, model=model, versions=sorted(versions))
    return {row["version"]: row["registry_uri"] or "" for row in rows}


def is_registered(warehouse: Warehouse, model: str, version: str) -> bool:
    """Whether a model has a version; raises as `known_versions` does."""
    return bool(warehouse.query(REGISTERED, model=model, version=version))

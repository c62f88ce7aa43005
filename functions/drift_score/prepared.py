"""The reference of a version that is registered is learnt before the version is in use.

So the first tick after a switch finds its profile stored, as every later one, and what is wrong with the reference shows before the version
answers anybody.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from core.errors import AiaError
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Warehouse
from functions.drift_score.reference import Profiles, reference_of

NEWEST_VERSIONS = Path(__file__).with_name("newest_versions.sql").read_text().rstrip()
log = logging.getLogger(__name__)


def prepare(models: Sequence[Model], at: datetime, warehouse: Warehouse, profiles: Profiles) -> None:
    """Have the profiles of the newest versions of models, of those that are promoted; each is tried once by a process.

    Only these models have versions that are registered and not in use. What cannot be learnt is logged, and tried again when the
    version is in use: nothing depends on it before.

    Args:
        models: that were scored.
        at: the instant of the tick.
        warehouse: has the versions.
        profiles: of the references.
    """
    promoted = {model.name: model for model in models if model.promotion}
    if not promoted:
        return
    try:
        versions = warehouse.query(NEWEST_VERSIONS, models=sorted(promoted), at=at)
    except AiaError as error:
        log.warning("versions not read, whose references were to be prepared: %s", error)
        return
    for row in versions:
        try:
            profiles.prepare(reference_of(promoted[row["model"]], row, at))
        except AiaError as error:
            said = fields(model=row["model"], version=row["version"])
            log.warning("reference of %s not prepared: %s", row["model"], error, extra=said)

"""The settings of a model by what was inferred of its log, and of a log that goes on by those it has."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from core.onboarding import OnboardingError, Schedule
from core.settings.models import Task
from functions.cli.api import Json
from functions.cli.drift.text import several
from functions.cli.watch.log import ROW, TIME, Log, columns_of

_SEASONAL: Final = 14
"""Days of a reference from which on the hours of a week can be compared."""
_LONGEST_NAME: Final = 60
LABEL: Final = "label_of_row"
"""The column of labels as numbers or booleans."""
DATASET: Final = "telemetry"
PREFIX: Final = f"{DATASET}.watch_"
_STAMP: Final = "%Y%m%d%H%M%S"
"""How the name of a table ends: when it was made (UTC)."""
SCHEME: Final = "bq://"
"""How the address of a table of BigQuery begins, where a file might be."""


def name_of(source: str) -> str:
    """The name of a model by that of its file or table.

    >>> name_of("logs/Churn predictions_2024.csv.gz"), name_of("bq://my-project.shop.churn")
    ('churn-predictions-2024', 'churn')
    """
    stem = source.rpartition(".")[2] if source.startswith(SCHEME) else Path(source).name.partition(".")[0]
    return (
        re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-").lstrip("0123456789-")[:_LONGEST_NAME].strip("-") or "model"
    )


def settings_of(name: str, owner: str, log: Log, schedule: Schedule, *, now: datetime, follow: bool) -> Json:
    """What `ops.models` gets of a log that is new."""
    columns = columns_of(log.table.column_names)
    found: dict[str, Any] = {
        "name": name,
        "owner": owner,
        "table": f"{PREFIX}{name.replace('-', '_')}_{now:{_STAMP}}",
        "timestamp": TIME,
        "id": ROW,
        "score": columns[log.score],
        "features": {
            "numeric": [columns[one] for one in log.roles.numeric],
            "categorical": [columns[one] for one in log.roles.categorical],
        },
        "reference": {"days": schedule.days, "until": schedule.until.isoformat()},
        "window": _duration(schedule.window),
        "minimum_rows": schedule.minimum_rows,
    }
    if schedule.days >= _SEASONAL:
        found["drift"] = {"seasonal": True}
    if log.label_role:
        found["label"] = {"column": LABEL, "arrives_within": "1m"}
        found["task"] = (log.label_role.task or Task.BINARY).value
    return found if follow else found | {"until": end_of(log, now)}


def made_at(settings: Json) -> datetime:
    """When the table of a model was made, by its name.

    Raises:
        OnboardingError: `aia watch` did not make it.
    """
    try:
        if settings["table"].startswith(PREFIX):
            return datetime.strptime(settings["table"].rpartition("_")[2], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise OnboardingError(f"--name: must not be that of a model that has a table of its own, got {settings['name']!r}")


def end_of(log: Log, now: datetime) -> str:
    """The day at whose start a log has ended, at the latest today: no tick scores it."""
    return min(log.hours.last.date() + timedelta(days=1), now.date()).isoformat()


def continued(settings: Json, log: Log, *, now: datetime, follow: bool) -> Json:
    """The settings of a model whose log goes on: only its end moves.

    Raises:
        OnboardingError: the file lacks a column that the model has.
    """
    made_at(settings)
    known = set(columns_of(log.table.column_names).values())
    if missing := [name for name in _columns(settings) if name not in known]:
        raise OnboardingError(
            f"must have the columns of model {settings['name']!r}, lacks {several(missing)}; `aia watch --remove {settings['name']}` begins anew"
        )
    if ("label" in settings) != (log.label is not None):
        raise OnboardingError(f"--label: must be given as before of model {settings['name']!r}, or the model removed")
    rest = {key: value for key, value in settings.items() if key != "until"}
    return rest if follow else rest | {"until": max(end_of(log, now), settings.get("until", ""))}


def sources(settings: Mapping[str, Any], log: Log) -> dict[str, str]:
    """The column of the file for each column of the table: score and features."""
    by_column = {column: name for name, column in columns_of(log.table.column_names).items()}
    return {column: by_column[column] for column in _columns(settings)}


def _columns(settings: Mapping[str, Any]) -> list[str]:
    return [settings["score"], *settings["features"]["numeric"], *settings["features"]["categorical"]]


def _duration(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"

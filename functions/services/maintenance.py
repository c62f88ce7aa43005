"""Documents of upkeep: how far each task is. The function `maintenance` writes them, the API reads them."""

from datetime import datetime

import msgspec

from core.maintenance.backup import OWN
from core.maintenance.task import Progress
from functions.adapters.ports import Data, Store
from functions.adapters.store import update

TASK = "task:"
"""The beginning of the keys of tasks."""
ADVICE = "advice"
"""The key of the newest result of the task `optimisation`."""
RUNS = "ops.maintenance_runs"


def load(store: Store, task: str) -> Progress | None:
    """How far a task is; None before its first step."""
    document = store.get(OWN, TASK + task)
    return read_progress(document.data) if document else None


def save(store: Store, task: str, progress: Progress) -> None:
    """Record how far a task is; the caller is the only one who does the task."""
    data: Data = msgspec.to_builtins(progress, builtin_types=(datetime,))
    update(store, OWN, TASK + task, lambda _: data)


def read_progress(data: Data) -> Progress:
    """The progress in a document."""
    return msgspec.convert(data, Progress, builtin_types=(datetime,))

"""The task `optimisation`: advice with its numbers, as a document that the API shows, and a line of the run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from core.maintenance.advice import Advice, growing_tables, ignored_alarms, unused_metrics
from core.maintenance.backup import OWN
from core.metrics import CATALOGUE
from functions.adapters.store import update
from functions.maintenance.cleanup import retention
from functions.maintenance.outside import Outside
from functions.services.backups import manifests
from functions.services.maintenance import ADVICE
from functions.services.steps import Step

LOOKED_BACK = timedelta(days=30)
_ALARMS = Path(__file__).with_name("alarms.sql").read_text()


def steps(outside: Outside, due: datetime) -> Iterator[Step]:
    """One step: all is read anew each time."""
    yield Step("advice", partial(_advise, outside, due))


def _advise(outside: Outside, due: datetime) -> str:
    found = advice(outside, due)
    listed = [msgspec.to_builtins(one) for one in found]
    update(outside.store, OWN, ADVICE, lambda _: {"at": due, "advice": listed})
    counted = Counter(one.kind.value for one in found)
    return ", ".join(f"{kind.replace('_', ' ')}: {number}" for kind, number in sorted(counted.items())) or "no advice"


def advice(outside: Outside, due: datetime) -> Sequence[Advice]:
    """All advice at an instant."""
    rows = outside.warehouse.query(_ALARMS, since=due - LOOKED_BACK, until=due)
    backups = [one.manifest for one in manifests.read(outside.warehouse)]
    return [
        *unused_metrics(CATALOGUE, outside.texts().values()),
        *ignored_alarms(rows),
        *growing_tables(backups, retention(outside.settings.upkeep.retention)),
    ]

"""That trainings of a model are refused is a finding, which ends when one is started."""

from datetime import datetime
from functools import partial

from core.events import Finding, Severity, Status
from core.hysteresis import observe
from functions.adapters import conditions
from functions.adapters.ports import Bus, Data, Store
from functions.adapters.store import update

SOURCE = "retrain"
KIND = "retraining_refused"
RUNBOOK = f"models.md#{KIND}"


def tell(store: Store, bus: Bus, target: str, *, fault: str, at: datetime) -> None:
    """Count how a request fared, and publish what that changes.

    Args:
        store: remembers it.
        bus: takes the finding.
        target: `model/NAME`.
        fault: why it was refused, or empty where its training was started.
        at: of a refusal when it was asked, of a start when the training was created: so that what is refused first and
            started when it comes again has ended, and a refusal of a request that came late counts for nothing.
    """
    key = f"{target}:{KIND}"
    update(store, conditions.COLLECTION, key, partial(_count, target, fault, at))
    found = store.get(conditions.COLLECTION, key)
    if found is not None:
        conditions.publish(store, bus, found)


def _count(target: str, fault: str, at: datetime, data: Data | None) -> Data | None:
    before = conditions.read(data)
    after = observe(before, holds=bool(fault), at=at, fire_after=1, recover_after=1)
    if after is before:
        return None
    told = () if after.status is before.status else (_finding(target, fault, after.status, at),)
    return conditions.write(after, data, SOURCE, *told)


def _finding(target: str, fault: str, status: Status, at: datetime) -> Finding:
    return Finding(
        target=target,
        kind=KIND,
        status=status,
        severity=Severity.ERROR,
        observed_at=at,
        source=SOURCE,
        summary=f"its training is refused: {fault}" if fault else "a training was started",
        runbook=RUNBOOK,
    )

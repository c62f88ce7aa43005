"""What is told of a model: findings, and the state of the conditions that they are about."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Finding, Status
from core.hysteresis import observe
from core.settings import Model
from core.verdict import Verdict
from functions.adapters import conditions
from functions.adapters.ports import Bus, Data, Document, Store

SOURCE = "drift_score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A condition of a model that is watched: its kind, how patiently, and where the runbooks speak of it."""

    kind: str
    fire_after: int = 1
    recover_after: int = 1

    @property
    def runbook(self) -> str:
        """The section of the runbooks."""
        return f"models.md#{self.kind}"


def tell(store: Store, bus: Bus, model: Model, *, watch: Watch, verdict: Verdict, at: datetime) -> bool:
    """Count a verdict, and publish a finding while the condition holds and once when it no longer does.

    A tick that is not newer than the newest counted one changes nothing, but publishes what still waits.

    Returns:
        Whether the condition was observed and is firing; False where nothing is concluded.

    Raises:
        ConflictError: another tick of the model was counted in the meantime; the tick must come again.
        UnavailableError: the store or the bus does not answer.
    """
    if verdict.holds is None:
        return False
    key = f"{model.target}:{watch.kind}"
    found = store.get(conditions.COLLECTION, key)
    data = found.data if found else None
    before = conditions.read(data)
    after = observe(before, holds=verdict.holds, at=at, fire_after=watch.fire_after, recover_after=watch.recover_after)
    if after is not before:
        worth_telling = after.status is not before.status or (verdict.holds and after.status is Status.FIRING)
        told = (finding(model, watch, verdict, after.status, at),) if worth_telling else ()
        found = _save(store, found, key, conditions.write(after, data, SOURCE, *told))
    if found:
        conditions.publish(store, bus, found)
    return after.status is Status.FIRING


def finding(model: Model, watch: Watch, verdict: Verdict, status: Status, at: datetime) -> Finding:
    """The verdict as a finding."""
    return Finding(
        target=model.target,
        kind=watch.kind,
        status=status,
        severity=verdict.severity,
        observed_at=at,
        source=SOURCE,
        summary=verdict.summary,
        value=verdict.value,
        threshold=verdict.threshold,
        unit=verdict.unit,
        evidence=verdict.evidence,
        runbook=watch.runbook,
    )


def _save(store: Store, found: Document | None, key: str, data: Data) -> Document:
    if found is None:
        return store.create(conditions.COLLECTION, key, data)
    return store.replace(found, conditions.COLLECTION, data)

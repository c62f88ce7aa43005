"""What is told of a pipeline: findings, and the state of the conditions that they are about."""

from collections.abc import Mapping, Sequence
from functools import partial

from core.events import Finding, Status
from core.hysteresis import Condition
from core.pipelines.line import Line
from core.pipelines.verdict import Kind, Verdict, settle
from functions.adapters import conditions
from functions.adapters.ports import Bus, Data, Document, Store
from functions.adapters.store import every, update

SOURCE = "pipeline_monitor"
Known = Mapping[str, Document]
"""Conditions that are remembered, by their keys."""


def known(store: Store, line: Line) -> Known:
    """The conditions of one pipeline that are remembered."""
    found = (store.get(conditions.COLLECTION, key) for key in _keys(line))
    return {document.key: document for document in found if document}


def all_known(store: Store) -> Known:
    """The conditions of every pipeline that are remembered."""
    return {document.key: document for document in every(store, conditions.COLLECTION, where={"source": SOURCE})}


def tell(store: Store, line: Line, verdicts: Sequence[Verdict], remembered: Known) -> None:
    """Remember what is worth telling, with the findings to publish; most verdicts say nothing new, and write nothing.

    Args:
        store: where the conditions are.
        line: the pipeline.
        verdicts: what is concluded of it.
        remembered: its conditions as they were read.
    """
    for verdict in verdicts:
        key = f"{line.target}:{verdict.kind}"
        before = remembered.get(key)
        if _after(line, verdict, before.data if before else None) is not None:
            update(store, conditions.COLLECTION, key, partial(_after, line, verdict))


def forget(store: Store, line: Line, remembered: Known) -> bool:
    """Delete the conditions of a pipeline, but those that hold and those with findings that the bus does not have.

    Returns:
        Whether none is left.
    """
    mine = [remembered[key] for key in _keys(line) if key in remembered]
    over = [one for one in mine if one.data["status"] == Status.RESOLVED and not one.data["has_unsent"]]
    for document in over:
        store.delete(document, conditions.COLLECTION)
    return len(over) == len(mine)


def publish(store: Store, bus: Bus) -> None:
    """Publish every finding that the bus does not have yet, also those of deliveries before."""
    for document in every(store, conditions.COLLECTION, where={"source": SOURCE, "has_unsent": True}):
        conditions.publish(store, bus, document)


def _keys(line: Line) -> list[str]:
    return [f"{line.target}:{kind}" for kind in Kind]


def _after(line: Line, verdict: Verdict, data: Data | None) -> Data | None:
    before = conditions.read(data)
    after = settle(before, verdict)
    return None if after is before else conditions.write(after, data, SOURCE, _finding(line, verdict, after))


def _finding(line: Line, verdict: Verdict, condition: Condition) -> Finding:
    return Finding(
        target=line.target,
        kind=verdict.kind,
        status=condition.status,
        severity=verdict.severity,
        observed_at=verdict.at,
        source=SOURCE,
        summary=verdict.summary,
        value=verdict.value,
        threshold=verdict.threshold,
        unit=verdict.unit,
        evidence=dict(verdict.evidence) | {"reason": verdict.reason},
        runbook=f"pipelines.md#{verdict.kind}",
    )

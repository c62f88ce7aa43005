"""What is told of a pipeline: findings, and the state of the conditions that they are about."""

from collections.abc import Mapping, Sequence
from functools import partial

from core.events import Finding
from core.hysteresis import Condition
from core.pipelines.line import Line
from core.pipelines.verdict import Kind, Verdict, settle
from functions.adapters import conditions
from functions.adapters.ports import Bus, Data, Store
from functions.adapters.store import update

SOURCE = "pipeline_monitor"
_MOST = 10_000
"""Conditions that are read at once: more than a tick's pipelines can have."""


def known(store: Store, line: Line) -> dict[str, Data]:
    """The conditions of one pipeline that are remembered, by their keys."""
    found = (store.get(conditions.COLLECTION, f"{line.target}:{kind}") for kind in Kind)
    return {document.key: document.data for document in found if document}


def all_known(store: Store) -> dict[str, Data]:
    """The conditions of every pipeline that are remembered, by their keys."""
    found = store.find(conditions.COLLECTION, where={"source": SOURCE}, limit=_MOST)
    return {document.key: document.data for document in found}


def tell(store: Store, line: Line, verdicts: Sequence[Verdict], remembered: Mapping[str, Data]) -> None:
    """Remember what is worth telling, with the findings to publish; most verdicts say nothing new, and write nothing.

    Args:
        store: where the conditions are.
        line: the pipeline.
        verdicts: what is concluded of it.
        remembered: its conditions as they were read.
    """
    for verdict in verdicts:
        key = f"{line.target}:{verdict.kind}"
        if _after(line, verdict, remembered.get(key)) is not None:
            update(store, conditions.COLLECTION, key, partial(_after, line, verdict))


def publish(store: Store, bus: Bus) -> None:
    """Publish every finding that the bus does not have yet, also those of deliveries before."""
    for document in store.find(conditions.COLLECTION, where={"source": SOURCE, "has_unsent": True}):
        conditions.publish(store, bus, document)


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

"""What the warehouse has of one model that has drifted: scores, distributions, performance, costs and versions."""

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from core.actions.plan import ActionReason, Plan
from core.detection import Outcome
from core.events import Severity, Stage
from core.experiments import Decision, Evidence, Reason
from core.incidents.model import Change, IncidentReason, TimelineEntry
from core.instants import stamp
from core.promotion import Entrant, PromotionStage, begin
from core.retraining import start
from core.settings import Mode, Promotion
from core.settings.response import ActionName
from core.versions import AliasChange, AliasName, Metric, Version
from functions.adapters.ports import Data
from functions.adapters.registries import record
from functions.adapters.training.port import CLAIMS
from functions.promotion import looks
from functions.services.promotions import Record, record_data
from tests.support.builders import pages
from tests.support.builders.pages import MODEL, ApiFixture

DAY = timedelta(days=1)
AGE: Data = {
    "name": "age",
    "role": "feature",
    "drifted": True,
    "reason": "drift",
    "strength": 0.41,
    "threshold": 0.07,
    "edges": [20, 30, 40, 50],
    "reference": [10, 300, 400, 250, 40],
    "current": [2, 80, 150, 320, 148],
    "missing": [0, 35],
}
CITY: Data = {
    "name": "city",
    "role": "feature",
    "drifted": False,
    "reason": "no_change",
    "strength": 0.0,
    "threshold": 0.07,
    "categories": ["Oslo", "Rome", "<b>Bern</b>"],
    "reference": [500, 300, 150, 50],
    "current": [350, 210, 105, 35],
    "missing": [0, 0],
}
ROW_ID: Data = {"name": "row_id", "role": "feature", "left_out": "identifier"}


def distributions(end: datetime, **changed: object) -> Data:
    """The row of a window."""
    about: Data = {
        "version": "8",
        "mode": "exact",
        "n_reference": 1000,
        "n_current": 735,
        "outcome": "bad",
        "summary": "churn: 1 of 2 features drifted; strongest age (0.41 sd up)",
        "segments": json.dumps({"by city": "80% of the drift of age comes from Oslo (50% of the rows)"}),
        "features": json.dumps([AGE, CITY, ROW_ID]),
        "window_start": end - DAY,
        "window_end": end,
    }
    return about | changed


def scores(end: datetime, *, drifted: bool = True) -> list[Data]:
    """The rows of the newest window, one a feature."""
    about: Data = {"model": MODEL.name, "version": "8", "test": "psi", "p_value": None, "n_reference": 1000}
    about |= {"n_current": 735, "window_start": end - DAY, "window_end": end, "day": end.date()}
    age = {"feature": "age", "value": 0.4, "drifted": drifted, "reason": "drift" if drifted else "no_change"}
    return [about | age, about | {"feature": "city", "value": 0.01, "drifted": False, "reason": "no_change"}]


def measured(end: datetime, value: float = 0.9, **changed: object) -> Data:
    """A row of the accuracy of a window."""
    row: Data = {"model": MODEL.name, "measure": "accuracy", "day": end.date(), "window_end": end, "value": value}
    row |= {"low": value - 0.02, "high": value + 0.02, "reference": 0.92, "n_labels": 640, "n_current": 735}
    return row | {"expected": None, "expected_low": None, "expected_high": None} | changed


def group(name: str | None, value: float, **ends: str) -> Data:
    """The accuracy of a group, or of none: the largest gap."""
    row: Data = {"model": MODEL.name, "segment": "city", "segment_value": name, "measure": "accuracy", "value": value}
    return row | {"low": value - 0.02, "high": value + 0.02, "n_rows": 300, "best": None, "worst": None} | ends


def version(name: str, created_at: datetime) -> Version:
    return Version(
        model=MODEL.name,
        version=name,
        reference_start=created_at - 40 * DAY,
        reference_end=created_at - 10 * DAY,
        created_at=created_at,
        metrics={"auc": Metric(value=0.75, low=0.73, high=0.77)},
        requested_by="finding:drift-1",
        run_id="train-churn-1",
        registry="mlflow",
        registry_uri="https://mlflow.example/models/churn/8",
    )


def training(at: datetime, reason: str, **result: object) -> Data:
    """A request to train the model, with its result where it has one."""
    row: Data = {
        "id": f"{MODEL.name}:{stamp(at)}",
        "requested_at": at,
        "reason": reason,
        "note": "",
        "model_version": "7",
    }
    row |= {
        "requested_by": f"finding:{MODEL.target}:drift:{stamp(at.replace(microsecond=0))}",
        "experiment": None,
        "n_rows": 4000,
    }
    empty = dict.fromkeys(("outcome", "version", "why", "metrics", "finished_at"))
    return row | empty | result


def trainings(now: datetime) -> list[Data]:
    """One of each outcome that a result or an alias tells, newest first; of the newest request nothing is known yet."""
    lower = "log loss lower by 0.021 (0.009 to 0.033) on 4,000 held-out rows"
    rows: list[Data] = [training(now - timedelta(hours=1), "person", requested_by="person:ann", note="new fares")]
    for days, version, why in (
        (2, "9", lower),
        (4, None, "log loss higher by 0.002 (-0.004 to 0.008)"),
        (7, "8", lower),
    ):
        end = now - days * DAY
        told = {"outcome": "trained" if version else "not better", "version": version, "why": why, "finished_at": end}
        rows.append(training(end - timedelta(hours=2), "drift", **told))
    rows[1]["experiment"] = f"{MODEL.name}:9:{now - DAY:%Y%m%dT%H%M%S}"
    return rows


def promotion(now: datetime) -> Data:
    """The document of a promotion that waits for its endpoint."""
    begun = begin(None, Entrant(model=MODEL.name, champion="8", version="9"), Promotion(), now - DAY).state
    step = replace(
        begun, stage=PromotionStage.STEP, share=5, why="version 9: better, advantage 0.02; 5% of the traffic"
    )
    return record_data(
        Record(state=step, waits="version 9 (projects/p/locations/l/models/churn@9) has no replica on the endpoint")
    )


def looks_at(now: datetime) -> list[Data]:
    """Two looks at its experiment, newest first."""
    begun = begin(None, Entrant(model=MODEL.name, champion="8", version="9"), Promotion(), now - DAY).state
    measure = Evidence(
        outcome=Outcome.GOOD, n=2000, advantage=0.02, low=0.004, high=0.036, log_e_above=5, log_e_below=-1
    )
    found = Decision(reason=Reason.BETTER, n=2000, measure=measure, guard_rails={}, blocking=(), sample_ratio_p=1.0)
    return [looks.row(begun, Mode.SHADOW, now - hours * timedelta(hours=1), found, None) for hours in (2, 3)]


def alias_row(change: AliasChange) -> Data:
    """The row that the statement about the changes of a model answers, which was asked for that model."""
    return {key: value for key, value in asdict(change).items() if key != "model"}


def answers(now: datetime) -> dict[str, list[Data]]:
    """The answers of a warehouse, by words in statements: a model that was promoted five days ago and has drifted since."""
    days = [now - back * DAY for back in range(9, -1, -1)]
    promoted = AliasChange(
        model=MODEL.name,
        alias=AliasName.CHAMPION,
        version="8",
        changed_at=now - 5 * DAY,
        changed_by="person:ann",
        why="better",
    )
    challenger = replace(promoted, alias=AliasName.CHALLENGER, version="9", share=5, stage="step", changed_at=now - DAY)
    used = [{"version": "7", "in_use_from": now - 90 * DAY}, {"version": "8", "in_use_from": now - 5 * DAY}]
    return {
        "retraining_requests": trainings(now),
        "experiment_looks": looks_at(now),
        "window_distributions": [distributions(now)],
        "model_costs_daily": [{"day": day.date(), "dollars": 12.5} for day in days[:-1]],
        "SELECT version\nFROM ops.model_versions_in_use\nWHERE": [{"version": "8"}],
        "model_versions_in_use": used,
        "model_aliases": [alias_row(challenger), alias_row(promoted)],
        "model_versions": [record.row(version(name, now - age * DAY)) for name, age in (("9", 1), ("8", 6), ("7", 90))],
        "model_group_performance": [
            group("Oslo", 0.8),
            group("Rome", 0.9),
            group(None, 0.1, best="Rome", worst="Oslo"),
        ],
        "model_performance": [measured(day, 0.9 - 0.01 * place) for place, day in enumerate(days)],
        "DATE": [row for place, day in enumerate(days) for row in scores(day, drifted=place > 5)],
        "drift_scores": scores(now),
    }


def trained_for_incident(office: ApiFixture, now: datetime, *, by_action: bool = True) -> str:
    """An incident that asked for the newest training that has a version, by an action or by its finding; the id of the incident."""
    office.store.create(CLAIMS, MODEL.name, {"request": "", "at": now, "told": True, "started": [now - 2 * DAY]})
    asked = pages.request("model-churn-drift", ActionName.RETRAIN_MODEL.value, MODEL.target, now - 3 * DAY)
    run_id = start.run_id(trainings(now)[1]["id"])
    plan = Plan(summary="a new version", state={"run_id": run_id} if by_action else {})
    failed = replace(pages.dry(asked, plan, now), request=asked, stage=Stage.FAILED, reason=ActionReason.UNHEALTHY)
    office.case(failed)
    drift = pages.condition(MODEL.target, "drift", Severity.ERROR, now, "churn: 1 of 2 features drifted")
    entries = [
        TimelineEntry(
            sequence=number,
            at=now - days * DAY,
            change=Change.OPENED if number == 1 else Change.UPDATED,
            reason=reason,
            summary=summary,
            finding_id=f"{asked.id}:{number}" if reason is IncidentReason.ACTION else drift.finding_id,
        )
        for number, days, reason, summary in (
            (1, 3, IncidentReason.FIRST_FIRING, "churn: 1 of 2 features drifted"),
            (2, 2.5, IncidentReason.ACTION, "retrain_model requested"),
            (3, 0.5, IncidentReason.STILL_FIRING, "churn: 1 of 2 features drifted"),
        )
    ]
    office.keep(pages.incident(asked.incident_id, [drift], now - 3 * DAY, timeline=tuple(entries)))
    return asked.incident_id

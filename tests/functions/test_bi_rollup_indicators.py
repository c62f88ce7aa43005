"""Indicators of bi_rollup from incidents, probes, models, pipelines and browsers, and the ROI."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.cloud import bigquery

from core.events import RunStatus, Severity, stamp
from core.incidents.impact import loss_within
from core.incidents.model import Impact, Incident, State
from core.pipelines.health import health
from core.pipelines.state import PipelineState
from core.settings import Business, Cost, Dependency, Revenue, Settings
from functions.adapters.pipelines import pipeline_data
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup import incidents, satisfaction
from functions.bi_rollup.registry import ROLLUPS
from tests.support.builders.business import DAY, HOUR, ORDERS, TICK, World, order, world
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import load
from tests.support.builders.runs import AT, line_of, whole

pytest_plugins = ["tests.support.servers.warehouse"]
DUE = TICK.replace(minute=0)
IMPACT = Impact(dollars_per_hour=100.0, low=80.0, high=120.0, targets=("model/delay",), reason="")


@pytest.fixture
def served(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    found = world(client, warehouse, tmp_path, [job for job in ROLLUPS if job.name in ("roi", "satisfaction")])
    found.settings = Settings(
        jobs={},
        models=(MODEL,),
        dependencies=(Dependency(target="stream/s", needs="model/delay", share=0.5),),
        revenue={"model/delay": Revenue(dollars_per_hour=100), "stream/s": Revenue(dollars_per_hour=40)},
        business=Business(costs={"serving": Cost(dollars_per_hour=50)}),
    )
    return found


def incident(**changed: Any) -> Incident:
    opened = changed.pop("opened_at", DUE - 10 * HOUR)
    fields: dict[str, Any] = {
        "id": "i",
        "target": "model/delay",
        "title": "",
        "state": State.OPEN,
        "severity": Severity.ERROR,
        "category": "drift",
        "impact": IMPACT,
    }
    return Incident(opened_at=opened, **fields | changed)


def keep(found: World, one: Incident) -> None:
    data: dict[str, Any] = msgspec.to_builtins(one, builtin_types=(type(DUE),))
    over_on = one.resolved_at.date().isoformat() if one.resolved_at else ""
    found.store.create("incidents", one.id, data | {"conditions": [], "open": not over_on, "over_on": over_on})


def score(found: World, group: str) -> float:
    value = found.value("aia_stakeholder_satisfaction_ratio", group)
    assert value is not None
    return value


def test_attributed_revenue_is_reduced_by_incident_costs(served: World) -> None:
    keep(served, incident())
    keep(served, incident(id="none", cancelled=True))
    keep(served, incident(id="part", merged_into="i"))
    keep(served, incident(id="elsewhere", target="stream/other", impact=_elsewhere()))
    served.tick()
    assert served.value("aia_attributed_revenue_dollars", "model") == 72_000.0
    assert served.value("aia_attributed_revenue_dollars", "stream") == 14_400.0
    assert served.value("aia_attributed_revenue_dollars", "incidents") == -1000.0
    assert served.value("aia_cost_dollars", "serving") == 36_000.0
    assert served.value("aia_roi_ratio") == pytest.approx((86_400 - 1000 - 36_000) / 36_000)


def _elsewhere() -> Impact:
    return Impact(dollars_per_hour=900.0, low=0.0, high=900.0, targets=("stream/other",), reason="")


def test_overlapping_incidents_cost_the_attributed_share_once(served: World) -> None:
    served.settings = Settings(
        jobs={},
        models=(MODEL,),
        dependencies=(Dependency(target="stream/s", needs="model/delay", share=0.1),),
        revenue={"stream/s": Revenue(dollars_per_hour=1000)},
        business=Business(costs={"serving": Cost(dollars_per_hour=50)}),
    )
    whole_stream = Impact(dollars_per_hour=1000.0, low=800.0, high=1200.0, targets=("stream/s",), reason="")
    for name in ("one", "two"):
        keep(served, incident(id=name, target="stream/s", impact=whole_stream, opened_at=DUE - 10 * DAY))
    served.tick()
    assert served.value("aia_attributed_revenue_dollars", "incidents") == pytest.approx(-24_000.0)
    assert served.value("aia_roi_ratio") == pytest.approx((72_000 - 24_000 - 36_000) / 36_000)


def test_an_incident_also_costs_dependents_that_its_impact_does_not_name(served: World) -> None:
    others = Impact(dollars_per_hour=500.0, low=0.0, high=500.0, targets=("page/a", "page/b"), reason="")
    keep(served, incident(impact=others))
    served.tick()
    assert served.value("aia_attributed_revenue_dollars", "incidents") == pytest.approx(-10 * (100 + 20))


def test_a_mitigated_incident_has_no_further_cost() -> None:
    one = incident(opened_at=DUE - 40 * DAY, mitigated_at=DUE - 39 * DAY)
    assert loss_within(one, DUE - 30 * DAY, DUE).dollars == 0.0
    assert loss_within(one, DUE - 40 * DAY, DUE).dollars == pytest.approx(2400)


@pytest.mark.parametrize("business", [Business(), Business(orders=replace(ORDERS, customer=None))])
def test_indicators_of_disabled_rollups_are_ignored(served: World, business: Business) -> None:
    served.jobs = [job for job in ROLLUPS if job.name in ("customers", "satisfaction")]
    served.settings = replace(served.settings, business=Business(orders=ORDERS))
    served.order(order(1, DUE - 3 * DAY))
    served.tick()
    served.tick(TICK + HOUR)
    assert score(served, "executive") == 1.0
    served.settings = replace(served.settings, business=business)
    served.tick(TICK + 10 * DAY)
    assert score(served, "executive") == 1.0


def test_of_an_incident_that_began_before_only_its_part_within_counts() -> None:
    old = incident(opened_at=DUE - 60 * DAY, resolved_at=DUE - 20 * DAY, state=State.RESOLVED)
    assert loss_within(old, DUE - 30 * DAY, DUE).dollars == pytest.approx(100 * 24 * 10)
    assert loss_within(old, DUE - 10 * DAY, DUE).dollars == 0.0


def test_an_incident_that_cannot_be_read_is_left_out(served: World) -> None:
    keep(served, incident())
    served.store.create("incidents", "broken", {"id": "broken", "open": True, "over_on": "", "conditions": []})
    assert [one.id for one in incidents.read(served.store, DUE - DAY, DUE)] == ["i"]


def test_who_answers_fast_is_served_better(served: World) -> None:
    over = incident(
        acknowledged_at=DUE - 10 * HOUR + timedelta(minutes=3), resolved_at=DUE - 9 * HOUR, state=State.RESOLVED
    )
    keep(served, over)
    served.tick()
    good = score(served, "operations")
    keep(served, incident(id="ignored"))
    called = {
        "type": "incident_change",
        "version": 1,
        "incident_id": "ignored",
        "sequence": 2,
        "change": "updated",
        "state": "open",
        "severity": "error",
        "target": "model/delay",
        "title": "",
        "reason": "not_acknowledged",
    }
    rows = [called | {"id": f"ignored:{n}", "at": stamp(DUE - n * HOUR)} for n in range(40)]
    load(served.client, "ops.incident_changes", rows + rows)
    served.tick(TICK + HOUR)
    assert score(served, "operations") < good / 2


def test_probes_that_fail_are_counted_while_they_are_checked(served: World) -> None:
    for name, share, ago in (("up", 1.0, timedelta(0)), ("down", 0.9, timedelta(0)), ("gone", 0.0, DAY)):
        served.store.create("probes", name, {"name": name, "availability": share, "checked_at": DUE - ago})
    served.tick()
    low = score(served, "operations")
    [down] = [one for one in served.store.find("probes") if one.key == "down"]
    served.store.replace(down, "probes", down.data | {"availability": 1.0, "checked_at": DUE + HOUR})
    [up] = [one for one in served.store.find("probes") if one.key == "up"]
    served.store.replace(up, "probes", up.data | {"checked_at": DUE + HOUR})
    served.tick(TICK + HOUR)
    assert low < score(served, "operations") == 1.0


def test_nothing_known_is_no_score(served: World) -> None:
    served.tick()
    assert served.value("aia_stakeholder_satisfaction_ratio", "technical") is None
    assert served.value("aia_stakeholder_satisfaction_ratio", "executive") is not None  # money is known


def test_a_model_that_drifts_and_is_below_its_floor_is_told(served: World) -> None:
    scored = {
        "model": "delay",
        "role": "feature",
        "feature": "distance",
        "test": "ks",
        "drifted": True,
        "mode": "exact",
        "n_reference": 100,
        "n_current": 100,
        "window_start": stamp(DUE - DAY),
        "window_end": stamp(DUE - HOUR),
        "scored_at": stamp(DUE - HOUR),
        "written_at": stamp(DUE - HOUR),
    }
    older = scored | {"drifted": False, "window_end": stamp(DUE - 2 * HOUR)}
    measured = {
        "model": "delay",
        "measure": "accuracy",
        "value": 0.7,
        "n_labels": 100,
        "n_current": 100,
        **{name: scored[name] for name in ("window_start", "window_end", "scored_at", "written_at")},
    }
    load(served.client, "ops.drift_scores_raw", [older, scored])
    load(served.client, "ops.model_performance_raw", [measured])
    served.tick()
    assert score(served, "technical") < 0.2


def test_a_pipeline_that_fails_is_told(served: World) -> None:
    line = line_of(whole(0) + whole(1) + whole(2, status=RunStatus.FAILED))
    served.store.create("pipelines", line.name, pipeline_data(line))
    served.store.create("pipelines", "new", pipeline_data(PipelineState(name="new")))
    served.store.create("pipelines", "spoilt", {"line": "{}"})
    due = AT + 3 * DAY
    assert satisfaction._of_pipelines(served.store, due) == {"pipeline_health_ratio": health(line, due).score}


def test_what_people_see_is_told_where_enough_of_them_report(served: World) -> None:
    one = {"observed_at": stamp(DUE - HOUR), "service": "shop", "session_id": "s", "device": "mobile"}
    loads = [one | {"event_id": f"l{n}", "kind": "load", "value": 2.0 + n} for n in range(5)]
    requests = [one | {"event_id": f"r{n}", "kind": "request", "failed": n == 0} for n in range(19)]
    load(served.client, "telemetry.experience", [*loads, *loads, *requests])
    assert satisfaction._of_experience(served.tables, DUE) == {"experience_load_seconds": 5.0}
    last = one | {"event_id": "r19", "kind": "request", "failed": False}
    load(served.client, "telemetry.experience", [last])
    assert satisfaction._of_experience(served.tables, DUE)["experience_error_ratio"] == 0.05

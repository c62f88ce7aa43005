"""What actions are worth, from the decisions in BigQuery and the incidents as the router stores them."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.cloud import bigquery

from core.events import ActionDecision, Change, Mode, Severity, Stage, Status
from core.incidents.model import GroupState, Incident, IncidentCondition, IncidentReason, State, TimelineEntry
from core.incidents.outbox import IncidentGroup
from core.settings import Settings
from core.settings.people import When
from core.settings.response import ActionName, Deed, Playbook
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup import actions
from functions.bi_rollup.registry import ROLLUPS
from functions.services.incidents.documents import INCIDENTS, incident_data
from tests.support.builders.business import DAY, HOUR, TICK, World, world
from tests.support.builders.flights import load

pytest_plugins = ["tests.support.servers.warehouse"]
DUE = actions.JOB.due(TICK)
START = DUE - 20 * DAY
MINUTE = timedelta(minutes=1)
RESTART = "restart_service"
PLAYBOOK = Playbook(
    name="shop",
    when=When(),
    do=(Deed(action=ActionName.RESTART_SERVICE), Deed(action=ActionName.SCALE_OUT)),
    mode=Mode.ACT,
)


@pytest.fixture
def served(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    found = world(client, warehouse, tmp_path, [job for job in ROLLUPS if job.name == "actions"])
    found.settings = Settings(jobs={}, playbooks=(PLAYBOOK,))
    return found


def keep(found: World, name: str, minutes: float, **changed: Any) -> None:
    """An incident that was opened at `START` and lasted so long, as the router stores its copy."""
    end = START + minutes * MINUTE
    condition = IncidentCondition(
        key="service/shop:down",
        target="service/shop",
        kind="down",
        status=Status.RESOLVED,
        severity=Severity.ERROR,
        observed_at=end,
        finding_id="f",
        source="health_check",
        summary="down",
    )
    entry = TimelineEntry(
        sequence=2, at=end, change=Change.RESOLVED, reason=IncidentReason.ALL_RECOVERED, summary="recovered"
    )
    one = Incident(
        id=name,
        target="service/shop",
        title="down",
        state=State.RESOLVED,
        severity=Severity.WARNING,
        peak=Severity.ERROR,
        category="availability",
        opened_at=START,
        resolved_at=end,
        conditions=(condition.key,),
        timeline=(entry,),
    )
    state = GroupState(name="shop", conditions=(condition,), incidents=(replace(one, **changed),))
    data = incident_data(IncidentGroup(state=state), name)
    assert data is not None
    found.store.create(INCIDENTS, name, data)


def decide(
    found: World, *decisions: tuple[str, Stage, str, float], mode: Mode = Mode.ACT, shift: timedelta = 0 * DAY
) -> None:
    """Decisions about a restart, so many minutes after `START`; each row is delivered twice."""
    rows = []
    for place, (incident, stage, reason, minutes) in enumerate(decisions):
        one = ActionDecision(
            request_id=f"{incident}:2:{RESTART}:service/shop",
            sequence=3 + place,
            incident_id=incident,
            action=RESTART,
            target="service/shop",
            mode=mode,
            stage=stage,
            reason=reason,
            at=START + shift + minutes * MINUTE,
        )
        rows.append({"type": one.TYPE, "version": one.VERSION, "id": one.id, **_row(one)})
    load(found.client, "ops.action_decisions", [*rows[::-1], *rows])


def _row(decision: ActionDecision) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(decision)
    return row


def helped(incident: str) -> list[tuple[str, Stage, str, float]]:
    return [(incident, Stage.APPLIED, "done", 10), (incident, Stage.VERIFIED, "recovered", 15)]


def results(found: World, action: str = RESTART) -> dict[str, float | None]:
    names = ("helped", "did_not_help", "made_worse", "not_known")
    return {name: found.value("aia_action_results", action, name) for name in names}


def test_results_the_time_to_recovery_and_the_time_saved_are_measured(served: World) -> None:
    for number in range(10):
        keep(served, f"with-{number}", 13)
        keep(served, f"without-{number}", 60)
        decide(served, *helped(f"with-{number}"))
    decide(served, ("lost", Stage.APPLIED, "done", 10), ("lost", Stage.UNDONE, "worsened", 12))
    decide(served, ("lasts", Stage.APPLIED, "done", 10), ("lasts", Stage.FAILED, "no_recovery", 20))
    decide(served, ("open", Stage.APPLIED, "done", 10))
    served.tick()
    assert results(served) == {"helped": 10, "did_not_help": 1, "made_worse": 1, "not_known": 1}
    assert served.value("aia_action_recovery_seconds", RESTART) == 180
    assert [served.value("aia_action_compared_incidents", RESTART, side) for side in ("with", "without")] == [10, 10]
    saved = [served.value("aia_action_saved_seconds", RESTART, bound) for bound in ("low", "middle", "high")]
    assert saved == [47 * 60, 47 * 60, 47 * 60]


def test_what_was_never_applied_is_tried_zero_times_and_has_no_other_value(served: World) -> None:
    decide(served, ("dry", Stage.APPLIED, "done", 10), mode=Mode.DRY_RUN)
    decide(served, ("refused", Stage.FAILED, "outside_refused", 10))
    served.tick()
    for action in (RESTART, "scale_out"):
        assert set(results(served, action).values()) == {0}
        assert served.value("aia_action_recovery_seconds", action) is None
        assert served.value("aia_action_saved_seconds", action, "middle") is None
    assert served.value("aia_action_results", "flush_cache", "helped") is None, "no playbook names it"


def test_below_ten_there_are_numbers_of_incidents_and_no_estimate(served: World) -> None:
    keep(served, "with", 13)
    decide(served, *helped("with"))
    for number in range(12):
        keep(served, f"without-{number}", 60)
    served.tick()
    assert [served.value("aia_action_compared_incidents", RESTART, side) for side in ("with", "without")] == [1, 12]
    assert served.value("aia_action_saved_seconds", RESTART, "middle") is None


@pytest.mark.parametrize(
    ("changed", "compared"),
    [
        ({}, 1),
        ({"expired": True}, 0),
        ({"cancelled": True}, 0),
        ({"merged_into": "elsewhere"}, 0),
        ({"closed_at": START + 60 * MINUTE}, 1),
        ({"peak": Severity.CRITICAL}, 0),
        ({"category": "drift"}, 0),
        ({"opened_at": START + 30 * MINUTE}, 1),
        ({"opened_at": START + 55 * MINUTE}, 0),
    ],
)
def test_only_like_incidents_whose_duration_is_known_are_compared(
    served: World, changed: dict[str, Any], compared: int
) -> None:
    keep(served, "with", 13)
    decide(served, *helped("with"))
    keep(served, "without", 60, **changed)
    served.tick()
    assert served.value("aia_action_compared_incidents", RESTART, "without") == compared


def test_what_a_person_resolved_before_the_action_was_verified_has_no_time_to_recovery(served: World) -> None:
    end = START + 13 * MINUTE
    by_hand = TimelineEntry(sequence=2, at=end, change=Change.RESOLVED, reason=IncidentReason.COMMAND, summary="ada")
    keep(served, "with", 13, closed_at=end, timeline=(by_hand,))
    decide(served, *helped("with"))
    served.tick()
    assert results(served)["helped"] == 1
    assert served.value("aia_action_recovery_seconds", RESTART) is None


def test_an_incident_that_cannot_be_read_is_left_out_and_the_others_are_not(served: World) -> None:
    served.store.create(INCIDENTS, "broken", {"id": "broken", "open": False, "over_on": START.date().isoformat()})
    keep(served, "with", 13)
    decide(served, *helped("with"))
    served.tick()
    assert served.value("aia_action_recovery_seconds", RESTART) == 180


def test_a_late_decision_counts_at_the_next_run_and_an_old_one_no_more(served: World) -> None:
    decide(served, ("one", Stage.APPLIED, "done", 10))
    served.tick()
    assert results(served)["not_known"] == 1
    decide(served, *helped("one"))
    served.tick(TICK + HOUR)
    assert results(served)["not_known"] == 1, "not due yet"
    served.tick(TICK + actions.EVERY)
    assert (results(served)["helped"], results(served)["not_known"]) == (1, 0)
    served.tick(TICK + 71 * DAY)
    assert results(served)["helped"] == 0


def test_without_playbooks_nothing_is_read(served: World) -> None:
    served.settings = Settings(jobs={})
    decide(served, *helped("one"))
    served.tick()
    assert results(served)["helped"] is None


def test_the_past_of_one_machine_says_nothing_of_actions_that_it_did_not_have() -> None:
    from infra.local.past.business import _jobs  # noqa: PLC0415 - of this test only
    from infra.local.past.estimates import Estimates  # noqa: PLC0415 - of this test only

    assert "actions" not in {job.name for job in _jobs(Settings(jobs={}).business, Estimates(), DUE)}


def test_the_window_is_read_by_the_day_of_the_end(served: World) -> None:
    keep(served, "in", 60)
    keep(served, "before", 60, resolved_at=DUE - 91 * DAY)
    keep(served, "after", 60, resolved_at=DUE + HOUR)
    found: list[datetime] = [one.ended_at for one in actions.incidents.ended(served.store, DUE - actions.WINDOW, DUE)]
    assert found == [START + 60 * MINUTE]

"""Statements of promotion on the emulator of BigQuery: who enters, pairs of predictions by task, outcomes of both arms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.events import Command, Verb
from core.experiments import Arms, Assigned, Differences, Pairs, Stage, Sums
from core.promotion import Entrant, begin, promoted_by_person
from core.settings import GuardRail, Label, Mode, Promotion, Task, UnitOutcome
from core.versions import AliasChange, AliasName, Version
from functions.adapters.registries import aliases, register
from functions.adapters.training import history
from functions.adapters.warehouse import BigQueryWarehouse
from functions.promotion.experiment import Experiment
from functions.promotion.versions import KnownVersions, is_registered, known_versions, registry_names
from tests.support.builders.drift import MODEL

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)  # the analyser is compiled when it is first used, which takes a while

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SEVEN = Version(
    model="delay", version="7", reference_start=AT - 60 * DAY, reference_end=AT - 30 * DAY, created_at=AT - 9 * DAY
)
LABEL = Label(table="telemetry.flight_labels", column="late", arrives_within=12 * HOUR)
DELAY = replace(MODEL, name="delay", label=LABEL, table="telemetry.flight_predictions", score="probability")
POLICY = Promotion(minimum=100, guard_rails={UnitOutcome.LATENCY: GuardRail(margin=0.1)})
STATE = begin(None, Entrant(model="delay", champion="7", version="8"), POLICY, AT).state


def test_the_newest_version_enters_unless_it_had_an_alias(warehouse: BigQueryWarehouse) -> None:
    def known(day: float) -> KnownVersions:
        return known_versions(warehouse, ["delay", "other"], AT + day * DAY)["delay"]

    held_out = {"9": AT - DAY, "10": AT + 3 * DAY}
    for number, day in (("7", -9), ("8", 1), ("9", 2)):
        made = replace(SEVEN, version=number, created_at=AT + day * DAY, held_out_until=held_out.get(number))
        made = replace(made, registry_uri="projects/p/locations/l/models/delay@2" if number == "9" else "")
        register.write(made, warehouse)
    assert known(0) == KnownVersions(champion="7")
    assert (known(1), known(3)) == (
        KnownVersions(champion="7", entrant="8"),
        KnownVersions(champion="7", entrant="9", unseen_from=AT - DAY),
    )
    assert registry_names(warehouse, "delay", ["8", "9", "10"]) == {
        "8": "",
        "9": "projects/p/locations/l/models/delay@2",
    }
    assert (is_registered(warehouse, "delay", "9"), is_registered(warehouse, "delay", "10")) == (True, False)

    def change(alias: AliasName, version: str | None, day: float, share: float = 100) -> None:
        told = AliasChange(
            model="delay",
            alias=alias,
            version=version,
            share=share,
            changed_at=AT + day * DAY,
            changed_by="test",
            why="so",
        )
        aliases.write(told, warehouse)

    change(AliasName.CHALLENGER, "9", 4, 5)
    change(AliasName.CHAMPION, "7", 4, 95)
    assert known(5) == KnownVersions(champion="7")
    rows = warehouse.query("SELECT version, in_use_from FROM ops.model_versions_in_use WHERE model = 'delay'")
    assert AT + 4 * DAY not in {row["in_use_from"] for row in rows}  # other traffic is no switch
    change(AliasName.CHAMPION, "9", 6)
    register.write(replace(SEVEN, version="10", created_at=AT + 5 * DAY, held_out_until=held_out["10"]), warehouse)
    # The champion answers since day 6: what came before is of another version.
    assert known(7) == KnownVersions(champion="9", former="7", entrant="10", unseen_from=AT + 6 * DAY)
    assert history.version_in_use(warehouse, "delay", AT + 7 * DAY) == "9"


def _predictions(
    warehouse: BigQueryWarehouse, rows: list[tuple[str, float, float | None, bool | None, datetime]]
) -> None:
    for name, champion, challenger, late, at in rows:
        warehouse.append(
            "telemetry.flight_predictions",
            [
                {
                    "prediction_id": name,
                    "model": "delay",
                    "scored_at": at,
                    "probability": champion,
                    "distance": champion * 10,
                }
            ]
            * 2,
        )
        if challenger is not None:
            warehouse.append("ops.shadow_predictions", [_shadow(name, "8", challenger, at)] * 2)
        if late is not None:
            warehouse.append(
                "telemetry.flight_labels", [{"prediction_id": name, "late": late, "arrived_at": at + 5 * HOUR}]
            )


def _shadow(name: str, version: str, score: float, at: datetime, **more: Any) -> dict[str, Any]:
    return {"model": "delay", "version": version, "prediction_id": name, "score": score, "scored_at": at, **more}


def test_pairs_count_once_and_only_when_their_time_for_labels_is_over(warehouse: BigQueryWarehouse) -> None:
    rows: list[tuple[str, float, float | None, bool | None, datetime]] = [
        ("both", 0.9, 0.8, True, AT),
        ("win", 0.1, 0.8, True, AT + HOUR),
        ("win too", 0.9, 0.1, False, AT + HOUR),
        ("loss", 0.9, 0.1, True, AT + 2 * HOUR),
        ("not scored", 0.9, None, True, AT + HOUR),
        ("no label", 0.9, 0.1, None, AT + HOUR),
        ("too young", 0.1, 0.9, True, AT + 20 * HOUR),
        ("before it began", 0.1, 0.9, True, AT - HOUR),
    ]
    _predictions(warehouse, rows)
    found = Experiment(warehouse, DELAY, POLICY, "UTC").snapshot(STATE, AT + DAY)
    assert found.measure == Pairs(wins=2, losses=1, ties=1)
    assert (found.began_at, found.assigned) == (AT, ())
    slower = [("a", "7", 0.1), ("b", "7", 0.3), ("a", "8", 0.2)]
    for name, version, seconds in slower:
        warehouse.append("ops.shadow_predictions", [_shadow(f"timed {name}", version, 0.5, AT, seconds=seconds)])
    timed = Experiment(warehouse, DELAY, POLICY, "UTC").snapshot(STATE, AT + DAY).guard_rails[UnitOutcome.LATENCY]
    [stage] = timed.stages
    assert (stage.champion.n, round(stage.champion.total, 6), round(stage.champion.squares, 6)) == (2, 0.4, 0.1)
    assert (stage.challenger.n, round(stage.challenger.total, 6)) == (1, 0.2)


def test_numbers_are_compared_by_their_absolute_error(warehouse: BigQueryWarehouse) -> None:
    warehouse.query("CREATE TABLE telemetry.numbers (prediction_id STRING, truth FLOAT64, arrived_at TIMESTAMP)")
    _predictions(warehouse, [("a", 1.0, 8.0, None, AT), ("b", 2.0, 25.0, None, AT)])
    for name, truth in (("a", 10.0), ("b", 20.0)):
        warehouse.append("telemetry.numbers", [{"prediction_id": name, "truth": truth, "arrived_at": AT + HOUR}])
    label = Label(table="telemetry.numbers", column="truth", arrives_within=12 * HOUR)
    model = replace(DELAY, task=Task.REGRESSION, label=label)
    found = Experiment(warehouse, model, POLICY, "UTC").snapshot(STATE, AT + DAY)
    assert isinstance(found.measure, Differences)
    assert found.measure.sums == Sums(n=2, total=(2 - 9) + (5 - 18), squares=49 + 169)


def test_both_arms_count_customers_by_whole_days_of_each_split(warehouse: BigQueryWarehouse) -> None:
    policy = Promotion(mode=Mode.AB, minimum=100, share=50, steps=(60, 100))
    begun = begin(None, Entrant(model="delay", champion="7", version="8"), policy, AT).state
    asked = Command(verb=Verb.PROMOTE, subject="delay", by="ann", at=AT + 3 * DAY)
    state = promoted_by_person(begun, Entrant(model="delay", champion="7", version="8"), policy, asked).state
    midnight = AT - 12 * HOUR
    rows = [
        (0, "7", "on the day of the split", 9.0),
        (1, "7", "a", 0.0),
        (1, "8", "b", 5.0),
        (2, "8", "b", 2.0),
        (2, "8", "c", 0.0),
        (2, "7", "of both", 1.0),
        (2, "8", "of both", 1.0),
        (2, "control", "d", 9.0),
        (4, "7", "a", 3.0),
        (4, "8", "e", 4.0),
        (5, "8", "of an unfinished day", 4.0),
    ]
    warehouse.append(
        "marts.customer_arm_days",
        [
            {"day": midnight + day * DAY, "model": "delay", "arm": arm, "customer": customer, "dollars": dollars}
            for day, arm, customer, dollars in rows
        ],
    )
    experiment = Experiment(warehouse, DELAY, policy, "UTC")
    found = experiment.snapshot(state, AT + 5 * DAY)
    assert found.measure == Arms(
        binary=True,
        stages=(
            Stage(champion=Sums.of_rate(1, 0), challenger=Sums.of_rate(2, 1)),
            Stage(champion=Sums.of_rate(1, 1), challenger=Sums.of_rate(1, 1)),
        ),
    )
    assert found.guard_rails[UnitOutcome.REVENUE].stages[0].challenger == Sums(n=2, total=7.0, squares=49.0)
    assert found.assigned == (
        Assigned(champion=1, challenger=2, share=0.5),
        Assigned(champion=1, challenger=1, share=0.6),
    )
    assert experiment.dollars(found) is None  # too few

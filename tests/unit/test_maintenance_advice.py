"""Advice on the system itself: what is concluded from which numbers, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.maintenance.advice import LEAST_ROWS_A_DAY, growing_tables, ignored_alarms, unused_metrics
from core.maintenance.backup import Manifest, TableBackup
from core.metrics import CATALOGUE, HISTOGRAMS

AT = datetime(2026, 1, 4, 3, tzinfo=UTC)


def backup(days: int, rows: int) -> Manifest:
    table = TableBackup(table="ops.findings", snapshot="s", rows=rows, rows_live=rows)
    at = AT + timedelta(days=days)
    return Manifest(id=str(days), at=at, export="1", tables=(table,), documents=0, digest="")


def test_a_metric_that_is_in_no_text_is_unused_and_parts_of_a_histogram_are_used_together() -> None:
    name = next(iter(HISTOGRAMS))
    found = {one.subject for one in unused_metrics(CATALOGUE, [f"rate({name}_le_total[5m])", "aia_probe_up > 0"])}
    assert found == set(CATALOGUE) - {"aia_probe_up", *(part.name for part in HISTOGRAMS[name].metrics)}


def test_the_name_of_a_longer_metric_is_no_use_of_a_shorter_one() -> None:
    assert [one.subject for one in unused_metrics(["aia_a", "aia_a_b"], ["aia_a_b"])] == ["aia_a"]


def test_alarms_that_nobody_acknowledged_are_told_with_their_number() -> None:
    rows = [
        {"target": "model/a", "n_incidents": 3, "n_acknowledged": 0},
        {"target": "model/b", "n_incidents": 9, "n_acknowledged": 1},
        {"target": "model/c", "n_incidents": 2, "n_acknowledged": 0},
    ]
    [found] = ignored_alarms(rows)
    assert (found.subject, found.numbers) == ("model/a", {"n_incidents": 3, "n_acknowledged": 0})


def test_a_table_that_grows_by_many_rows_a_day_and_keeps_all_of_them_is_told() -> None:
    backups = [backup(10, 11 * LEAST_ROWS_A_DAY), backup(0, LEAST_ROWS_A_DAY)]
    [found] = growing_tables(backups, kept=())
    assert found.numbers == {"n_rows": 11 * LEAST_ROWS_A_DAY, "rows_a_day": LEAST_ROWS_A_DAY}
    assert growing_tables(backups, kept=["ops.findings"]) == []
    assert growing_tables([backup(10, 10 * LEAST_ROWS_A_DAY), backup(0, LEAST_ROWS_A_DAY)], kept=()) == []


def test_of_one_backup_or_of_two_of_one_day_nothing_is_known() -> None:
    assert growing_tables([backup(0, 10**9)], kept=()) == []
    same = replace(backup(0, 10**9), at=AT + timedelta(hours=23))
    assert growing_tables([backup(0, 0), same], kept=()) == []

"""The section `upkeep`: how long backups and rows are kept."""

import pytest

from core.settings import parse
from tests.support.builders.settings import faults


@pytest.mark.parametrize("table", ["backups.documents", "my-project.backups.manifests"])
def test_what_backups_consist_of_has_no_retention_of_its_own(table: str) -> None:
    kept = {"version": 1, "jobs": {}, "upkeep": {"retention": {"telemetry.experience": "180d"}}}
    assert len(parse(kept).upkeep.retention) == 1
    [fault] = faults(kept | {"upkeep": {"retention": {table: "7d"}}})
    assert "must be no table of backups, which `upkeep.backups` keeps" in fault

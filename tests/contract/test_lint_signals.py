"""What is missing in the catalogue of signals is told: a metric in no area, an area that nobody is told of, a test that is gone."""

import shutil
from pathlib import Path

import pytest

from functions.services import signals
from infra import stage
from infra.lint import alert_files, dashboard_files
from infra.lint.signals import faults

FILES, BOARDS = alert_files.read(stage.ROOT), dashboard_files.read(stage.ROOT)
TEXT = (stage.ROOT / signals.FILE).read_text()


def told(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / signals.FILE
    path.parent.mkdir()
    path.write_text(text)
    for test in {area.contract for area in signals.areas(stage.ROOT / signals.FILE)} - {""}:
        (tmp_path / test).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stage.ROOT / test, tmp_path / test)
    return [one.what for one in faults(tmp_path, FILES, BOARDS)]


def test_the_catalogue_of_this_tree_has_no_fault(tmp_path: Path) -> None:
    assert told(tmp_path, TEXT) == []


@pytest.mark.parametrize(
    ("sound", "broken", "said"),
    [
        ("      - aia_drift_rows\n", "", "aia_drift_rows is in no area"),
        ("aia_drift_rows", "aia_drift_lines", "aia_drift_lines: is no metric that somebody writes"),
        ("probes: [dns]", "probes: [udp]", "probes of kind dns are in no area"),
        ("probes: [dns]", "probes: [udp]", "probes: there is no kind udp"),
        ("    probes: [dns]\n", "", "DNS: must have a signal or a kind of probe"),
        (
            "tests/functions/test_service_rollup.py",
            "tests/gone.py",
            "Agents: contract: must be a file of tests, got 'tests/gone.py'",
        ),
        (
            TEXT,
            "areas:\n  - {name: A, owner: a, signals: [aia_maintenance_seconds]}\n",
            "A: no alert rule looks at any of its signals",
        ),
        (
            TEXT,
            "areas:\n  - {name: A, owner: a, signals: [aia_maintenance_seconds]}\n",
            "A: no tile of a dashboard shows any of its signals",
        ),
        (TEXT, "areas: [{name: A}]", "Object missing required field `owner` - at `$.areas[0]`"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, sound: str, broken: str, said: str) -> None:
    assert sound in TEXT
    assert said in told(tmp_path, TEXT.replace(sound, broken, 1))

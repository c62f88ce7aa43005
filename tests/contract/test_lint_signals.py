"""What is missing in the catalogue of signals is told: a metric in no area, an area that nobody is told of, a test that is gone."""

import shutil
from pathlib import Path

import pytest
import yaml

from core.signals import Area
from functions.api.coverage import is_given
from functions.cli.check.file import load
from functions.services import signals
from infra import stage
from infra.lint.signals import faults
from tests.support.builders.deployed_files import ALERTS, BOARDS

TEXT = (stage.ROOT / signals.FILE).read_text()


def told(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / signals.FILE
    path.parent.mkdir()
    path.write_text(text)
    for test in {area.contract for area in signals.areas(stage.ROOT / signals.FILE)} - {""}:
        (tmp_path / test).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stage.ROOT / test, tmp_path / test)
    (tmp_path / "docs").mkdir()
    for guide in (stage.ROOT / "docs").glob("*.md"):
        shutil.copy(guide, tmp_path / "docs")
    return [one.what for one in faults(tmp_path, ALERTS, BOARDS)]


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
        ("guide: capacity.md", "guide: gone.md", "Capacity: set_up.guide: must be a file in docs/ or a section of one"),
        (
            "settings.md#probes",
            "settings.md#probe",
            "Databases: set_up.guide: must be a file in docs/ or a section of one",
        ),
        ("    contract: tests/functions/test_capacity.py\n", "", "Capacity: contract: must be given with set_up"),
        (
            TEXT,
            "areas: [{name: A, owner: a, signals: [aia_drift_rows], contract: tests/contract/test_probes.py}]",
            "A: set_up: must say how, since it is not Google Cloud alone that writes its metrics",
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
    assert any(one.startswith(said) for one in told(tmp_path, TEXT.replace(sound, broken, 1)))


@pytest.mark.parametrize(
    "area", [one for one in signals.areas(stage.ROOT / signals.FILE) if one.set_up], ids=lambda one: one.name
)
def test_what_is_to_be_added_to_the_settings_is_taken_and_sets_the_area_up(area: Area, tmp_path: Path) -> None:
    assert area.set_up is not None
    added = yaml.safe_load(area.set_up.settings) or {}
    kinds = {one["kind"] for one in added.get("probes", ())}
    assert kinds <= {*area.probes}
    whole = yaml.safe_load((stage.ROOT / "infra" / "monitoring.yaml").read_text())
    for key, value in added.items():
        whole[key] = [*whole.get(key, ()), *value] if isinstance(value, list) else value
    path = tmp_path / "monitoring.yaml"
    path.write_text(yaml.safe_dump(whole))
    settings = load(path)
    if area.set_up.keys:
        assert is_given(settings, area.set_up.keys)
    elif added:
        assert kinds

"""Alerts that are read by a mapping of the settings, and the command that tries one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from core.errors import SettingsError
from core.events import Severity, Status
from core.settings import AlertSender, parse
from functions.alert_intake.command import intake
from tests.support.fakes.intake import NOW, World, guide, payload

BODY = {
    "vendor": "ACME",
    "event": {
        "type": "disk",
        "alarms": [
            {
                "rule": "full",
                "device": {"name": "web-1"},
                "disk": "sda",
                "state": "BROKEN",
                "level": "1",
                "text": "98%",
            },
            {"rule": "full", "device": {"name": "web-1"}, "disk": "sdb", "state": "FINE", "level": "2", "text": "12%"},
        ],
    },
}


def mapping() -> dict[str, Any]:
    """The example of the guide."""
    section = guide().partition("### A mapping of your own")[2].split("```yaml\n")[1].split("```")[0]
    found: dict[str, Any] = yaml.safe_load(section)
    return found


def senders(**fields: Any) -> tuple[AlertSender, ...]:
    [one] = mapping()["alert_senders"]
    return parse({"version": 1, "jobs": {}, "alert_senders": [one | fields]}).alert_senders


def test_the_mapping_of_the_guide_reads_what_it_says() -> None:
    world = World(senders=senders())
    assert world.send(json.dumps(BODY).encode(), "/acme").json == {"accepted": 2, "parked": 0, "ignored": 0}
    full, fine = world.findings()
    assert (full.target, full.status, full.severity) == ("host/web-1", Status.FIRING, Severity.CRITICAL)
    assert (full.source, full.summary) == ("acme", "full on web-1: 98%")
    assert (fine.status, fine.severity) == (Status.RESOLVED, Severity.ERROR)
    assert full.condition != fine.condition
    assert full.observed_at == NOW


def test_a_mapping_comes_before_the_formats_and_leaves_other_bodies_to_them() -> None:
    world = World(senders=senders())
    world.send(payload("kapacitor_post_critical.json"))
    world.send(json.dumps({"vendor": "OTHER", "event": {"type": "x"}, "target": "a/b", "kind": "k"}).encode())
    assert [finding.source for finding in world.findings()] == ["kapacitor", "webhook"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"device": {}}, "target: host/{device.name} must be there"),
        ({"state": None}, "status: {state} must be there"),
        ({"state": "SO-SO"}, "status: must say whether it holds"),
        ({"rule": ["a", "list"]}, "kind: {rule} must be there"),
    ],
)
def test_what_a_mapping_does_not_find_is_parked_by_itself_and_told(change: dict[str, Any], says: str) -> None:
    world = World(senders=senders())
    first, second = BODY["event"]["alarms"]  # type: ignore[index] # it is a mapping
    body = {"vendor": "ACME", "event": {"type": "disk", "alarms": [first | change, second]}}
    assert world.send(json.dumps(body).encode()).json == {"accepted": 1, "parked": 1, "ignored": 0}
    [reason] = world.park.reasons
    assert reason.startswith(f"$.event.alarms[0]: {says}")
    assert [one.target for one in world.unheard()] == ["sender/acme"]


@pytest.mark.parametrize("alarms", [None, {}, "x", 7])
def test_alerts_that_are_no_list_are_parked(alarms: Any) -> None:
    world = World(senders=senders())
    world.send(json.dumps({"vendor": "ACME", "event": {"type": "disk", "alarms": alarms}}).encode())
    assert [reason.partition(", got")[0] for reason in world.park.reasons] == ["event.alarms: must be a list"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"recognise": {}},
        {"target": "host/{}"},
        {"kind": "{a b}"},
        {"recognise": {"a..b": "x"}},
        {"statuses": {"x": "maybe"}},
    ],
)
def test_a_mapping_that_leads_nowhere_is_a_fault_of_the_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="alert_senders"):
        senders(**wrong)


def test_the_command_prints_what_becomes_of_a_file(tmp_path: Path) -> None:
    settings, file = tmp_path / "settings.yaml", tmp_path / "body.json"
    settings.write_text(yaml.safe_dump({"version": 1, "jobs": {}, "channels": [{"x": "${UNSET}"}]} | mapping()))
    file.write_text(json.dumps(BODY))
    tried = CliRunner().invoke(intake, ["try", str(file), "--settings", str(settings)])
    assert (tried.exit_code, tried.output.count('"target": "host/web-1"')) == (0, 2)
    assert tried.output.startswith("format: acme\n")
    file.write_text('{"vendor": "ACME", "event": {"type": "x"}}')
    tried = CliRunner().invoke(intake, ["try", str(file), "--settings", str(settings)])
    assert (tried.exit_code, "not understood: event.alarms: must be a list" in tried.output) == (1, True)

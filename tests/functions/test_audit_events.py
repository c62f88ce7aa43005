"""Entries of the audit log and ticks: what is found, when it is over, and what does not matter on the way."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.cloud.audit.audit_log_pb2 import AuditLog
from google.cloud.audit.bigquery_audit_metadata_pb2 import BigQueryAuditMetadata
from google.iam.v1.logging.audit_data_pb2 import AuditData
from google.protobuf.json_format import ParseDict

from core.errors import PoisonError
from core.events import Finding, Severity, Status, Tick
from core.security.entry import AuditEntry
from core.security.places import Place, Places
from core.settings import SecuritySettings
from functions.audit_events.places import read_places
from functions.audit_events.read import read, read_entry
from functions.audit_events.watch import Outside as AuditOutside
from functions.audit_events.watch import handle
from functions.runtime.push import read_push
from tests.support.builders.audit_log import AT, DAY, MINUTE, PAYLOADS, entry, job, logged, ordinary_weeks, policy
from tests.support.builders.budget import ALL
from tests.support.crash.breaking import MemoryMetrics
from tests.support.fakes.detector import Outside

CRON = "*/5 * * * *"
PLACES = Places([("203.0.113.0/24", Place(52.52, 13.405)), ("198.51.100.0/24", Place(40.71, -74.01))])
SETTINGS = SecuritySettings(domains=("example.com",))
REVOKED = policy(("REMOVE", "user:mallory@elsewhere.test", "roles/owner"))
HOUR = 60 * MINUTE


def watch(outside: Outside, settings: SecuritySettings = SETTINGS) -> AuditOutside:
    return AuditOutside(
        store=outside.store, bus=outside, metrics=MemoryMetrics(outside), settings=settings, places=PLACES
    )


def run(*events: AuditEntry | datetime, settings: SecuritySettings = SETTINGS) -> list[Finding]:
    """What is published when these are handled in that order; an instant is a tick."""
    outside = Outside()
    for event in events:
        one = Tick(job="audit_events", scheduled_at=event) if isinstance(event, datetime) else event
        handle(watch(outside, settings), one)
    return outside.published


def statuses(findings: list[Finding]) -> list[Status]:
    return [one.status for one in findings]


def alive(days: float) -> list[AuditEntry]:
    """Ordinary entries every hour."""
    return [entry("access_secret", AT + number * HOUR, id=f"a{number}") for number in range(int(days * 24))]


def test_a_grant_is_found_with_its_evidence_and_over_when_it_is_revoked() -> None:
    firing, resolved = run(entry("set_iam_policy"), entry("set_iam_policy", AT + HOUR, serviceData=REVOKED))
    assert (firing.target, firing.kind, firing.severity) == (
        "account/mallory@elsewhere.test",
        "privilege_grant",
        Severity.CRITICAL,
    )
    assert firing.evidence == {
        "principal": "ada@example.com",
        "resource": "projects/shop",
        "method": "SetIamPolicy",
        "address": "203.0.113.7",
        "log_entry": "set_iam_poli1x2y",
        "logged_at": "2026-03-01T09:30:00Z",
        "technique": "T1098.003",
        "reason": "logged",
    }
    assert (resolved.status, resolved.evidence["reason"]) == (Status.RESOLVED, "taken_back")


def test_one_of_two_grants_that_is_revoked_leaves_the_other() -> None:
    editor = policy(("ADD", "user:mallory@elsewhere.test", "roles/editor"))
    events = [
        entry("set_iam_policy"),
        entry("set_iam_policy", AT + MINUTE, serviceData=editor),
        entry("set_iam_policy", AT + HOUR, serviceData=REVOKED),
    ]
    assert statuses(run(*events)) == [Status.FIRING, Status.FIRING, Status.FIRING]
    over = entry(
        "set_iam_policy", AT + DAY, serviceData=policy(("REMOVE", "user:mallory@elsewhere.test", "roles/editor"))
    )
    assert statuses(run(*events, over))[-1] is Status.RESOLVED


def test_in_whatever_order_and_however_often_entries_come_the_end_is_the_same() -> None:
    editor = policy(("ADD", "user:mallory@elsewhere.test", "roles/editor"))
    events = [
        entry("set_iam_policy", id="1"),
        entry("set_iam_policy", AT + MINUTE, id="2", serviceData=editor),
        entry("set_iam_policy", AT + HOUR, id="3", serviceData=REVOKED),
    ]
    for order in permutations(events):
        found = run(*order, *order[::-1])
        assert found[-1].status is Status.FIRING
        assert "roles/editor" in found[-1].summary
    revoked_first = run(events[2], events[0])
    assert revoked_first == []


def test_a_call_that_failed_changed_nothing() -> None:
    assert run(entry("set_iam_policy", status={"code": 7, "message": "PERMISSION_DENIED"})) == []


def test_what_lasts_is_reported_each_day_and_a_late_revocation_still_ends_it() -> None:
    late = entry("set_iam_policy", AT + HOUR, serviceData=REVOKED)
    found = run(entry("set_iam_policy"), AT + HOUR, AT + DAY, AT + DAY + HOUR, late)
    assert statuses(found) == [Status.FIRING, Status.FIRING, Status.RESOLVED]
    assert found[1].observed_at == (AT + DAY).replace(hour=0, minute=0)


def attack() -> list[AuditEntry]:
    return [entry("login_failure", AT + number * MINUTE / 2, id=f"f{number}") for number in range(12)]


def test_an_event_is_over_when_it_is_not_repeated_for_a_day_in_which_entries_arrive() -> None:
    found = run(*attack(), *alive(1.5), AT + 20 * HOUR, AT + 30 * HOUR, AT + 31 * HOUR)
    assert statuses([one for one in found if one.kind == "brute_force"]) == [Status.FIRING, Status.RESOLVED]
    assert found[-1].evidence["reason"] == "not_repeated"
    assert found[-1].summary.startswith("not repeated for 1 d")


def test_an_event_is_not_over_while_no_entries_arrive() -> None:
    assert statuses(run(*attack(), AT + 5 * DAY)) == [Status.FIRING]


def test_an_old_entry_that_comes_again_after_the_end_fires_nothing() -> None:
    events = (*attack(), *alive(1.5), AT + 30 * HOUR)
    again = run(*events, *attack())
    assert len(again) == len(run(*events))


def test_a_gap_in_the_log_is_a_finding_and_over_with_the_next_entry() -> None:
    hourly = alive(9)
    silent = hourly[-1].at + 5 * HOUR
    back = replace(hourly[-1], at=silent + MINUTE, id="back")
    found = run(*hourly, hourly[-1].at + HOUR, silent, back, silent + 5 * MINUTE)
    assert [(one.kind, one.status) for one in found] == [
        ("audit_trail_gap", Status.FIRING),
        ("audit_trail_gap", Status.RESOLVED),
    ]
    assert found[0].target == "compliance/audit-log"


def test_without_any_entry_for_long_it_is_found_that_nothing_is_known() -> None:
    found = run(AT, AT + 9 * DAY, AT + 11 * DAY)
    assert [(one.kind, one.target) for one in found] == [("no_verdict", "compliance/audit-log")]


def test_before_the_first_entry_it_is_not_known_what_is_open() -> None:
    outside = Outside()
    handle(watch(outside), Tick(job="audit_events", scheduled_at=AT))
    assert outside.gauges == {}


def test_ticks_measure_what_is_open() -> None:
    outside = Outside()
    for event in (entry("set_iam_policy"), Tick(job="audit_events", scheduled_at=AT + MINUTE)):
        handle(watch(outside), event)
    assert outside.gauges["aia_security_open", "privilege_grant"] == 1
    assert outside.gauges["aia_security_open", "brute_force"] == 0
    assert outside.counts["aia_audit_entries_total", "activity"] == 1


@pytest.mark.parametrize("seed", [1, 2] if ALL else [1])
def test_ordinary_synthetic_weeks_raise_no_alarm_and_an_attack_in_them_does(seed: int) -> None:
    """Entries come in disorder of up to an hour, one in ten twice."""
    random, outside = Random(seed), Outside()
    entries = [read_entry(data) for data in ordinary_weeks(seed, AT.replace(hour=0, minute=0))]
    disordered = sorted(
        [*entries, *random.sample(entries, len(entries) // 10)], key=lambda one: one.at + random.random() * HOUR
    )
    for number, one in enumerate(disordered):
        handle(watch(outside), one)
        if number % 50 == 0:
            handle(watch(outside), Tick(job="audit_events", scheduled_at=one.at))
    assert outside.published == []
    stolen = entry(
        "bigquery_job", AT + 20 * DAY + 14 * HOUR, who="job0@shop.iam.gserviceaccount.com", metadata=job(7, 90)
    )
    handle(watch(outside), stolen)
    assert [one.kind for one in outside.published] == ["exfiltration"]


# Reading


def pushed(data: bytes, **message: Any) -> bytes:
    given = {"messageId": "7", "publishTime": "2026-03-01T09:31:00Z", "data": base64.b64encode(data).decode()}
    return json.dumps({"message": given | message, "subscription": "s"}).encode()


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("gcp_ce_audit_*.json")), ids=lambda path: path.stem)
def test_real_entries_are_read_and_are_no_finding(path: Path) -> None:
    found = read_entry(path.read_bytes())
    assert found.principal == "robot@test-project.iam.gserviceaccount.com"
    assert found.project == "test-project"
    assert run(found) == []


def test_both_formats_of_a_job_of_bigquery_are_read() -> None:
    old = read_entry((PAYLOADS / "gcp_ce_audit_LogEntryData_bigqueryjobcompleted.json").read_bytes())
    assert old.job == "projects/test-project/jobs/bqjob_r3ac45813612fa2d6_0000017d591922c9_1"
    assert old.bytes_read == 1449319174
    assert entry("bigquery_job").bytes_read == 50 * 2**30


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"logName": "projects/shop/logs/stdout"}, "logName must be of an audit log"),
    ({"insertId": ""}, "insertId given"),
    ({"protoPayload": {"serviceName": "x"}}, "methodName"),
    ({"protoPayload": None}, "protoPayload"),
    ({"timestamp": "2026-03-01T09:30:00"}, "timestamp"),
    ({"timestamp": "2026-03-01T10:30:00Z"}, "must not be after 2026-03-01T09:31:00Z"),
    ({"type": "finding", "version": 1}, "type: must be 'tick', got 'finding'"),
]


@pytest.mark.parametrize(("changed", "reason"), BROKEN)
def test_what_is_no_entry_is_refused_with_the_reason(changed: dict[str, Any], reason: str) -> None:
    body = json.loads(logged("set_iam_policy")) | changed
    with pytest.raises(PoisonError, match=reason):
        read(read_push(pushed(json.dumps(body).encode())), CRON)


@pytest.mark.parametrize(
    "hostile",
    [
        {"serviceData": {"policyDelta": "x"}},
        {"serviceData": {"policyDelta": {"bindingDeltas": [1, {"role": 2, "member": ["a"], "action": "ADD"}]}}},
        {"metadata": {"jobChange": {"after": "DONE", "job": {"jobName": "j", "jobStats": {"queryStats": {"totalProcessedBytes": "1e9"}}}}}},
        {"methodName": "v1.compute.firewalls.insert", "request": {"sourceRanges": 5, "disabled": "no"}},
        {"methodName": "AccessSecretVersion", "resourceName": "\x00" * 5000, "authenticationInfo": {"principalEmail": "\x00/../" * 400}},
    ],
)  # fmt: skip
def test_hostile_fields_are_no_finding_and_break_nothing(hostile: dict[str, Any]) -> None:
    body = json.loads(logged("set_iam_policy"))
    body["protoPayload"] |= {"serviceData": {}} | hostile
    assert run(read_entry(json.dumps(body).encode())) == []


# Places


def test_places_are_read_of_the_file_that_the_user_gives(tmp_path: Path) -> None:
    (tmp_path / "offices.csv").write_text(
        "network,geoname_id,latitude,longitude\n203.0.113.0/24,1,52.5,13.4\n2001:db8::/32,2,48.1,11.6\n192.0.2.0/24,3,,\n"
    )
    places = read_places("offices.csv", tmp_path)
    assert places.of("203.0.113.9") == Place(52.5, 13.4)
    assert places.of("2001:db8::7") == Place(48.1, 11.6)
    assert places.of("192.0.2.1") is None
    assert read_places(None).of("203.0.113.9") is None


def test_a_row_that_is_no_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("network,latitude,longitude\n203.0.113.0/24,north,13.4\n")
    with pytest.raises(ValueError, match=r"bad\.csv:2"):
        read_places("bad.csv", tmp_path)


def test_travel_is_found_by_those_places() -> None:
    there = entry("login_success", AT + HOUR, id="s2", address="198.51.100.4")
    [found] = run(entry("login_success"), there)
    assert found.kind == "impossible_travel"
    assert timedelta(hours=1) == there.at - AT
    assert found.unit == "kilometres"


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("gcp_audit_*.json")), ids=lambda path: path.stem)
def test_the_payloads_have_the_fields_that_google_declares(path: Path) -> None:
    """Every field of an entry is one of Google's own messages, which refuse unknown ones."""
    payload = json.loads(path.read_text())["protoPayload"]
    payload.pop("@type")
    parsed = ParseDict(payload, AuditLog())
    if parsed.HasField("service_data"):
        assert parsed.service_data.Is(AuditData.DESCRIPTOR)
    if "bigquery" in path.stem:
        metadata = {name: value for name, value in payload["metadata"].items() if name != "@type"}
        assert ParseDict(metadata, BigQueryAuditMetadata()).job_change.after == BigQueryAuditMetadata.DONE

"""Each detection with an entry that fires it and one that does not, of the documented formats."""

from datetime import timedelta
from typing import Any

import pytest

from core.events import Severity
from core.incidents.policy import classify
from core.security.case import SOURCE
from core.security.detections import DETECTIONS
from core.security.detections import signals as judged
from core.security.entry import AuditEntry
from core.security.marks import Marks, with_mark
from core.security.places import Place, Places
from core.security.signal import Signal
from core.settings import Category, DetectionName, SecuritySettings
from tests.support.builders.audit_log import AT, DAY, MINUTE, entry, job, policy

SETTINGS = SecuritySettings(domains=("example.com",))
PLACES = Places([("203.0.113.0/24", Place(52.52, 13.405)), ("198.51.100.0/24", Place(40.71, -74.01))])
OWNER = policy(("ADD", "user:mallory@elsewhere.test", "roles/owner"))


def signals(name: DetectionName, *entries: AuditEntry, settings: SecuritySettings = SETTINGS) -> list[Signal]:
    """Of the last entry, after the others."""
    detection, marks, found = DETECTIONS[name], dict[str, Marks](), list[Signal]()
    for one in entries:
        memory = detection.memory
        subject = memory.subject(one) if memory else "all"
        if memory and subject:
            after = with_mark(marks.get(subject, ()), memory.mark(one), memory.keep, memory.most)
            marks[subject] = memory.condense(after) if memory.condense else after
        found = list(judged(detection, one, marks.get(subject, ()), settings, PLACES)) if subject else []
    return found


def failures(number: int, apart: timedelta, **given: Any) -> list[AuditEntry]:
    return [entry("login_failure", AT + index * apart, id=f"f{index}", **given) for index in range(number)]


def sprayed(number: int) -> list[AuditEntry]:
    return [
        entry("login_failure", AT + index * MINUTE, id=f"f{index}", who=f"p{index}@example.com")
        for index in range(number)
    ]


def travel(hours: float, *addresses: str) -> list[AuditEntry]:
    return [
        entry("login_success", AT + index * timedelta(hours=hours), id=f"s{index}", address=address)
        for index, address in enumerate(addresses)
    ]


def reads(last: float) -> list[AuditEntry]:
    usual = [entry("bigquery_job", AT + day * DAY, id=f"d{day}", metadata=job(day, 8 + day % 3)) for day in range(10)]
    return [*usual, entry("bigquery_job", AT + 10 * DAY, id="last", metadata=job(99, last))]


def secret(who: str, after: timedelta) -> list[AuditEntry]:
    return [entry("access_secret", id="first"), entry("access_secret", AT + after, id="second", who=who)]


Name = DetectionName
FIRING: list[tuple[DetectionName, list[AuditEntry], str]] = [
    (Name.BRUTE_FORCE, failures(10, 30 * timedelta(seconds=1)), "account/ada@example.com"),
    (Name.PASSWORD_SPRAYING, sprayed(5), "host/203.0.113.7"),
    (Name.IMPOSSIBLE_TRAVEL, travel(2, "203.0.113.9", "198.51.100.4"), "account/ada@example.com"),
    (Name.PRIVILEGE_GRANT, [entry("set_iam_policy")], "account/mallory@elsewhere.test"),
    (Name.CREDENTIAL_CREATED, [entry("create_key")], "account/etl@shop.iam.gserviceaccount.com"),
    (Name.EXFILTRATION, reads(60), "account/etl@shop.iam.gserviceaccount.com"),
    (Name.PUBLIC_ACCESS, [entry("bucket_public")], "bucket/shop-exports"),
    (Name.FIREWALL_OPENED, [entry("firewall_insert")], "firewall/allow-ssh"),
    (Name.AUDIT_LOGGING_OFF, [entry("audit_config")], "compliance/shop"),
    (Name.AUDIT_LOGGING_OFF, [entry("delete_sink")], "compliance/shop"),
    (Name.AUDIT_LOGGING_OFF, [entry("update_sink")], "compliance/shop"),
    (Name.SECRET_ACCESS, secret("mallory@elsewhere.test", 8 * DAY), "secret/slack-token"),
]
SILENT: list[tuple[DetectionName, list[AuditEntry]]] = [
    (Name.BRUTE_FORCE, failures(9, MINUTE / 2)),
    (Name.BRUTE_FORCE, failures(30, 5 * MINUTE)),
    (Name.PASSWORD_SPRAYING, sprayed(4)),
    (Name.PASSWORD_SPRAYING, failures(30, MINUTE)),
    (Name.IMPOSSIBLE_TRAVEL, travel(8, "203.0.113.9", "198.51.100.4")),
    (Name.IMPOSSIBLE_TRAVEL, travel(0.1, "203.0.113.9", "203.0.113.10")),
    (Name.IMPOSSIBLE_TRAVEL, travel(0.1, "203.0.113.9", "192.0.2.1")),
    (
        Name.PRIVILEGE_GRANT,
        [entry("set_iam_policy", serviceData=policy(("ADD", "user:bob@example.com", "roles/viewer")))],
    ),
    (Name.CREDENTIAL_CREATED, [entry("access_secret")]),
    (Name.EXFILTRATION, reads(20)),
    (Name.EXFILTRATION, reads(60)[-3:]),
    (
        Name.PUBLIC_ACCESS,
        [entry("bucket_public", serviceData=policy(("ADD", "user:bob@example.com", "roles/storage.objectViewer")))],
    ),
    (Name.FIREWALL_OPENED, [entry("firewall_insert", request={"sourceRanges": ["0.0.0.0/0"], "direction": "EGRESS"})]),
    (
        Name.FIREWALL_OPENED,
        [entry("firewall_insert", request={"sourceRanges": ["0.0.0.0/0"], "denieds": [{"IPProtocol": "all"}]})],
    ),
    (Name.FIREWALL_OPENED, [entry("firewall_insert", request={})]),
    (Name.AUDIT_LOGGING_OFF, [entry("set_iam_policy")]),
    (Name.SECRET_ACCESS, secret("mallory@elsewhere.test", 2 * DAY)),
    (Name.SECRET_ACCESS, secret("router@shop.iam.gserviceaccount.com", 8 * DAY)),
]


def test_every_detection_has_a_case() -> None:
    assert {name for name, _, _ in FIRING} == {name for name, _ in SILENT} == set(DETECTIONS) == set(DetectionName)


@pytest.mark.parametrize(("name", "entries", "target"), FIRING)
def test_it_fires(name: DetectionName, entries: list[AuditEntry], target: str) -> None:
    [found] = signals(name, *entries)
    assert (found.bad, found.target, found.detection, found.entry_id) == (True, target, name, entries[-1].id)
    assert found.principal == entries[-1].principal
    assert found.method == entries[-1].method
    assert found.resource == entries[-1].resource


@pytest.mark.parametrize(("name", "entries"), SILENT)
def test_it_is_silent(name: DetectionName, entries: list[AuditEntry]) -> None:
    assert [one for one in signals(name, *entries) if one.bad] == []


@pytest.mark.parametrize(("name", "entries"), [one[:2] for one in FIRING])
def test_what_is_expected_of_a_principal_is_no_finding(name: DetectionName, entries: list[AuditEntry]) -> None:
    settings = SecuritySettings(domains=("example.com",), expected={name: (entries[-1].principal[:3] + "*",)})
    assert [one for one in signals(name, *entries, settings=settings) if one.bad] == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (Name.PRIVILEGE_GRANT, entry("set_iam_policy"), entry("set_iam_policy", serviceData=policy(("REMOVE", "user:mallory@elsewhere.test", "roles/owner")))),
        (Name.CREDENTIAL_CREATED, entry("create_key"), entry("delete_key")),
        (Name.PUBLIC_ACCESS, entry("bucket_public"), entry("bucket_public", serviceData=policy(("REMOVE", "allUsers", "roles/storage.objectViewer")))),
        (Name.FIREWALL_OPENED, entry("firewall_insert"), entry("firewall_insert", methodName="v1.compute.firewalls.patch", request={"disabled": True})),
        (Name.FIREWALL_OPENED, entry("firewall_insert"), entry("firewall_insert", methodName="v1.compute.firewalls.delete", request={})),
        (Name.AUDIT_LOGGING_OFF, entry("update_sink"), entry("update_sink", request={"sink": {"name": "audit"}})),
        (Name.AUDIT_LOGGING_OFF, entry("delete_sink"), entry("delete_sink", methodName="google.logging.v2.ConfigServiceV2.CreateSink")),
    ],
)  # fmt: skip
def test_what_takes_it_back_is_about_the_same_subject(
    name: DetectionName, before: AuditEntry, after: AuditEntry
) -> None:
    [bad], [good] = signals(name, before), signals(name, after)
    assert (bad.target, bad.subject, bad.bad) == (good.target, good.subject, True)
    assert not good.bad


@pytest.mark.parametrize(
    ("method", "bad", "done"),
    [
        ("CreateServiceAccountKey", True, "made"),
        ("UploadServiceAccountKey", True, "uploaded"),
        ("EnableServiceAccountKey", True, "enabled"),
        ("DisableServiceAccountKey", False, "disabled"),
        ("DeleteServiceAccountKey", False, "deleted"),
    ],
)
def test_a_finding_on_a_key_says_what_was_done_to_it(method: str, bad: bool, done: str) -> None:  # noqa: FBT001 - a case
    logged = entry("create_key", methodName=f"google.iam.admin.v1.{method}")
    [found] = signals(Name.CREDENTIAL_CREATED, logged)
    assert found.bad is bad
    assert f" was {done} by ada@example.com" in found.summary


def test_a_sink_whose_filter_changes_is_neither_on_nor_off() -> None:
    changed = {"sink": {"name": "audit", "filter": "x"}, "updateMask": "filter,destination"}
    assert signals(Name.AUDIT_LOGGING_OFF, entry("update_sink", request=changed)) == []
    disabled = {"sink": {"name": "audit", "disabled": True}, "updateMask": "filter,disabled"}
    assert len(signals(Name.AUDIT_LOGGING_OFF, entry("update_sink", request=disabled))) == 1


def test_a_role_that_changes_its_condition_stays_granted() -> None:
    both = policy(("REMOVE", "user:eve@example.com", "roles/owner"), ("ADD", "user:eve@example.com", "roles/owner"))
    assert {one.bad for one in signals(Name.PRIVILEGE_GRANT, entry("set_iam_policy", serviceData=both))} == {True}


def test_without_domains_nobody_is_from_outside() -> None:
    viewer = entry("set_iam_policy", serviceData=policy(("ADD", "user:mallory@elsewhere.test", "roles/viewer")))
    assert len(signals(Name.PRIVILEGE_GRANT, viewer)) == 1
    assert signals(Name.PRIVILEGE_GRANT, viewer, settings=SecuritySettings()) == []


def test_an_exemption_from_the_audit_log_is_turning_it_off() -> None:
    delta = {
        "action": "ADD",
        "service": "allServices",
        "logType": "DATA_READ",
        "exemptedMember": "user:eve@example.com",
    }
    [found] = signals(
        Name.AUDIT_LOGGING_OFF, entry("audit_config", serviceData={"policyDelta": {"auditConfigDeltas": [delta]}})
    )
    assert found.bad
    assert "user:eve@example.com" in found.subject


def test_neither_the_order_nor_the_number_of_deliveries_of_sign_ins_matters() -> None:
    failed = failures(10, MINUTE / 2)
    [found] = signals(Name.BRUTE_FORCE, *failed[5:], *failed, *failed[:5])
    assert found.value == 10.0
    late = travel(2, "203.0.113.9", "198.51.100.4")
    assert len(signals(Name.IMPOSSIBLE_TRAVEL, *reversed(late))) == 1


def test_a_job_that_is_logged_twice_is_read_once() -> None:
    usual = reads(30)
    again = entry("bigquery_job", AT + 10 * DAY, id="other", metadata=job(99, 30))
    assert signals(Name.EXFILTRATION, *usual, again) == []


@pytest.mark.parametrize("name", DetectionName)
def test_each_names_a_technique_and_its_documentation(name: DetectionName) -> None:
    detection = DETECTIONS[name]
    assert detection.technique[0] == "T"
    assert detection.documentation.startswith("https://cloud.google.com/")
    assert detection.runbook == f"security.md#{name}"


@pytest.mark.parametrize(("name", "_entries", "target"), FIRING)
def test_an_incident_is_one_of_security_or_of_compliance(
    name: DetectionName, _entries: list[AuditEntry], target: str
) -> None:
    category = classify(target, name, SOURCE, Severity.ERROR).category
    assert category is (Category.COMPLIANCE if name is Name.AUDIT_LOGGING_OFF else Category.SECURITY)

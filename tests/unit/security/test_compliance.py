"""Items of the benchmark: good, bad, and not known where nothing was read."""

from datetime import timedelta
from typing import Any

import pytest

from core.detection import Outcome
from core.security.case import with_signal
from core.security.compliance import ITEMS, Answer, combined, report
from core.security.detections import DETECTIONS
from core.security.inventory import (
    AuditConfig,
    Binding,
    IamPolicy,
    Inventory,
    PlannedResource,
    ServiceAccountKey,
    exposed,
    locked,
    old_keys,
)
from core.security.places import Places
from core.settings import DetectionName, SecuritySettings
from tests.support.builders.audit_log import AT, DAY, entry

GOOD, BAD, NOT_KNOWN = Outcome.GOOD, Outcome.BAD, Outcome.NOT_KNOWN
SETTINGS = SecuritySettings(domains=("example.com",))
LOGGED = AuditConfig(service="allServices", log_types=frozenset({"ADMIN_READ", "DATA_READ", "DATA_WRITE"}))
ROBOT = "serviceAccount:etl@shop.iam.gserviceaccount.com"
CLEAN = IamPolicy(
    bindings=(
        Binding(role="roles/owner", members=("user:ada@example.com",)),
        Binding(role="roles/viewer", members=(ROBOT,)),
        Binding(role="roles/editor", members=("serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com",)),
    ),
    audit_configs=(LOGGED,),
)
OF_POLICY = ("1.1", "1.5", "1.6", "1.8", "2.1")


def answers(inventory: Inventory, *detections: DetectionName) -> dict[str, Answer]:
    names = {DetectionName.PUBLIC_ACCESS: "bucket_public", DetectionName.CREDENTIAL_CREATED: "create_key"}
    names |= {DetectionName.AUDIT_LOGGING_OFF: "delete_sink"}
    found = [DETECTIONS[one].judge(entry(names[one]), (), SETTINGS, Places()) for one in detections]
    cases = [with_signal(None, signal) for signals in found for signal in signals]
    return {one.number: one for one in report(cases, inventory, SETTINGS, AT)}


def outcome(number: str, inventory: Inventory) -> Outcome:
    return answers(inventory)[number].outcome


def with_binding(role: str, *members: str) -> IamPolicy:
    return IamPolicy(bindings=(*CLEAN.bindings, Binding(role=role, members=members)), audit_configs=(LOGGED,))


def planned(kind: str, **values: Any) -> Inventory:
    return Inventory(plan=(PlannedResource(address=f"{kind}.x", kind=kind, values=values),))


def test_where_nothing_was_read_nothing_is_known_and_the_evidence_says_what_is_missing() -> None:
    found = answers(Inventory())
    assert {one.outcome for one in found.values()} == {NOT_KNOWN}
    assert all(one.evidence[0].startswith("not read: ") for one in found.values())
    assert list(found) == [item.number for item in ITEMS]


def test_what_the_log_shows_is_bad_with_the_entry() -> None:
    found = answers(
        Inventory(), DetectionName.PUBLIC_ACCESS, DetectionName.CREDENTIAL_CREATED, DetectionName.AUDIT_LOGGING_OFF
    )
    assert {number for number, one in found.items() if one.outcome is BAD} == {"1.4", "2.1", "5.1"}
    assert found["5.1"].evidence == (
        "shop-exports: allUsers has roles/storage.objectViewer (log entry bucket_publi1x2y)",
    )


def test_a_clean_policy_is_good() -> None:
    found = answers(Inventory(policy=CLEAN))
    assert {number: found[number].outcome for number in OF_POLICY} == dict.fromkeys(OF_POLICY, GOOD)
    assert found["7.2"].outcome is NOT_KNOWN


def test_what_is_open_in_the_log_is_bad_though_the_policy_is_clean() -> None:
    assert answers(Inventory(policy=CLEAN), DetectionName.AUDIT_LOGGING_OFF)["2.1"].outcome is BAD


@pytest.mark.parametrize(
    ("number", "policy"),
    [
        ("1.1", with_binding("roles/viewer", "user:mallory@gmail.com")),
        ("1.5", with_binding("roles/storage.admin", ROBOT)),
        ("1.6", with_binding("roles/iam.serviceAccountTokenCreator", "user:ada@example.com")),
        ("1.8", with_binding("roles/iam.serviceAccountAdmin", "user:ada@example.com")),
        ("2.1", IamPolicy(audit_configs=(AuditConfig(service="allServices", log_types=frozenset({"DATA_READ"})),))),
        ("2.1", IamPolicy(audit_configs=(LOGGED, AuditConfig(service="a", exempted=("user:eve@example.com",))))),
    ],
)
def test_a_policy_that_breaks_one_item_is_bad_in_it_and_in_no_other(number: str, policy: IamPolicy) -> None:
    if number == "1.8":
        both = Binding(role="roles/iam.serviceAccountUser", members=("user:ada@example.com",))
        policy = IamPolicy(bindings=(*policy.bindings, both), audit_configs=policy.audit_configs)
    found = answers(Inventory(policy=policy))
    others = {"1.6"} if number == "1.8" else set()
    assert {one for one in OF_POLICY if found[one].outcome is BAD} == {number} | others


def test_members_from_outside_are_not_known_without_domains() -> None:
    [first, *_] = report(None, Inventory(policy=CLEAN), SecuritySettings(), AT)
    assert first.outcome is NOT_KNOWN


@pytest.mark.parametrize(
    ("number", "bad", "good"),
    [
        *(
            (
                number,
                {"source_ranges": ["0.0.0.0/0"], "allow": [{"protocol": "tcp", "ports": [port]}]},
                {"source_ranges": ["0.0.0.0/0"], "allow": [{"protocol": "tcp", "ports": ["443"]}]},
            )
            for number, port in (("3.6", "20-25"), ("3.7", "3389"))
        ),
        ("3.6", {"source_ranges": ["::/0"], "allow": [{"protocol": "all"}]}, {"source_ranges": ["10.0.0.0/8"], "allow": [{"protocol": "all"}]}),
        ("3.6", {"source_ranges": ["0.0.0.0/0"], "allow": [{"protocol": "tcp"}]}, {"source_ranges": ["0.0.0.0/0"], "allow": [{"protocol": "tcp"}], "disabled": True}),
        ("5.1", {"member": "allUsers"}, {"member": "user:ada@example.com"}),
        ("5.2", {}, {"uniform_bucket_level_access": True}),
        ("7.1", {"access": [{"special_group": "allAuthenticatedUsers"}]}, {"access": [{"special_group": "projectOwners"}]}),
        ("7.2", {}, {"encryption_configuration": [{"kms_key_name": "k"}]}),
        ("7.3", {}, {"default_encryption_configuration": [{"kms_key_name": "k"}]}),
    ],
)  # fmt: skip
def test_a_plan_answers_for_its_own_resources(number: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    kinds = {
        "3.6": "google_compute_firewall",
        "3.7": "google_compute_firewall",
        "5.1": "google_storage_bucket_iam_member",
    }
    kinds |= {"5.2": "google_storage_bucket", "7.1": "google_bigquery_dataset", "7.2": "google_bigquery_table"}
    kind = kinds.get(number, "google_bigquery_dataset")
    assert outcome(number, planned(kind, **bad)) is BAD
    assert outcome(number, planned(kind, **good)) is GOOD
    assert outcome(number, planned("google_pubsub_topic")) is NOT_KNOWN


def test_keys_must_be_of_google_or_young() -> None:
    keys = (ServiceAccountKey(name="k1", made_at=AT - 91 * DAY), ServiceAccountKey(name="k2", made_at=AT - 89 * DAY))
    found = answers(Inventory(keys=keys))
    assert (found["1.4"].outcome, len(found["1.4"].evidence)) == (BAD, 2)
    assert found["1.7"].evidence == ("k1 is 91 days old",)
    assert outcome("1.7", Inventory(keys=())) is outcome("1.4", Inventory(keys=())) is GOOD


def test_two_sources_are_combined_without_losing_what_is_bad() -> None:
    log, files = (Answer(number="1", title="t", outcome=BAD, evidence=(name,), at=AT) for name in "ab")
    assert combined(log, files).evidence == ("a", "b")
    good = Answer(number="1", title="t", outcome=GOOD, evidence=("c",), at=AT)
    unknown = Answer(number="1", title="t", outcome=NOT_KNOWN, evidence=("d",), at=AT)
    assert combined(good, log).outcome is combined(log, good).outcome is BAD
    assert combined(good, unknown) is combined(unknown, good) is good
    assert combined(unknown, unknown).outcome is NOT_KNOWN


def test_what_a_scan_asks_for() -> None:
    assert exposed(with_binding("roles/viewer", "allUsers")) == ["allUsers has roles/viewer"]
    assert exposed(CLEAN) == []
    key = ServiceAccountKey(name="k", made_at=AT - 10 * DAY)
    assert old_keys((key,), AT, timedelta(days=5)) == ["k is 10 days old"]


def test_what_an_extra_needs_is_found_through_others_with_their_extras_and_in_each_version() -> None:
    needs = {"api": [{"name": "web", "extra": ["http2"]}], "other": [{"name": "tests"}]}
    lock = {
        "package": [
            {"name": "app", "version": "1", "source": {"editable": "."}, "optional-dependencies": needs},
            {"name": "web", "version": "2", "source": {}, "optional-dependencies": {"http2": [{"name": "h2"}]}},
            {"name": "h2", "version": "3", "source": {}, "dependencies": [{"name": "web"}, {"name": "numbers"}]},
            {"name": "numbers", "version": "4", "source": {}},
            {"name": "numbers", "version": "5", "source": {}},
            {"name": "tests", "version": "6", "source": {}},
        ]
    }
    found = [f"{one.name} {one.version}" for one in locked(lock, ["api", "unknown"])]
    assert found == ["h2 3", "numbers 4", "numbers 5", "web 2"]

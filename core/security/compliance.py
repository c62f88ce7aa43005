"""Compliance: items of the CIS Google Cloud Platform Foundation Benchmark that the audit log, policies and a Terraform plan can answer.

The numbers are those of version 3.0.0 (https://www.cisecurity.org/benchmark/google_cloud_computing_platform). An item is bad where
anything shows it, and good only where what is there now was read and shows none: that the log has no entry of a change says nothing of what was
there before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.detection import Outcome
from core.patterns import any_matches
from core.security.case import Case
from core.security.changes import EVERYWHERE
from core.security.entry import PUBLIC
from core.security.inventory import IamPolicy, Inventory, PlannedResource, old_keys
from core.settings import DetectionName, SecuritySettings

MOST_EVIDENCE = 20
"""Lines of evidence of an item."""
_ADMIN = ("roles/owner", "roles/editor", "*admin", "*Admin")
_ACTS_AS = ("roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator")
_LOG_TYPES = frozenset({"ADMIN_READ", "DATA_READ", "DATA_WRITE"})
_SSH, _RDP = 22, 3389
Faults = list[str] | None
"""What is wrong; None where what tells it was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What items are answered from."""

    inventory: Inventory
    settings: SecuritySettings
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of the list.

    Attributes:
        number: of the benchmark.
        title: what must hold.
        faults: what is wrong by the inventory.
        detection: whose open cases show it as well.
        reads: what the answer is read from.
    """

    number: str
    title: str
    faults: Callable[[Question], Faults]
    reads: str
    detection: DetectionName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to an item.

    Attributes:
        number: of the item.
        title: of the item.
        outcome: good, bad or not known.
        evidence: what shows it.
        at: the instant of the answer.
    """

    number: str
    title: str
    outcome: Outcome
    evidence: tuple[str, ...]
    at: datetime


def report(
    cases: Iterable[Case] | None, inventory: Inventory, settings: SecuritySettings, at: datetime
) -> list[Answer]:
    """The answer to each item.

    Args:
        cases: those that are open; None where they were not read.
        inventory: what was read.
        settings: the domains of the organisation.
        at: the instant.
    """
    question, opened = Question(inventory=inventory, settings=settings, at=at), list(cases or ())
    return [_answer(item, question, [one for one in opened if one.detection == item.detection]) for item in ITEMS]


def _answer(item: Item, question: Question, cases: Sequence[Case]) -> Answer:
    faults = item.faults(question)
    logged = [f"{signal.summary} (log entry {signal.entry_id})" for case in cases for signal in case.open]
    wrong = [*logged, *(faults or ())]
    outcome = Outcome.NOT_KNOWN if faults is None and not wrong else Outcome.of(bad=bool(wrong))
    evidence = wrong or [f"not read: {item.reads}" if faults is None else f"read, and nothing found: {item.reads}"]
    return Answer(
        number=item.number,
        title=item.title,
        outcome=outcome,
        evidence=tuple(evidence[:MOST_EVIDENCE]),
        at=question.at,
    )


def combined(one: Answer, other: Answer) -> Answer:
    """The answer by two sources: bad where either is, and good where one is good and the other is not known."""
    if Outcome.BAD in (one.outcome, other.outcome):
        bad = [each for each in (one, other) if each.outcome is Outcome.BAD]
        evidence = dict.fromkeys(line for each in bad for line in each.evidence)
        return replace(bad[0], evidence=tuple(evidence), at=max(each.at for each in bad))
    return one if one.outcome is Outcome.GOOD else other


def _of_policy(faults: Callable[[IamPolicy, SecuritySettings], Faults]) -> Callable[[Question], Faults]:
    def of(question: Question) -> Faults:
        policy = question.inventory.policy
        return None if policy is None else faults(policy, question.settings)

    return of


def _of_plan(faults: Callable[[PlannedResource], Iterable[str]], *kinds: str) -> Callable[[Question], Faults]:
    """What is wrong with planned resources of some kinds; a plan without any of them says nothing of what is elsewhere."""

    def of(question: Question) -> Faults:
        found = [one for one in question.inventory.plan or () if one.kind in kinds]
        return [line for one in found for line in faults(one)] if found else None

    return of


def _outside(policy: IamPolicy, settings: SecuritySettings) -> Faults:
    people = [(member, role) for member, role in policy.grants if member.startswith(("user:", "group:"))]
    allowed = settings.domains
    if not allowed:
        return [f"{member} has {role}" for member, role in people if member.endswith("@gmail.com")] or None
    return [f"{member} has {role}" for member, role in people if member.rpartition("@")[2].lower() not in allowed]


def _admin_accounts(policy: IamPolicy, _settings: SecuritySettings) -> Faults:
    own = (one for one in policy.grants if one[0].startswith("serviceAccount:") and _is_user_managed(one[0]))
    return [f"{member} has {role}" for member, role in own if any_matches(_ADMIN, role)]


def _is_user_managed(member: str) -> bool:
    """Whether it is an account of a project, and none of Google's agents (`service-NUMBER@gcp-sa-….iam.gserviceaccount.com`)."""
    domain = member.rpartition("@")[2]
    return domain.endswith(".iam.gserviceaccount.com") and not domain.startswith("gcp-sa-")


def _people_act_as(policy: IamPolicy, _settings: SecuritySettings) -> Faults:
    return [f"{member} has {role}" for member, role in policy.grants if role in _ACTS_AS and member.startswith("user:")]


def _duties(policy: IamPolicy, _settings: SecuritySettings) -> Faults:
    holders = {role: {member for member, one in policy.grants if one == role} for _, role in policy.grants}
    both = holders.get("roles/iam.serviceAccountAdmin", set()) & holders.get("roles/iam.serviceAccountUser", set())
    return [f"{member} may make service accounts and act as them" for member in sorted(both)]


def _audit_logs(policy: IamPolicy, _settings: SecuritySettings) -> Faults:
    everywhere = [one for one in policy.audit_configs if one.service == "allServices"]
    logged = frozenset[str]().union(*(one.log_types for one in everywhere))
    missing = [f"{kind} is not logged for allServices" for kind in sorted(_LOG_TYPES - logged)]
    return [
        *missing,
        *(f"{member} is exempted of {one.service}" for one in policy.audit_configs for member in one.exempted),
    ]


def _user_keys(question: Question) -> Faults:
    keys = question.inventory.keys
    return None if keys is None else [f"{key.name} was made on {key.made_at:%Y-%m-%d}" for key in keys]


def _old_keys(question: Question) -> Faults:
    keys = question.inventory.keys
    return None if keys is None else old_keys(keys, question.at)


def _open_to(port: int) -> Callable[[PlannedResource], Iterable[str]]:
    def faults(rule: PlannedResource) -> Iterable[str]:
        values = rule.values
        open_to_all = any(one in EVERYWHERE for one in values.get("source_ranges") or ())
        allowed = any(_has_port(one, port) for one in values.get("allow") or ())
        if open_to_all and allowed and not values.get("disabled") and values.get("direction") != "EGRESS":
            yield f"{rule.address}: port {port} is open to everywhere"

    return faults


def _has_port(allow: Mapping[str, Any], port: int) -> bool:
    """Whether a rule allows a TCP port; without ports it allows all."""
    ports = [str(one).partition("-") for one in allow.get("ports") or ()]
    if str(allow.get("protocol", "")).lower() not in ("tcp", "all", "6"):
        return False
    return not ports or any(int(low) <= port <= int(high or low) for low, _, high in ports if low.isdecimal())


def _public(resource: PlannedResource) -> Iterable[str]:
    values = resource.values
    members = [values.get("member"), *(values.get("members") or ())]
    groups = [one.get("special_group") or one.get("iam_member") for one in values.get("access") or ()]
    yield from (f"{resource.address}: {one}" for one in (*members, *groups) if one in PUBLIC)


def _not_uniform(bucket: PlannedResource) -> Iterable[str]:
    if not bucket.values.get("uniform_bucket_level_access"):
        yield f"{bucket.address}: has no uniform bucket-level access"


def _own_key(name: str) -> Callable[[PlannedResource], Iterable[str]]:
    def faults(resource: PlannedResource) -> Iterable[str]:
        if not resource.values.get(name) and not resource.values.get("view"):
            yield f"{resource.address}: has no key of its own"

    return faults


_BUCKET_GRANTS = ("google_storage_bucket_iam_member", "google_storage_bucket_iam_binding")
_DATASET_GRANTS = (
    "google_bigquery_dataset",
    "google_bigquery_dataset_iam_member",
    "google_bigquery_dataset_iam_binding",
)
_POLICY = "the IAM policy of the project"
_KEYS = "the keys of service accounts"
_PLAN = "a Terraform plan with such resources"
ITEMS: Sequence[Item] = (
    Item(
        number="1.1",
        title="Corporate login credentials are used",
        faults=_of_policy(_outside),
        reads=f"{_POLICY}, and the domains of the settings",
    ),
    Item(
        number="1.4",
        title="Service accounts have only keys that Google manages",
        faults=_user_keys,
        reads=_KEYS,
        detection=DetectionName.CREDENTIAL_CREATED,
    ),
    Item(
        number="1.5",
        title="Service accounts have no admin privileges",
        faults=_of_policy(_admin_accounts),
        reads=_POLICY,
    ),
    Item(
        number="1.6",
        title="Users may not act as every service account of the project",
        faults=_of_policy(_people_act_as),
        reads=_POLICY,
    ),
    Item(number="1.7", title="Keys of service accounts are at most 90 days old", faults=_old_keys, reads=_KEYS),
    Item(number="1.8", title="Duties about service accounts are separated", faults=_of_policy(_duties), reads=_POLICY),
    Item(
        number="2.1",
        title="Cloud Audit Logging is configured properly",
        faults=_of_policy(_audit_logs),
        reads=_POLICY,
        detection=DetectionName.AUDIT_LOGGING_OFF,
    ),
    Item(
        number="3.6",
        title="SSH is restricted from the internet",
        faults=_of_plan(_open_to(_SSH), "google_compute_firewall"),
        reads=_PLAN,
    ),
    Item(
        number="3.7",
        title="RDP is restricted from the internet",
        faults=_of_plan(_open_to(_RDP), "google_compute_firewall"),
        reads=_PLAN,
    ),
    Item(
        number="5.1",
        title="Buckets are not public",
        faults=_of_plan(_public, *_BUCKET_GRANTS),
        reads=_PLAN,
        detection=DetectionName.PUBLIC_ACCESS,
    ),
    Item(
        number="5.2",
        title="Buckets have uniform bucket-level access",
        faults=_of_plan(_not_uniform, "google_storage_bucket"),
        reads=_PLAN,
    ),
    Item(
        number="7.1", title="BigQuery datasets are not public", faults=_of_plan(_public, *_DATASET_GRANTS), reads=_PLAN
    ),
    Item(
        number="7.2",
        title="BigQuery tables are encrypted with customer-managed keys (CMEK)",
        faults=_of_plan(_own_key("encryption_configuration"), "google_bigquery_table"),
        reads=_PLAN,
    ),
    Item(
        number="7.3",
        title="BigQuery datasets have a default customer-managed key (CMEK)",
        faults=_of_plan(_own_key("default_encryption_configuration"), "google_bigquery_dataset"),
        reads=_PLAN,
    ),
)
"""The items, by number."""

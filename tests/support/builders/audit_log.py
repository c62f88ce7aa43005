"""Entries of the audit log: the payload files with other values, and a week that is made up."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from core.security.entry import AuditEntry
from functions.audit_events.read import read_entry

PAYLOADS = Path(__file__).parents[2] / "payloads"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GIB = 2**30
STAFF = [f"person{number}@example.com" for number in range(12)]
ACCOUNTS = [f"job{number}@shop.iam.gserviceaccount.com" for number in range(5)]


def logged(name: str, at: datetime = AT, **given: Any) -> bytes:
    """The payload file of a name with another instant, `id`, `who`, `address`, and fields of its payload."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"gcp_audit_{name}.json").read_text())
    payload = found["protoPayload"]
    found["timestamp"] = at.isoformat()
    found["insertId"] = given.pop("id", found["insertId"])
    payload["authenticationInfo"]["principalEmail"] = given.pop("who", payload["authenticationInfo"]["principalEmail"])
    payload["requestMetadata"]["callerIp"] = given.pop("address", payload["requestMetadata"]["callerIp"])
    payload |= given
    return json.dumps(found).encode()


def entry(name: str, at: datetime = AT, **given: Any) -> AuditEntry:
    """The same, as it is read."""
    return read_entry(logged(name, at, **given))


def policy(*deltas: tuple[str, str, str]) -> dict[str, Any]:
    """The service data of deltas: action, member, role."""
    rows = [{"action": action, "member": member, "role": role} for action, member, role in deltas]
    return {"policyDelta": {"bindingDeltas": rows}}


def job(number: int, gib: float) -> dict[str, Any]:
    """The metadata of a finished job."""
    stats = {"queryStats": {"totalProcessedBytes": str(int(gib * GIB))}}
    return {"jobChange": {"after": "DONE", "job": {"jobName": f"projects/shop/jobs/j{number}", "jobStats": stats}}}


def ordinary_weeks(seed: int, start: datetime, days: int = 21) -> list[bytes]:
    """Synthetic entries of ordinary days, in order: made up by a generator, of no real organisation.

    Staff sign in from one office, now and then with a wrong password; service accounts read secrets and BigQuery by a daily rhythm
    with log-normal noise; roles without privileges are granted, internal firewall rules and private buckets are changed.
    """
    random, made = Random(seed), list[tuple[datetime, bytes]]()
    for number in range(days):
        made += ((at, data) for at, data in _day(random, start + number * DAY, number))
    return [data for _, data in sorted(made)]


def _day(random: Random, day: datetime, number: int) -> Iterator[tuple[datetime, bytes]]:
    def at() -> datetime:
        return day + random.uniform(0, 86_399) * timedelta(seconds=1)

    def one(name: str, **given: Any) -> tuple[datetime, bytes]:
        when = at()
        return when, logged(name, when, id=f"{name}{number}-{random.getrandbits(48):x}", **given)

    for person in STAFF if day.weekday() < 5 else STAFF[:2]:
        office = f"203.0.113.{random.randrange(1, 255)}"
        for _ in range(random.choice((0, 0, 0, 1, 3))):
            yield one("login_failure", who=person, address=office)
        yield one("login_success", who=person, address=office)
    for index, account in enumerate(ACCOUNTS):
        for _ in range(6):
            yield one("access_secret", who=account, resourceName=f"projects/1/secrets/s{index}/versions/1")
            gib = random.lognormvariate(0.5 * index, 0.4)
            yield one("bigquery_job", who=account, metadata=job(random.getrandbits(48), gib))
    granted = policy(("ADD", f"user:{random.choice(STAFF)}", "roles/viewer"))
    yield one("set_iam_policy", serviceData=granted)
    yield one("firewall_insert", request={"sourceRanges": ["10.0.0.0/8"], "direction": "INGRESS"})
    private = policy(("ADD", f"user:{random.choice(STAFF)}", "roles/storage.objectViewer"))
    yield one("bucket_public", serviceData=private)

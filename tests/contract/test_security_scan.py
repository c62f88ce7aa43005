"""What the security scan reads, over the wire: policies, keys and advisories, as the references document them."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import requests

from core.errors import QueryError, UnavailableError
from core.security.inventory import Dependency, exposed, old_keys
from functions.adapters.advisories import Advisories
from functions.adapters.iam_inventory import IamInventory
from tests.support.servers.google_rest import PROJECT, Cloud, cloud

AT = datetime(2026, 6, 8, 4, tzinfo=UTC)
JINJA, NUMPY = Dependency("jinja2", "2.4.1"), Dependency("numpy", "2.4.0")


@pytest.fixture
def google() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


def inventory(url: str) -> IamInventory:
    return IamInventory(PROJECT, requests.Session, resource_manager=url, iam=url, patience=2.0)


def osv(url: str) -> Advisories:
    return Advisories(requests.Session, url=url, patience=2.0)


def test_a_policy_is_read_with_its_conditional_bindings(google: Cloud) -> None:
    condition = {"title": "until June", "expression": "request.time < timestamp('2026-06-01T00:00:00Z')"}
    google.policy["bindings"] = [
        {"role": "roles/owner", "members": ["user:ada@example.com"]},
        {"role": "roles/viewer", "members": ["allUsers"], "condition": condition},
    ]
    google.policy["auditConfigs"] = [
        {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": ["user:ada@b.c"]}]}
    ]
    read = inventory(google.url).policy()
    assert exposed(read) == ["allUsers has roles/viewer"]
    assert [one.condition for one in read.bindings] == ["", condition["expression"]]
    assert (read.audit_configs[0].service, read.audit_configs[0].exempted) == ("allServices", ("user:ada@b.c",))


def test_the_keys_of_all_accounts_are_read_but_those_that_google_manages_or_that_are_disabled(google: Cloud) -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"
    for account in ("a@x", "b@x", "c@x"):  # two pages
        google.make_key(account, "1", old)
    google.make_key("a@x", "2", new)
    google.make_key("b@x", "3", old, keyType="SYSTEM_MANAGED")
    google.make_key("c@x", "4", old, disabled=True)
    read = inventory(google.url).keys()
    assert [one.name.partition("serviceAccounts/")[2] for one in read] == [
        "a@x/keys/1",
        "a@x/keys/2",
        "b@x/keys/1",
        "c@x/keys/1",
    ]
    assert len(old_keys(read, AT)) == 3


def test_an_account_without_keys_has_none(google: Cloud) -> None:
    google.keys["a@x"] = []
    assert inventory(google.url).keys() == ()


def test_advisories_belong_to_the_package_that_was_asked_for(google: Cloud) -> None:
    google.advisories[JINJA.name, JINJA.version] = ["PYSEC-2019-217", "GHSA-462w-v97r-4m45"]
    found = Advisories(requests.Session, url=google.url, at_once=1).of([NUMPY, JINJA])
    assert {one: list(ids) for one, ids in found.items()} == {
        NUMPY: [],
        JINJA: ["PYSEC-2019-217", "GHSA-462w-v97r-4m45"],
    }
    assert google.asked == ["POST /v1/querybatch"] * 2


def policy(url: str) -> object:
    return inventory(url).policy()


def keys(url: str) -> object:
    return inventory(url).keys()


def advised(url: str) -> object:
    return osv(url).of([JINJA])


Read = Callable[[str], object]
READS: tuple[Read, ...] = (policy, keys, advised)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "broken",
    [
        (500, b""),
        (429, b'{"error": {"message": "Quota exceeded"}}'),
        (302, b""),
        (200, b"<html>"),
        (200, b'{"bindings": 7, "accounts": 7, "results": 7}'),
        (200, b'{"results": [], "accounts": [{}]}'),
        (200, b"[" * 100_000),
    ],
)
def test_nonsense_is_no_answer(google: Cloud, read: Read, broken: tuple[int, bytes]) -> None:
    google.keys["a@x"] = []
    google.broken = broken
    with pytest.raises(UnavailableError):
        read(google.url)


@pytest.mark.parametrize("read", READS)
def test_a_server_that_is_not_there_is_no_answer(read: Read) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnavailableError, match="does not answer"):
        read(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("permission", "read"),
    [
        ("resourcemanager.projects.getIamPolicy", policy),
        ("iam.serviceAccounts.list", keys),
        ("iam.serviceAccountKeys.list", keys),
    ],
)
def test_a_missing_permission_is_named(google: Cloud, permission: str, read: Read) -> None:
    google.keys["a@x"] = []
    google.permissions.remove(permission)
    with pytest.raises(QueryError, match=f"403: Permission '{permission}' denied"):
        read(google.url)

"""The section `access`: roles by accounts and by groups of them."""

from core.access import Role, role_of
from core.settings import parse
from tests.support.builders.settings import faults


def test_a_group_gives_its_accounts_the_highest_of_their_roles() -> None:
    groups = {"night": ["ada@example.com", "*@on-call.example.com"], "leads": ["Ada@example.com"]}
    given = {"responders": ["group:night"], "operators": ["bob@example.com"], "admins": ["group:leads"]}
    access = parse({"version": 1, "jobs": {}, "access": given | {"groups": groups}}).access
    found = [role_of(one, access) for one in ("ada@example.com", "eve@on-call.example.com", "bob@example.com", "x@y.z")]
    assert found == [Role.ADMIN, Role.RESPONDER, Role.OPERATOR, Role.VIEWER]


def test_a_group_that_is_not_listed_is_named_with_those_that_are() -> None:
    given = {"responders": ["a@b.c", "group:day"], "groups": {"night": ["a@b.c"]}}
    assert faults({"version": 1, "jobs": {}, "access": given}) == [
        "access.responders[1]: must be a pattern of accounts, or one of group:night, got 'group:day'"
    ]

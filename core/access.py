"""Roles of people, and which of them an account has."""

from enum import IntEnum

from core.patterns import matches
from core.settings.access import Access


class Role(IntEnum):
    """What an account may do; each role may do what the ones before it may."""

    VIEWER = 0
    RESPONDER = 1
    OPERATOR = 2
    ADMIN = 3


def role_of(account: str, access: Access | None) -> Role:
    """The highest role of an account.

    Args:
        account: its e-mail address.
        access: the settings; without them every account may do everything.

    >>> role_of("grace@example.com", Access(operators=("*@example.com",), admins=("ada@example.com",))).name
    'OPERATOR'
    >>> role_of("bob@example.com", Access(responders=("group:night",), groups={"night": ("bob@*",)})).name
    'RESPONDER'
    """
    if access is None:
        return Role.ADMIN
    patterns = {Role.ADMIN: access.admins, Role.OPERATOR: access.operators, Role.RESPONDER: access.responders}
    name = account.lower()
    return next(
        (
            role
            for role, known in patterns.items()
            if any(matches(pattern.lower(), name) for pattern in access.accounts(known))
        ),
        Role.VIEWER,
    )

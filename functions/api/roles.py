"""Who may ask an endpoint: the role that it declares, and the role that a person has."""

from collections.abc import Callable

from werkzeug.exceptions import Forbidden

from core.access import Role

RoleOf = Callable[[str], Role]
"""The role of a person."""


def check(required: Role, person: str, role_of: Callable[[], Role]) -> None:
    """Raise `Forbidden` unless a person has the role that an endpoint takes; nothing is looked up for what everybody may."""
    if required is Role.VIEWER:
        return
    role = role_of()
    if role < required:
        higher = "" if required is max(Role) else " or higher"
        raise Forbidden(
            f"role: must be {required.name.lower()}{higher}, {person} is {role.name.lower()}; see access in the settings, and the role of the token"
        )

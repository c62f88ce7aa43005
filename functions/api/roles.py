"""The role that each endpoint takes; what is not named here is open to everybody who may read."""

from collections.abc import Callable, Mapping

from werkzeug.exceptions import Forbidden

from core.access import Role

RoleOf = Callable[[str], Role]
"""The role of a person."""
REQUIRED: Mapping[str, Role] = {
    "about_incident": Role.RESPONDER,
    "silence": Role.RESPONDER,
    "unsilence": Role.RESPONDER,
    "test_channel": Role.RESPONDER,
    "send_report": Role.RESPONDER,
    "decide_recommendation": Role.RESPONDER,
    "about_action": Role.OPERATOR,
    "switch": Role.OPERATOR,
    "retrain": Role.OPERATOR,
    "promote": Role.OPERATOR,
    "roll_back": Role.OPERATOR,
    "send_again": Role.OPERATOR,
    "upload_answers": Role.OPERATOR,
    "put_model": Role.ADMIN,
    "remove_model": Role.ADMIN,
}


def check(endpoint: str, person: str, role_of: RoleOf) -> None:
    """Raise `Forbidden` unless a person has the role that an endpoint takes; nothing is looked up for what takes none."""
    required = REQUIRED.get(endpoint)
    if required is None:
        return
    role = role_of(person)
    if role < required:
        allowed = " or ".join(one.name.lower() for one in Role if one >= required)
        raise Forbidden(f"role: must be {allowed}, {person} is {role.name.lower()}; see access in the settings")

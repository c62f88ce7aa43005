"""Desks and incidents as the store keeps them."""

from datetime import datetime

import msgspec

from core.incidents.model import State
from core.incidents.outbox import Desk
from functions.adapters.ports import Data

DESKS = "targets"
"""A document a target: what decides. Its key is the target."""
INCIDENTS = "incidents"
"""A document an incident: a copy to read, made from the desk. Its key is the incident's id."""


def desk_data(desk: Desk) -> Data:
    """The document of a desk."""
    data: Data = msgspec.to_builtins(desk, builtin_types=(datetime,))
    return data


def read_desk(data: Data) -> Desk:
    """The desk that a document holds."""
    return msgspec.convert(data, Desk, builtin_types=(datetime,))


def incident_data(desk: Desk) -> Data:
    """The incident of a desk as people read it: with its conditions, the worst first, but without their histories.

    `open` tells whether it is not resolved yet, so that the open ones can be found; `revision` which copy is newer.
    """
    data: Data = msgspec.to_builtins(desk.watch.incident, builtin_types=(datetime,))
    members: list[Data] = msgspec.to_builtins(desk.watch.members(), builtin_types=(datetime,))
    for member in members:
        del member["history"]
    is_open = data["state"] != State.RESOLVED
    return data | {"conditions": members, "open": is_open, "revision": desk.revision}

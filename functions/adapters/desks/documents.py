"""Desks, incidents and silences as the store keeps them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from core.incidents.model import State
from core.incidents.mute import Silence
from core.incidents.outbox import Desk
from functions.adapters.ports import Data

DESKS = "desks"
"""A document a group of targets: what decides. Its key is the group."""
INCIDENTS = "incidents"
"""A document an incident: a copy to read, made from the desk. Its key is the incident's id."""
SILENCES = "silences"
"""One document with all of them, `SILENCES_KEY`: it is read for every decision that people hear of."""
SILENCES_KEY = "all"


def desk_data(desk: Desk) -> Data:
    """The document of a desk; `active` finds those that time alone may change.

    The desk itself is one text: nobody looks for anything within it, and a store takes a text a hundred times faster than
    thousands of values (Firestore would index each of them).
    """
    return {"active": desk.active, "desk": msgspec.json.encode(desk).decode()}


def read_desk(data: Data) -> Desk:
    """The desk that a document holds."""
    return msgspec.json.decode(data["desk"], type=Desk)


def incident_data(desk: Desk, incident_id: str) -> Data | None:
    """An incident of a desk as people read it: with its conditions, the worst first, but without their histories.

    `updated_at` is the newest observation by then; `open` tells whether it is not resolved yet, so that the open ones can be
    found; `over_on` the day on which it was resolved, for those of a day; `revision` which copy is newer; `group` where its
    desk is.
    """
    found = next((one for one in desk.watch.incidents if one.id == incident_id), None)
    if found is None:
        return None
    data: Data = msgspec.to_builtins(found, builtin_types=(datetime,))
    members: list[Data] = msgspec.to_builtins(desk.watch.members(found), builtin_types=(datetime,))
    for member in members:
        del member["history"]
    is_open = found.state is not State.RESOLVED
    over_on = "" if is_open or found.resolved_at is None else found.resolved_at.astimezone(UTC).date().isoformat()
    return data | {
        "conditions": members,
        "updated_at": max((member["observed_at"] for member in members), default=found.opened_at),
        "open": is_open,
        "over_on": over_on,
        "revision": desk.revision,
        "group": desk.watch.group,
    }


def silences_data(silences: Sequence[Silence]) -> Data:
    """The document of the silences."""
    return {"silences": msgspec.to_builtins(silences, builtin_types=(datetime,))}


def read_silences(data: Data | None) -> tuple[Silence, ...]:
    """The silences that the document holds."""
    return msgspec.convert((data or {}).get("silences", []), tuple[Silence, ...], builtin_types=(datetime,))

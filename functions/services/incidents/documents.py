"""Documents of the store: groups, incidents and silences."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from core.incidents.model import GroupState, State
from core.incidents.outbox import IncidentGroup
from core.incidents.routing import Silence
from functions.adapters.ports import Data

GROUPS = "incident_groups"
"""One document per group of targets: decisions read and write it. Its key is the name of the group."""
INCIDENTS = "incidents"
"""One document per incident: a copy for readers, made from its group. Its key is the incident's id."""
SILENCES = "silences"
"""One document with all of them, `SILENCES_KEY`: it is read for every decision that is notified."""
SILENCES_KEY = "all"


def group_data(group: IncidentGroup) -> Data:
    """The document of a group; `active` finds those that time alone may change.

    The group itself is one text: nothing within it is queried, and a store takes a text a hundred times faster than
    thousands of values (Firestore would index each of them).
    """
    return {"active": group.active, "group": msgspec.json.encode(group).decode()}


def read_group(data: Data) -> IncidentGroup:
    """The group in a document."""
    return msgspec.json.decode(data["group"], type=IncidentGroup)


def load_group(name: str, data: Data | None) -> IncidentGroup:
    """The group in a document, or a new one where there is none yet."""
    return read_group(data) if data else IncidentGroup(state=GroupState(name=name))


def incident_data(group: IncidentGroup, incident_id: str) -> Data | None:
    """The copy of an incident for readers: with its conditions, the worst first, but without their histories.

    `updated_at` is the newest observation; `open` says whether it is not resolved, to query the open ones; `over_on` the day
    of the resolution, to query those of a day; `revision` which copy is newer; `group` the name of its group.
    """
    incident = next((one for one in group.state.incidents if one.id == incident_id), None)
    if incident is None:
        return None
    data: Data = msgspec.to_builtins(incident, builtin_types=(datetime,))
    members: list[Data] = msgspec.to_builtins(group.state.members(incident), builtin_types=(datetime,))
    for member in members:
        del member["history"]
    is_open, resolved_at = incident.state is not State.RESOLVED, incident.resolved_at
    return data | {
        "conditions": members,
        "updated_at": max((member["observed_at"] for member in members), default=incident.opened_at),
        "open": is_open,
        "over_on": "" if is_open or resolved_at is None else resolved_at.astimezone(UTC).date().isoformat(),
        "revision": group.revision,
        "group": group.state.name,
    }


def silences_data(silences: Sequence[Silence]) -> Data:
    """The document of the silences."""
    return {"silences": msgspec.to_builtins(silences, builtin_types=(datetime,))}


def read_silences(data: Data | None) -> tuple[Silence, ...]:
    """The silences in the document."""
    return msgspec.convert((data or {}).get("silences", []), tuple[Silence, ...], builtin_types=(datetime,))

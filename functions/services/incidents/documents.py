"""Documents of the store: groups, incidents, and silences (one document, cached for a few seconds)."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import AiaError
from core.events import Command
from core.incidents.due import worst
from core.incidents.measured import MeasuredLoss, UsualRevenue
from core.incidents.model import GroupState, State
from core.incidents.outbox import IncidentGroup
from core.incidents.routing import Silence
from core.incidents.silences import kept_silences, silenced
from core.incidents.target_owners import owner_of
from functions.adapters.ports import Clock, Data, Store
from functions.adapters.store import update
from functions.services.cached import Cached

GROUPS = "incident_groups"
"""One document per group of targets: decisions read and write it. Its key is the name of the group."""
INCIDENTS = "incidents"
"""One document per incident: a copy for readers, made from its group. Its key is the incident's id."""
SILENCES = "silences"
"""One document with all of them, `SILENCES_KEY`: it is read for every decision that is notified."""
SILENCES_KEY = "all"
USUAL = "usual_revenue"
"""One document, `USUAL_KEY`: `UsualRevenue` and the losses of open incidents, each as one text, written by rollups."""
USUAL_KEY = "all"
LOSSES = "incident_losses"
"""One document per incident whose loss is measured. Its key is the incident's id."""
log = logging.getLogger(__name__)
MAX_AGE = timedelta(seconds=5)
USUAL_MAX_AGE = timedelta(minutes=1)


def group_data(group: IncidentGroup) -> Data:
    """The document of a group; `due_at` and `severity` find those that the sweep is to look at, the worst first.

    The group itself is one text: nothing within it is queried, and a store takes a text a hundred times faster than
    thousands of values (Firestore would index each of them).
    """
    return {
        "due_at": group.due_at,
        "severity": worst(group).value,
        "group": msgspec.json.encode(group).decode(),
    }


def read_group(data: Data) -> IncidentGroup:
    """The group in a document."""
    return msgspec.json.decode(data["group"], type=IncidentGroup)


def load_group(name: str, data: Data | None) -> IncidentGroup:
    """The group in a document, or a new one where there is none yet."""
    return read_group(data) if data else IncidentGroup(state=GroupState(name=name))


def incident_data(group: IncidentGroup, incident_id: str) -> Data | None:
    """The copy of an incident for readers: with its conditions, the worst first.

    They are without their histories, and with who acknowledged their targets.
    `updated_at` is the newest observation; `open` says whether it is not resolved, to query the open ones; `over_on` the day
    of the resolution, to query those of a day, where a part is over since it was merged; `lasting_part` whether it fires
    as a part; `revision` which copy is newer; `group` the name of its group.
    """
    incident = next((incident for incident in group.state.incidents if incident.id == incident_id), None)
    if incident is None:
        return None
    data: Data = msgspec.to_builtins(incident, builtin_types=(datetime,))
    conditions = group.state.members(incident)
    members: list[Data] = msgspec.to_builtins(conditions, builtin_types=(datetime,))
    for member, condition in zip(members, conditions, strict=True):
        del member["history"]
        owner = owner_of(incident, condition)
        member |= {"acknowledged_by": owner.by if owner else "", "acknowledged_at": owner.at if owner else None}
    lasting_part = incident.is_part and incident.lasts
    is_open = incident.state is not State.RESOLVED
    resolved_at = incident.part.at if incident.part and lasting_part else incident.resolved_at
    return data | {
        "conditions": members,
        "updated_at": max((member["observed_at"] for member in members), default=incident.opened_at),
        "open": is_open,
        "over_on": "" if is_open or resolved_at is None else resolved_at.astimezone(UTC).date().isoformat(),
        "resolved_at": resolved_at,
        "lasting_part": lasting_part,
        "revision": group.revision,
        "group": group.state.name,
    }


def silences_data(silences: Sequence[Silence]) -> Data:
    """The document of the silences."""
    return {"silences": msgspec.to_builtins(silences, builtin_types=(datetime,))}


def read_silences(data: Data | None) -> tuple[Silence, ...]:
    """The silences in the document."""
    return msgspec.convert((data or {}).get("silences", []), tuple[Silence, ...], builtin_types=(datetime,))


def loss_data(loss: MeasuredLoss) -> Data:
    """The document of a measured loss; `on` is the day on which it ends so far, to query those of a day."""
    data: Data = msgspec.to_builtins(loss, builtin_types=(datetime,))
    return data | {"orders": list(loss.orders), "on": loss.until.astimezone(UTC).date().isoformat()}


def read_loss(data: Data) -> MeasuredLoss | None:
    """The measured loss in a document; None where it is of another version."""
    try:
        return msgspec.convert(data, MeasuredLoss, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        log.warning("loss not read: %s", error)
        return None


def losses_of(store: Store, ids: Sequence[str]) -> dict[str, MeasuredLoss]:
    """The measured losses of incidents, by id, where there are any."""
    documents = store.get_many(LOSSES, ids) if ids else {}
    return {key: loss for key, document in documents.items() if (loss := read_loss(document.data)) is not None}


def read_losses(store: Store, since: datetime, until: datetime) -> list[MeasuredLoss]:
    """The measured losses that end, so far, on the days of a period."""
    days = [(since + timedelta(days=ago)).date() for ago in range((until.date() - since.date()).days + 1)]
    found = [document.data for day in days for document in store.find(LOSSES, where={"on": day.isoformat()})]
    return [loss for data in found if (loss := read_loss(data)) is not None]


def usual_revenues(store: Store, clock: Clock) -> Cached[UsualRevenue]:
    """Reads the usual revenue; cached, as it changes every five minutes.

    What was read last holds when the store does not answer: its own age says whether it still counts.
    """

    def read(before: UsualRevenue) -> UsualRevenue:
        try:
            document = store.get(USUAL, USUAL_KEY)
            return _read_usual(document.data if document else {})
        except (AiaError, msgspec.MsgspecError) as error:
            log.warning("usual revenue not read: %s", error)
            return before

    return Cached(read=read, first=UsualRevenue(), max_age=USUAL_MAX_AGE, clock=clock)


def _read_usual(data: Data) -> UsualRevenue:
    usual = msgspec.json.decode(data["usual"], type=UsualRevenue) if "usual" in data else UsualRevenue()
    losses = msgspec.json.decode(data.get("losses", "{}"), type=dict[str, MeasuredLoss])
    return replace(usual, losses=losses)


class Silences:
    """Reads and changes the silences.

    Args:
        store: keeps the document.
        clock: for the age of the cache.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._silences: Cached[tuple[Silence, ...]] = Cached(read=self._read, first=(), max_age=MAX_AGE, clock=clock)

    def __call__(self) -> tuple[Silence, ...]:
        """The silences; the cached ones when the store does not answer, so that no page is lost for that."""
        return self._silences()

    def change(self, command: Command) -> None:
        """Make or end silences by a person's command; idempotent, in any order.

        Raises:
            RefusedError: as many silences as are kept hold already, and none of them may give way.
        """
        now = self._clock()

        def changed(data: Data | None) -> Data | None:
            before = read_silences(data)
            kept = kept_silences(silenced(before, command, now), now)
            return None if kept == before else silences_data(kept)

        update(self._store, SILENCES, SILENCES_KEY, changed)
        self._silences.invalidate()

    def _read(self, before: tuple[Silence, ...]) -> tuple[Silence, ...]:
        try:
            document = self._store.get(SILENCES, SILENCES_KEY)
            return read_silences(document.data if document else None)
        except (AiaError, msgspec.ValidationError) as error:
            log.warning("silences not read: %s", error)
            return before

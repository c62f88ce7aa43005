"""Commands of people: checked against the copy of the incident, and published once for each delivery."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Command, Verb
from core.incidents.commands import OWNING, is_allowed, standing
from core.incidents.model import State
from functions.adapters.ledger import EffectOutcome, Ledger
from functions.adapters.ports import Bus, Clock, Data, Store
from functions.services.incidents.documents import INCIDENTS

TOPIC = "commands"
LEASE = timedelta(seconds=10)
"""Longer than a request takes."""
AHEAD = timedelta(minutes=4)
"""How far the clock of a sender may be ahead; the router takes a minute more."""
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Publishes commands.

    Attributes:
        store: has the copies of the incidents.
        ledger: publishes each delivery once.
        bus: opens the bus at its first use.
        clock: now.
    """

    store: Store
    ledger: Ledger
    bus: Callable[[], Bus]
    clock: Clock

    def incident(self, incident_id: str) -> Data | None:
        """The copy of an incident, or None where there is none of this id; any text may be asked for.

        Raises:
            UnavailableError: the store does not answer.
        """
        if not 0 < len(incident_id) <= _LONGEST_ID or not incident_id.isascii() or not incident_id.isprintable():
            return None
        if incident_id.startswith("__"):
            return None
        document = self.store.get(INCIDENTS, incident_id)
        return document.data if document else None

    def why_not(self, incident_id: str, verb: Verb) -> str:
        """Why a verb would change nothing, in a sentence; empty where it would.

        Whoever acknowledges a part or takes it over has the incident that it is a part of, as in the router.
        """
        named = self.incident(incident_id)
        if named is None:
            return "Nothing was done: this incident is not known."
        if named["merged_into"] and verb not in OWNING:
            return f"Nothing was done: the incident is {standing(State.RESOLVED, merged_into=named['merged_into'])}."
        incident, expired = self._whole(named), named.get("expired", False)
        state = State(incident["state"])
        if is_allowed(verb, state, expired=expired):
            return ""
        return f"Nothing was done: the incident is {standing(state, expired=expired)}{'' if expired else ' already'}."

    def _whole(self, incident: Data) -> Data:
        """The copy of the incident that this one is a part of; itself where it is none."""
        seen = set[str]()
        while (into := incident["merged_into"]) and into not in seen:
            seen.add(into)
            incident = self.incident(into) or {**incident, "merged_into": ""}
        return incident

    def publish(self, delivery: str, *, verb: Verb, incident_id: str, by: str, at: datetime) -> bool:
        """Publish a command, unless this delivery was published before.

        Args:
            delivery: what the sender calls the click or the event; the same for each time it sends it.
            verb: what to do.
            incident_id: the incident.
            by: the person, as the settings name them.
            at: when the person did it, as the sender says; what is further ahead than clocks differ counts as now.

        Returns:
            Whether it was published now.

        Raises:
            BusyError: another instance is publishing it.
            UnavailableError: the store or the bus does not answer; nothing is remembered, and the sender may try again.
        """
        now = self.clock()
        # Not the earlier of the two: the id of the command must be the same for each delivery.
        command = Command(verb=verb, subject=incident_id, by=by, at=at if at - now <= AHEAD else now)
        key = f"command-intake:{hashlib.sha256(delivery.encode(errors='surrogatepass')).hexdigest()[:40]}"
        outcome = self.ledger.once(key, lambda: self.bus().publish(TOPIC, command, verb=verb.value), lease=LEASE)
        return outcome is EffectOutcome.PERFORMED

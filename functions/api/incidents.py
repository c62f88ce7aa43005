"""Incidents as the page shows them: open ones, resolved ones, and the report of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from core.events import Severity
from core.incidents.measured import MeasuredLoss, loss_text
from core.incidents.model import Incident, IncidentCondition
from core.incidents.report import report
from core.replay.explanation import Recorded
from functions.adapters.ports import Clock, Data, Store
from functions.api.actions import Actions
from functions.api.cache import Cache
from functions.api.listing import Place, cut, read_cursor
from functions.api.training_outcomes import TrainingOutcomes, told
from functions.services.incidents.documents import INCIDENTS, losses_of

DAYS = 35
"""Days of resolved incidents that are listed; an older one is found by its id while it is stored."""
_TARGETS_OF = 1000
"""Resolved incidents whose targets are known."""
_MOST_LISTED = 5000
"""Resolved incidents that are listed from the store."""
_SETTLED = 2
"""Days after which a resolved incident hardly changes."""
_FRESH_SECONDS, _SETTLED_SECONDS = 10.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidents:
    """Reads the copies of incidents that the router writes for readers."""

    store: Store
    actions: Actions
    trainings: TrainingOutcomes
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def page(self, values: Mapping[str, Any]) -> Data:
        """Every open incident with its actions and the trainings it asked for, the most urgent first, then resolved ones, the newest first.

        Args:
            values: the parameters: at most `limit` resolved ones, those after the place of `cursor` only, resolved from `since` on and
                before `until`; open ones that were opened before `until`, on the first page.
        """
        current = [document.data for document in self.store.find(INCIDENTS, where={"open": True})]
        over, following = self._resolved(values, frozenset(incident["id"] for incident in current))
        if values["cursor"]:
            shown: list[Data] = []
        else:
            until = values["until"]
            shown = sorted((one for one in current if until is None or one["opened_at"] < until), key=_urgency)
        entries = self._with_losses([*map(self._with_responses, shown), *over])
        return {"incidents": entries, "next": following}

    def _resolved(self, values: Mapping[str, Any], current: frozenset[str]) -> tuple[list[Data], str]:
        """Resolved incidents, day by day, from tomorrow's (of a clock that runs ahead) or those of the cursor back."""
        after, since, until = read_cursor(values["cursor"], Place), values["since"], values["until"]
        today = self.clock().date()
        ends = [end.astimezone(UTC).date() for end in (after[0] if after else None, until) if end]
        first = min(today + timedelta(days=1), *ends) if ends else today + timedelta(days=1)
        last = max(today - timedelta(days=DAYS - 1), since.astimezone(UTC).date() if since else date.min)
        found: list[Data] = []
        for back in range((first - last).days + 1):
            day = first - timedelta(days=back)
            settled = today - day > timedelta(days=_SETTLED)
            found += self._day(day, None if settled else current)
            shown, following = cut(sorted(found, key=_ended, reverse=True), _ended, values)
            if following:
                break
        else:
            shown, following = cut(sorted(found, key=_ended, reverse=True), _ended, values)
        return shown, following

    def one(self, incident_id: str) -> Data:
        """One incident with its actions and trainings; `LookupError` when there is none."""
        [found] = self._with_losses([self._with_responses(self.state(incident_id))])
        return found

    def _with_responses(self, incident: Data) -> Data:
        return incident | {"actions": self.actions.of(incident), "trainings": self._trainings(incident)}

    def _trainings(self, incident: Data) -> list[Data]:
        return self.trainings.of_incident(incident, self.actions.training_runs(incident))

    def _with_losses(self, incidents: Sequence[Data]) -> list[Data]:
        """The incidents with their `measured_loss`; None where it is not measured."""
        ids = [one["id"] for one in incidents if (one["impact"] or {}).get("orders")]
        losses = losses_of(self.store, ids)
        return [one | {"measured_loss": _loss(losses.get(one["id"]))} for one in incidents]

    def state(self, incident_id: str) -> Data:
        """One incident without its actions; `LookupError` when there is none."""
        document = self.store.get(INCIDENTS, incident_id)
        if document is None:
            raise LookupError(f"incident: none has the id {incident_id[:80]!r}")
        return document.data

    def report(self, incident_id: str) -> str:
        """The report about one incident, in Markdown; `LookupError` when there is none."""
        data = self.state(incident_id)
        found = self._recorded(data)
        steps = [step for one in self._trainings(data) for step in told(one)]
        made_at = self.clock()
        return report(found.incident, found.members, found.actions, made_at=made_at, loss=found.loss, trainings=steps)

    def recorded(self, incident_id: str) -> Recorded:
        """What is recorded of one incident, without the decisions that are kept; `LookupError` when there is none."""
        return self._recorded(self.state(incident_id))

    def _recorded(self, data: Data) -> Recorded:
        members = msgspec.convert(data["conditions"], tuple[IncidentCondition, ...], builtin_types=(datetime,))
        keys = [member.key for member in members]
        incident = msgspec.convert(data | {"conditions": keys}, Incident, builtin_types=(datetime,))
        losses = losses_of(self.store, [incident.id] if incident.impact and incident.impact.orders else [])
        return Recorded(
            incident=incident, members=members, actions=self.actions.decisions(data), loss=losses.get(incident.id)
        )

    def listed(self) -> tuple[list[Data], date]:
        """The open incidents and the newest resolved ones, in no order, and the first day of which all resolved ones are there."""
        current = [document.data for document in self.store.find(INCIDENTS, where={"open": True})]
        ids, today = frozenset(incident["id"] for incident in current), self.clock().date()
        days = self._days(_MOST_LISTED, ids)
        found = {one["id"]: one for _, incidents in days for one in incidents} | {one["id"]: one for one in current}
        return list(found.values()), min((day for day, _ in days), default=today)

    def about(self, target: str) -> list[Data]:
        """The incidents of a target, the newest first: the open ones, and the newest resolved ones of the last `DAYS` days."""
        current = [document.data for document in self.store.find(INCIDENTS, where={"open": True})]
        over = self._over(_TARGETS_OF, frozenset(incident["id"] for incident in current))
        found = [incident for incident in (*current, *over) if target in incident["targets"]]
        return sorted(found, key=lambda incident: (incident["opened_at"], incident["id"]), reverse=True)

    def targets(self) -> frozenset[str]:
        """The targets of the open incidents, and of the newest resolved ones that are listed."""
        current = [document.data for document in self.store.find(INCIDENTS, where={"open": True})]
        over = self._over(_TARGETS_OF, frozenset(incident["id"] for incident in current))
        return frozenset(target for incident in (*current, *over) for target in incident["targets"])

    def _over(self, limit: int, current: frozenset[str]) -> Iterator[Data]:
        """At least `limit` resolved incidents, day by day, from tomorrow's (of a clock that runs ahead) back."""
        return (incident for _, incidents in self._days(limit, current) for incident in incidents)

    def _days(self, limit: int, current: frozenset[str]) -> list[tuple[date, list[Data]]]:
        """Days with their resolved incidents, the newest first, until there are `limit` of these."""
        today, count, days = self.clock().date(), 0, []
        for back in range(-1, DAYS):
            if count >= limit:
                break
            day = today - timedelta(days=back)
            incidents = self._day(day, None if back > _SETTLED else current)
            count += len(incidents)
            days.append((day, incidents))
        return days

    def _day(self, day: date, current: frozenset[str] | None) -> list[Data]:
        """The incidents resolved on a day; read again at once when the set of open incidents changes."""

        def read() -> list[Data]:
            return [document.data for document in self.store.find(INCIDENTS, where={"over_on": day.isoformat()})]

        return self._cache((day, current), read, seconds=_SETTLED_SECONDS if current is None else _FRESH_SECONDS)


def _loss(loss: MeasuredLoss | None) -> Data | None:
    if loss is None:
        return None
    data: Data = msgspec.to_builtins(loss, builtin_types=(datetime,))
    return data | {"text": loss_text(loss)}


def _urgency(incident: Data) -> tuple[int, float, float]:
    impact = incident["impact"] or {"dollars_per_hour": 0.0}
    return -Severity(incident["severity"]).rank, -impact["dollars_per_hour"], -incident["opened_at"].timestamp()


def _ended(incident: Data) -> Place:
    return Place(incident["resolved_at"], incident["id"])

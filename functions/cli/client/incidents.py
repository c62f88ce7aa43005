"""The operations of `incidents` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.services.api_schemas.bodies import Acknowledged, Comment, HandedOn, MergedInto, Said
    from functions.services.api_schemas.incidents import (
        Accepted,
        Events,
        Explanation,
        FoundIncidents,
        Incident,
        Incidents,
    )


class IncidentsClient(Asking):
    """Asks them."""

    __slots__ = ()

    def incidents(
        self, *, limit: int | None = None, cursor: str | None = None, since: str | None = None, until: str | None = None
    ) -> Incidents:
        """Open incidents by severity and impact, then the newest resolved ones, page by page."""
        return cast(
            "Incidents", self._ask("GET", path("incidents", limit=limit, cursor=cursor, since=since, until=until))
        )

    def incident_search(
        self,
        *,
        state: Sequence[str] | None = None,
        severity: Sequence[str] | None = None,
        category: str | None = None,
        target: str | None = None,
        model: str | None = None,
        person: str | None = None,
        q: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> FoundIncidents:
        """Incidents that match, page by page: the open ones, the most severe first, then the last to end first, 400 days back."""
        return cast(
            "FoundIncidents",
            self._ask(
                "GET",
                path(
                    "incidents",
                    "search",
                    state=state,
                    severity=severity,
                    category=category,
                    target=target,
                    model=model,
                    person=person,
                    q=q,
                    since=since,
                    until=until,
                    limit=limit,
                    cursor=cursor,
                ),
            ),
        )

    def events(
        self,
        *,
        kind: Sequence[str] | None = None,
        target: str | None = None,
        person: str | None = None,
        q: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Events:
        """What people and the system did, the newest first."""
        return cast(
            "Events",
            self._ask(
                "GET",
                path(
                    "events",
                    kind=kind,
                    target=target,
                    person=person,
                    q=q,
                    since=since,
                    until=until,
                    limit=limit,
                    cursor=cursor,
                ),
            ),
        )

    def incident(self, incident_id: str) -> Incident:
        """One incident, of any age."""
        return cast("Incident", self._ask("GET", path("incidents", incident_id)))

    def incident_report(self, incident_id: str) -> str:
        """The report of an incident."""
        return self._text(path("incidents", incident_id, "report.md"))

    def explanation(self, incident_id: str) -> Explanation:
        """The chain of reasons of an incident, from the findings to the messages and actions."""
        return cast("Explanation", self._ask("GET", path("incidents", incident_id, "explanation")))

    def acknowledge_incident(self, incident_id: str, body: Acknowledged) -> Accepted:
        """Take the incident, or one of its targets that fires."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "acknowledge"), body))

    def take_over_incident(self, incident_id: str, body: HandedOn) -> Accepted:
        """Hand the incident on, or take it from somebody."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "take_over"), body))

    def give_back_incident(self, incident_id: str, body: Said) -> Accepted:
        """Nobody has it any more: people are notified."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "give_back"), body))

    def mitigate_incident(self, incident_id: str, body: Said) -> Accepted:
        """The impact has ended."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "mitigate"), body))

    def resolve_incident(self, incident_id: str, body: Said) -> Accepted:
        """The incident is over, even if conditions still fire."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "resolve"), body))

    def cancel_incident(self, incident_id: str, body: Said) -> Accepted:
        """False alarm: resolve it and exclude it from the metrics."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "cancel"), body))

    def reopen_incident(self, incident_id: str, body: Said) -> Accepted:
        """It is not over."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "reopen"), body))

    def merge_incident(self, incident_id: str, body: MergedInto) -> Accepted:
        """It becomes a part of another incident."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "merge"), body))

    def split_incident(self, incident_id: str, body: Said) -> Accepted:
        """Take it out of the incident that a person merged it into."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "split"), body))

    def comment_incident(self, incident_id: str, body: Comment) -> Accepted:
        """Add a comment to the timeline."""
        return cast("Accepted", self._ask("POST", path("incidents", incident_id, "comment"), body))

"""Incidents, and what people say about them."""

from functools import partial
from typing import Any

from core.access import Role
from core.events import Verb
from functions.api.events import PARAMETERS
from functions.api.incident_filter import FILTERS
from functions.api.operation import Kind, Operation, act, get
from functions.api.parameters import LINES, PAGED, RANGE
from functions.api.request import Request
from functions.api.services import Services
from functions.services.api_schemas import bodies
from functions.services.api_schemas.incidents import Events, Explanation, FoundIncidents, Incident, Incidents

_ONE = "/incidents/{incident_id}"
_VERBS: dict[Verb, tuple[str, Any]] = {
    Verb.ACKNOWLEDGE: ("Take the incident, or one of its targets that fires", bodies.Acknowledged),
    Verb.TAKE_OVER: ("Hand the incident on, or take it from somebody", bodies.HandedOn),
    Verb.GIVE_BACK: ("Nobody has it any more: people are notified", bodies.Said),
    Verb.MITIGATE: ("The impact has ended", bodies.Said),
    Verb.RESOLVE: ("The incident is over, even if conditions still fire", bodies.Said),
    Verb.CANCEL: ("False alarm: resolve it and exclude it from the metrics", bodies.Said),
    Verb.REOPEN: ("It is not over", bodies.Said),
    Verb.MERGE: ("It becomes a part of another incident", bodies.MergedInto),
    Verb.SPLIT: ("Take it out of the incident that a person merged it into", bodies.Said),
    Verb.COMMENT: ("Add a comment to the timeline", bodies.Comment),
}
"""What each verb means, and the body that it takes."""


def _say(services: Services, request: Request, incident_id: str, *, verb: Verb) -> str:
    return services.commands.about_incident(request, incident_id, verb)


def _verb(verb: Verb) -> Operation:
    summary, takes = _VERBS[verb]
    return act(
        f"{_ONE}/{verb.value}", f"{verb.value}_incident", summary, takes, partial(_say, verb=verb), role=Role.RESPONDER
    )


OPERATIONS = (
    get(
        "/incidents",
        "incidents",
        "Open incidents by severity and impact, then the newest resolved ones, page by page",
        Incidents,
        lambda services, request: services.incidents.page(request.values),
        parameters=(*PAGED, *RANGE),
        measures=True,
    ),
    get(
        "/incidents/search",
        "incident_search",
        "Incidents that match, page by page: the open ones, the most severe first, then the last to end first, 400 days back",
        FoundIncidents,
        lambda services, request: services.incident_search.page(request.values),
        parameters=(*FILTERS, *RANGE, *LINES),
        measures=True,
        patience=10.0,
    ),
    get(
        "/events",
        "events",
        "What people and the system did, the newest first",
        Events,
        lambda services, request: services.events.page(request.values),
        parameters=PARAMETERS,
        measures=True,
        patience=10.0,
    ),
    get(
        _ONE,
        "incident",
        "One incident, of any age",
        Incident,
        lambda services, _request, incident_id: services.incidents.one(incident_id),
    ),
    get(
        f"{_ONE}/report.md",
        "incident_report",
        "The report of an incident",
        str,
        lambda services, _request, incident_id: services.incidents.report(incident_id),
        kind=Kind.MARKDOWN,
        patience=30.0,
    ),
    get(
        f"{_ONE}/explanation",
        "explanation",
        "The chain of reasons of an incident, from the findings to the messages and actions",
        Explanation,
        lambda services, _request, incident_id: services.explanations.of(incident_id),
        patience=10.0,
    ),
    *map(_verb, _VERBS),
)

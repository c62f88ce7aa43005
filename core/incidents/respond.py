"""Which automated responses the playbooks ask for: once when an incident opens or comes back, and again when it worsens."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from core.events import ActionRequest
from core.incidents.model import Incident, State, Watch
from core.incidents.routing import facts, meets
from core.settings.response import Playbook


def requests(
    watch: Watch, playbooks: Iterable[Playbook], *, now: datetime, quiet: Callable[[Incident], bool]
) -> tuple[Watch, tuple[ActionRequest, ...]]:
    """The actions that the playbooks ask for by now.

    Nothing is asked for while people are not told either: what is being maintained is left alone until that ends. The same
    action on the same target is asked for once, by the first playbook that says so.

    Args:
        watch: after whatever was decided and told.
        playbooks: from the settings.
        now: for the hours that a playbook keeps to, and as the instant of the request.
        quiet: whether an incident is muted.

    Returns:
        What to remember, and the requests.
    """
    known = tuple(playbooks)
    found: dict[tuple[str, str, str], ActionRequest] = {}
    incidents = []
    for incident in watch.incidents:
        if known and _is_due(incident) and not quiet(incident):
            for request in _asked(incident, known, now):
                found.setdefault((request.incident_id, request.action, request.target), request)
            incident = replace(incident, asked=incident.severity)  # noqa: PLW2901 - as it is to be remembered
        incidents.append(incident)
    same = all(one is other for one, other in zip(incidents, watch.incidents, strict=True))
    return watch if same else replace(watch, incidents=tuple(incidents)), tuple(found.values())


def _is_due(incident: Incident) -> bool:
    if incident.state is State.RESOLVED:
        return False
    return incident.asked is None or incident.severity.rank > incident.asked.rank


def _asked(incident: Incident, playbooks: Iterable[Playbook], now: datetime) -> Iterator[ActionRequest]:
    for playbook in playbooks:
        if not meets(playbook.when, facts(incident), now):
            continue
        for deed in playbook.do:
            yield ActionRequest(
                incident_id=incident.id,
                sequence=incident.sequence,
                action=deed.action,
                target=deed.target or incident.target,
                requested_at=now,
                mode=playbook.mode,
                playbook=playbook.name,
                reason=f"{incident.target} is {incident.severity} ({incident.category})",
                severity=incident.severity,
            )

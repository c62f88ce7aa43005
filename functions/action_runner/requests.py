"""Whether a request for an action holds at the moment of acting: the incident's own document has what its playbooks requested.

The router writes that document before it publishes a request, so that a request which is not in it was made by nobody.
Such a request is parked with the reason, and published as a finding, once in an hour; nothing else is done about it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from core.actions.guards import GuardVerdict
from core.actions.plan import ActionReason
from core.errors import PoisonError
from core.events import ActionRequest, Finding, Severity, Stage, Status
from core.incidents.ladder import ActionLadder
from core.incidents.response import mismatch, overdue, withdrawn
from core.settings.response import Playbook
from functions.adapters import logs
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Bus, Clock, Document, Store
from functions.services.actions import find_incident, find_run, is_open

log = logging.getLogger(__name__)
FINDINGS = "findings"
TARGET, KIND = "function/action_runner", "unauthorized_request"
RUNBOOK = "security.md#requests-for-actions"
WINDOW = timedelta(hours=1)
"""There is one finding in each window, however many requests were refused in it."""
HOLDS = 2 * WINDOW
"""How long a finding holds, from the start of its window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Compares requests with what the playbooks requested.

    Attributes:
        store: has the incidents.
        bus: takes the findings.
        ledger: sees to it that a finding is published once.
        clock: now.
        playbooks: of the settings, by name.
    """

    store: Store
    bus: Bus
    ledger: Ledger
    clock: Clock
    playbooks: Mapping[str, Playbook]

    def require_authentic(self, request: ActionRequest) -> None:
        """Publish a finding about a request that no playbook made; one that was decided on before only continues.

        Raises:
            PoisonError: it was made by nobody.
            UnavailableError: the store or the bus does not answer.
        """
        fault = self._mismatch(request, find_incident(self.store, request.incident_id))
        if fault and find_run(self.store, request.id) is None:
            self._publish(request, fault)
            raise PoisonError(f"action_request: {fault}")

    def objection(self, request: ActionRequest, *, begins: bool) -> GuardVerdict | None:
        """Why an action must not be applied now, whatever its guard rails say; None where nothing is against it.

        Args:
            request: of the action.
            begins: whether nothing was decided about it yet, so that its age counts; the age of an approved one counts from its
                approval.
        """
        document = find_incident(self.store, request.incident_id)
        if fault := self._mismatch(request, document):
            return _refused(ActionReason.NOT_REQUESTED, fault)
        if gone := withdrawn(request, self.playbooks):
            return _refused(ActionReason.NOT_REQUESTED, gone)
        if not is_open(self.store, document):
            return _refused(ActionReason.INCIDENT_OVER, f"{request.incident_id} is resolved")
        if begins and (late := overdue(request, self.clock())):
            return _refused(ActionReason.OUT_OF_TIME, late)
        return None

    def _mismatch(self, request: ActionRequest, document: Document | None) -> str:
        if document is None:
            return f"incident_id: must be of an incident, got {request.incident_id[:200]!r}"
        given = document.data.get("ladders", [])
        ladders: Sequence[ActionLadder] = msgspec.convert(given, tuple[ActionLadder, ...], builtin_types=(datetime,))
        return mismatch(request, ladders, self.playbooks)

    def _publish(self, request: ActionRequest, fault: str) -> None:
        finding = refused_request(request, fault, self.clock())
        log.error("request that no playbook made: %s", fault, extra=logs.fields(request=request.id))
        self.ledger.once(finding.id, lambda: self.bus.publish(FINDINGS, finding))


def refused_request(request: ActionRequest, fault: str, now: datetime) -> Finding:
    """The finding about a request that nobody made; the same id for all of one window."""
    start = datetime.fromtimestamp(now.timestamp() // WINDOW.total_seconds() * WINDOW.total_seconds(), UTC)
    return Finding(
        target=TARGET,
        kind=KIND,
        status=Status.FIRING,
        severity=Severity.ERROR,
        observed_at=start,
        source="action_runner",
        summary="a request for an automated action that no playbook made was refused",
        evidence={"request": request.id[:200], "reason": fault[:200]},
        runbook=RUNBOOK,
        holds_until=start + HOLDS,
    )


def _refused(reason: ActionReason, detail: str) -> GuardVerdict:
    return GuardVerdict(stage=Stage.REFUSED, reason=reason, detail=detail)

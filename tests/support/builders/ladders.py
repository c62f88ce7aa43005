"""Decisions about the actions that playbooks requested."""

from datetime import datetime

from core.events import ActionDecision, ActionRequest, Stage


def decided(
    request: ActionRequest, stage: Stage, *, sequence: int = 4, reason: str = "no_recovery", at: datetime | None = None
) -> ActionDecision:
    """A decision about a request."""
    return ActionDecision(
        request_id=request.id,
        sequence=sequence,
        incident_id=request.incident_id,
        action=request.action,
        target=request.target,
        mode=request.mode,
        stage=stage,
        reason=reason,
        at=at or request.requested_at,
        rung=request.rung,
    )

"""A ladder: the actions of one playbook for one incident, one after the other, each where the one before did not help.

An action that only reads, and one of a dry run, holds nobody up: the next is requested at once. The ladder also is the record of what
was requested, which the action runner compares a request with before it acts.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.actions.guards import TRAITS
from core.actions.plan import ActionReason
from core.events import ActionDecision, ActionRequest, Mode, Stage
from core.settings.response import RUNGS_LIMIT, ActionName, Deed, Playbook

LADDERS_LIMIT = 40
"""Ladders kept per group, over all its incidents; a playbook that finds no room is requested when there is some."""
ASKED_LIMIT = RUNGS_LIMIT
"""Requests remembered by a ladder: the newest."""
_DIGITS = 12


class LadderState(StrEnum):
    """Whether a ladder goes on."""

    WAITING = "waiting"
    """For the verdict about the newest action."""
    DUE = "due"
    """The newest action did not help, or is not to: the next one is to be requested."""
    AGAIN = "again"
    """The request came too late: the same action is to be requested again."""
    OVER = "over"
    """It helped, a person rejected it, or there is no further action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLadder:
    """The actions of a playbook for an incident so far.

    Attributes:
        playbook: its name.
        sequence: the step of the incident that requested them.
        at: when the newest action was requested.
        rung: how many actions were requested or passed over, from the first on.
        state: whether it goes on.
        asked: digests of the ids of the newest requests, oldest first; the verdict about the last one is waited for.
    """

    playbook: str
    sequence: int
    at: datetime
    rung: int = 0
    state: LadderState = LadderState.DUE
    asked: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether its next action is to be requested."""
        return self.state in (LadderState.DUE, LadderState.AGAIN)

    @property
    def waits_for(self) -> str:
        """The digest of the request whose verdict is waited for; empty where none is."""
        return self.asked[-1] if self.asked and self.state is LadderState.WAITING else ""


def digest(request_id: str) -> str:
    """A request's id, in 12 hexadecimal digits.

    >>> digest("inc-1:2:rollback_model:model/flights")
    '429022c94b2b'
    """
    return hashlib.sha256(request_id.encode()).hexdigest()[:_DIGITS]


def climb(
    ladder: ActionLadder, playbook: Playbook, root: ActionRequest, others: Collection[ActionLadder]
) -> tuple[ActionLadder, tuple[ActionRequest, ...]]:
    """The ladder after its next action is requested, with the requests; those that only read come with the one after them.

    An action on a target is requested once: one that another ladder of the incident waits for is waited for with it, and one
    that another has requested is passed over.

    Args:
        ladder: `DUE` or `AGAIN`.
        playbook: of the ladder.
        root: what a request says but for the action; its target is that of an action without one.
        others: the other ladders of the incident.
    """
    requests: list[ActionRequest] = []
    again = ladder.state is LadderState.AGAIN
    ladder = replace(ladder, rung=ladder.rung - again, at=root.requested_at)
    waited = {other.waits_for for other in others}
    known = {asked for other in others for asked in other.asked}
    for number, deed in enumerate(playbook.do[ladder.rung :], start=ladder.rung + 1):
        request = _request(root, playbook, deed, ladder.sequence, number)
        key = digest(request.id)
        ladder = replace(ladder, rung=number)
        if key in known - waited or key in ladder.asked:
            continue
        if key not in waited:
            requests.append(request)
        ladder = replace(ladder, asked=(*ladder.asked, key)[-ASKED_LIMIT:])
        if not _passes(deed.action, playbook.mode):
            return replace(ladder, state=LadderState.WAITING), tuple(requests)
    return replace(ladder, state=LadderState.OVER), tuple(requests)


def heard(ladder: ActionLadder, decision: ActionDecision, sequence: int) -> ActionLadder:
    """The ladder after a decision about an action; unchanged where it does not wait for that one.

    Args:
        ladder: of the incident that the decision is about.
        decision: in any order.
        sequence: of the newest step of the incident, for a request that is made again.
    """
    if ladder.waits_for != digest(decision.request_id):
        return ladder
    state = _after(decision)
    again = state is LadderState.AGAIN
    return replace(ladder, state=state, sequence=sequence if again else ladder.sequence)


def _passes(action: ActionName, mode: Mode) -> bool:
    return mode is Mode.DRY_RUN or TRAITS[action].reads


def _after(decision: ActionDecision) -> LadderState:
    match decision.stage:
        case Stage.REFUSED if decision.reason == ActionReason.OUT_OF_TIME:
            return LadderState.AGAIN
        case Stage.REFUSED | Stage.EXPIRED | Stage.FAILED | Stage.UNDONE:
            return LadderState.DUE
        case Stage.VERIFIED:
            helps = decision.action in tuple(ActionName) and TRAITS[ActionName(decision.action)].remedy
            return LadderState.OVER if helps else LadderState.DUE
        case Stage.REJECTED:
            return LadderState.OVER
    return LadderState.WAITING


def _request(root: ActionRequest, playbook: Playbook, deed: Deed, sequence: int, number: int) -> ActionRequest:
    return replace(
        root,
        sequence=sequence,
        action=deed.action,
        target=deed.target or root.target,
        mode=playbook.mode,
        playbook=playbook.name,
        rung=f"{number} of {len(playbook.do)}" if len(playbook.do) > 1 else "",
    )

"""What every action does."""

from typing import Protocol

from core.actions.plan import Plan, Verification
from core.events import ActionRequest


class Action(Protocol):
    """One automated response.

    The guard rails stand before it (`core.actions.guards`); an action only knows how. Every method raises
    `UnavailableError` when the outside does not answer or answers that it may do so later (the function is asked again), and
    `ActionError` when it refuses for good or the target is not what the action acts on; the message says what and why, and
    holds no secret.
    """

    def plan(self, request: ActionRequest) -> Plan:
        """What would change. It reads, and changes nothing."""
        ...

    def apply(self, plan: Plan, key: str) -> str:
        """Change it.

        Args:
            plan: as planned; where the outside is no longer as it was then (somebody changed it), `ActionError`.
            key: the same for every attempt; what has been applied under it already is not applied again.

        Returns:
            What the outside answered, in one line.
        """
        ...

    def verify(self, plan: Plan) -> Verification:
        """Whether it is in place and works; it reads, and changes nothing."""
        ...

    def undo(self, plan: Plan) -> str:
        """Put it back to how it was, or say in an `ActionError` why that cannot be; safe to call again."""
        ...

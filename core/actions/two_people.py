"""What takes two people: to revoke access, and to allow all actions again after everything was halted.

The second one must be another person. Identities count that were verified (by Identity-Aware Proxy, a token of Google, or a token of the API): where nobody's is, two names would prove no more than one, since the caller gives both, and one person decides.
"""

from datetime import timedelta

from core.events import Command
from core.settings.response import ActionName

ACTIONS = frozenset({ActionName.REVOKE_ACCESS.value})
"""The actions that two people approve."""
WITHIN = timedelta(hours=1)
"""How long the first one's word holds for all actions; that for one action holds as long as it may be approved."""


def is_another(command: Command, first: str) -> bool:
    """Whether a command is of another person than the first, whose identity was verified.

    >>> from datetime import UTC, datetime
    >>> from core.events import Verb
    >>> said = Command(verb=Verb.RESUME, subject="*", by="Ada@example.com", at=datetime(2026, 1, 2, tzinfo=UTC), verified=True)
    >>> is_another(said, "ada@example.com"), is_another(said, "grace@example.com")
    (False, True)
    """
    return command.verified and command.by.strip().lower() != first.strip().lower()

"""What time alone does to incidents: what nobody repeats is over."""

from datetime import datetime

from core.events import IncidentChange
from core.incidents.charter import Charter
from core.incidents.fold import end
from core.incidents.model import Decision, Reason, Watch
from core.incidents.observe import over


def age(watch: Watch, now: datetime, *, charter: Charter) -> Decision:
    """Count every condition as over that its source would have repeated, and those of which nothing was heard for long.

    Args:
        watch: what is remembered of a group.
        now: the present.
        charter: what decisions go by.
    """
    changes = list[IncidentChange]()
    reason = Reason.UNCHANGED
    found = (over(condition, now, charter.policy.resolve_after) for condition in watch.conditions)
    for ended in sorted((one for one in found if one), key=lambda one: (one.observed_at, one.key)):
        why = Reason.NOT_REPEATED if ended.holds_until is not None else Reason.NOTHING_HEARD
        decision = end(watch, ended, why, charter=charter)
        watch, reason = decision.watch, why
        changes += decision.changes
    return Decision(watch=watch, changes=tuple(changes), reason=reason)

"""What each action is: what it may destroy, how often it may happen, whether it can be undone.

A person approves what takes something away that the action cannot give back, or what changes who gets which answer on a
doubtful signal: a revoked key locks people out, a cancelled run loses its work, a flushed cache loses its contents and
sends all of its load to what is behind it, and a rollback decides which model earns the money. What only adds (an
instance, a run, a training, a report), or shifts what can be shifted back at once, need not wait for anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from core.settings.response import ActionName, Automation, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What an action is, and its guard rails.

    Attributes:
        destructive: whether it takes something away: work, contents, access, or the version that serves.
        approval: whether a person must approve each.
        cooldown: the least time between two on the same target.
        per_hour: how many in any hour, on all targets together.
        blast_radius: how many things one of them may touch.
        undo: whether it can be put back to how it was.
        suspect: whether it changes what runs now, so that an incident that gets worse right after may be its doing.
    """

    destructive: bool = False
    approval: bool = False
    cooldown: timedelta
    per_hour: int
    blast_radius: int = 1
    undo: bool = False
    suspect: bool = True


_MINUTES, _HOURS = timedelta(minutes=1), timedelta(hours=1)

TRAITS: Mapping[ActionName, Traits] = MappingProxyType(
    {
        # Requests in flight are drained; the revision before stays, so that traffic can go back to it.
        ActionName.RESTART_SERVICE: Traits(cooldown=15 * _MINUTES, per_hour=4, undo=True),
        ActionName.SCALE_OUT: Traits(cooldown=10 * _MINUTES, per_hour=6, undo=True),
        ActionName.ROLLBACK_MODEL: Traits(destructive=True, approval=True, cooldown=_HOURS, per_hour=2, undo=True),
        ActionName.SHIFT_TRAFFIC: Traits(cooldown=15 * _MINUTES, per_hour=4, undo=True),
        # A training takes hours and costs money: it neither helps nor harms the incident that runs now.
        ActionName.RETRAIN_MODEL: Traits(cooldown=6 * _HOURS, per_hour=2, suspect=False),
        # Runs that hang come in numbers; the work of a cancelled one is lost.
        ActionName.CANCEL_PIPELINE: Traits(
            destructive=True, approval=True, cooldown=30 * _MINUTES, per_hour=2, blast_radius=5
        ),
        ActionName.RERUN_PIPELINE: Traits(cooldown=30 * _MINUTES, per_hour=4, undo=True),
        ActionName.FLUSH_CACHE: Traits(destructive=True, approval=True, cooldown=_HOURS, per_hour=2),
        # Keys are disabled, not deleted, so that a person can enable them again; nothing enables a leaked key by itself.
        ActionName.REVOKE_ACCESS: Traits(
            destructive=True, approval=True, cooldown=10 * _MINUTES, per_hour=3, blast_radius=10, suspect=False
        ),
        ActionName.COLLECT_DIAGNOSTICS: Traits(cooldown=5 * _MINUTES, per_hour=20, suspect=False),
    }
)
"""Every action there is, by its name; the settings may change the guard rails, not what it is."""


def traits(name: ActionName, automation: Automation) -> Traits:
    """What the action is, with the guard rails that the settings give it.

    Examples:
        >>> from core.settings.response import Limits
        >>> careful = Automation(limits={ActionName.SCALE_OUT: Limits(approval=True)})
        >>> traits(ActionName.SCALE_OUT, careful).approval, traits(ActionName.SCALE_OUT, careful).per_hour
        (True, 6)
    """
    own, limits = TRAITS[name], automation.limits.get(name, Limits())
    return replace(
        own,
        cooldown=own.cooldown if limits.cooldown is None else limits.cooldown,
        per_hour=own.per_hour if limits.per_hour is None else limits.per_hour,
        approval=own.approval if limits.approval is None else limits.approval,
        blast_radius=own.blast_radius if limits.blast_radius is None else limits.blast_radius,
    )

"""Who is on call now, and who stands in for whom, by the settings."""

from collections.abc import Mapping

from core.incidents.on_call import Shift, planned, shift
from core.settings import Override, Rotation
from functions.adapters.ports import Clock, Data


def on_call_now(rotations: Mapping[str, Rotation], clock: Clock) -> list[Data]:
    """Every rotation with who is on call, until when, and its overrides that are not over."""
    now = clock()
    return [
        {
            "name": rotation.name,
            **_shift(shift(rotation, now)),
            "overrides": [_override(one) for one in planned(rotation, now)],
        }
        for rotation in rotations.values()
    ]


def _shift(found: Shift) -> Data:
    return {
        "person": found.person.name,
        "channels": found.person.channels,
        "until": found.until,
        "next": found.following.name if found.following else None,
        "instead_of": found.instead_of.name if found.instead_of else None,
    }


def _override(one: Override) -> Data:
    return {"from": one.start, "until": one.until, "person": one.person}

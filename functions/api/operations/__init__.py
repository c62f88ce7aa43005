"""Every operation of the API, in the order of its document."""

from functions.api.operations import answering, business, incidents, models, replays, system, tokens

GROUPS = {
    "incidents": incidents.OPERATIONS,
    "answering": answering.OPERATIONS,
    "models": models.OPERATIONS,
    "system": system.OPERATIONS,
    "business": business.OPERATIONS,
    "replays": replays.OPERATIONS,
    "tokens": tokens.OPERATIONS,
}
"""The operations by what they are about."""
OPERATIONS = tuple(one for group in GROUPS.values() for one in group)

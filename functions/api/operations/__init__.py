"""Every operation of the API, in the order of its document."""

from functions.api.operations import answering, business, incidents, models, replays, system, tokens

OPERATIONS = (
    *incidents.OPERATIONS,
    *answering.OPERATIONS,
    *models.OPERATIONS,
    *system.OPERATIONS,
    *business.OPERATIONS,
    *replays.OPERATIONS,
    *tokens.OPERATIONS,
)

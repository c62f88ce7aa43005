"""Every operation of the API, in the order of its document."""

from functions.api.operations import answering, business, incidents, models, system, tokens

OPERATIONS = (
    *incidents.OPERATIONS,
    *answering.OPERATIONS,
    *models.OPERATIONS,
    *system.OPERATIONS,
    *business.OPERATIONS,
    *tokens.OPERATIONS,
)

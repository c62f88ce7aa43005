"""Every operation of the API, in the order of its document."""

from functions.api.operations import answering, incidents, models, system, tokens

OPERATIONS = (*incidents.OPERATIONS, *answering.OPERATIONS, *models.OPERATIONS, *system.OPERATIONS, *tokens.OPERATIONS)

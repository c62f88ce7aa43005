"""Cases and guard rails of actions as the store keeps them: the action runner writes them, the pages read them."""

from datetime import datetime

import msgspec

from core.actions.guards import Guards
from core.actions.lifecycle import ActionRun
from functions.adapters.ports import Data

ACTIONS = "actions"
"""A document a request; its key is the request's id."""
GUARDS, GUARDS_KEY = "guards", "all"
"""One document for all actions: a place in the budget is taken by a conditional write of it."""


def case_of(data: Data) -> ActionRun:
    """The case that a document holds."""
    return msgspec.convert(data, ActionRun, builtin_types=(datetime,))


def guards_of(data: Data | None) -> Guards:
    """The memory of the guard rails that a document holds; an empty one where there is none."""
    return msgspec.convert(data or {}, Guards, builtin_types=(datetime,))

"""What would have happened with other settings: `aia replay`."""

from core.access import Role
from functions.api.operation import act, get
from functions.services.api_schemas.replay import Proposed, Replay

OPERATIONS = (
    act(
        "/replay",
        "start_replay",
        "Replay what happened with other settings; an operation that goes on, and is kept for a day",
        Proposed,
        lambda services, request: services.replays.start(request),
        role=Role.OPERATOR,
        answers=Replay,
    ),
    get(
        "/replay/{identifier}",
        "replay",
        "A replay, and what would have been different",
        Replay,
        lambda services, _request, identifier: services.replays.one(identifier),
        patience=8.0,
    ),
)

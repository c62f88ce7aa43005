"""API tokens: `aia tokens`."""

from core.access import Role
from functions.api.operation import act, get
from functions.api.schemas import bodies
from functions.api.schemas.tokens import NewToken, Token, TokenAsked

OPERATIONS = (
    get(
        "/tokens",
        "tokens",
        "API tokens, without their secrets",
        list[Token],
        lambda services, _request: services.tokens.all(),
        role=Role.ADMIN,
    ),
    act(
        "/tokens",
        "create_token",
        "Create a token; only this answer has it",
        TokenAsked,
        lambda services, request: services.tokens.create(request, request.role),
        role=Role.ADMIN,
        answers=NewToken,
        status=200,
        once=False,
    ),
    act(
        "/tokens/{identifier}/revoke",
        "revoke_token",
        "Revoke a token",
        bodies.Said,
        lambda services, request, identifier: services.tokens.revoke(request, identifier),
        role=Role.ADMIN,
        answers=Token,
        status=200,
    ),
)

"""The operations of `tokens` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from functions.services.api_schemas.bodies import Said
    from functions.services.api_schemas.tokens import NewToken, Token, TokenAsked


class TokensClient(Asking):
    """Asks them."""

    __slots__ = ()

    def tokens(self) -> list[Token]:
        """API tokens, without their secrets."""
        return cast("list[Token]", self._ask("GET", path("tokens")))

    def create_token(self, body: TokenAsked) -> NewToken:
        """Create a token; only this answer has it."""
        return cast("NewToken", self._ask("POST", path("tokens"), body))

    def revoke_token(self, identifier: str, body: Said) -> Token:
        """Revoke a token."""
        return cast("Token", self._ask("POST", path("tokens", identifier, "revoke"), body))

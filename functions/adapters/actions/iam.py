"""The user-managed keys of a service account: IAM's client, as far as the actions use it."""

import functools
import os
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from google.cloud.iam_admin_v1 import IAMClient
from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport
from google.cloud.iam_admin_v1.types import (
    DisableServiceAccountKeyRequest,
    EnableServiceAccountKeyRequest,
    ListServiceAccountKeysRequest,
)

from functions.adapters.actions.calls import PATIENCE, answers, channel, limits

USER_MANAGED = ListServiceAccountKeysRequest.KeyType.USER_MANAGED
"""Keys that users created; keys that Google manages cannot be downloaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key, without anything secret of it."""

    id: str
    disabled: bool
    made_at: datetime


class Keys:
    """The keys of service accounts, which are named by their e-mail addresses.

    Args:
        endpoint: `host:port` of a server without TLS in Google's place.
        patience: seconds that an attempt may take, and that a call is repeated for.
    """

    def __init__(self, *, endpoint: str = "", patience: float = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience

    def list(self, account: str) -> tuple[Key, ...]:
        """The user-managed keys, by id."""
        request = ListServiceAccountKeysRequest(name=_name(account), key_types=[USER_MANAGED])
        with answers(f"keys of {account}"):
            answer = self._client.list_service_account_keys(request=request, **limits(self._patience))
        keys = (
            Key(id=key.name.rpartition("/")[2], disabled=key.disabled, made_at=cast("datetime", key.valid_after_time))
            for key in answer.keys
        )
        return tuple(sorted(keys, key=lambda key: key.id))

    def disable(self, account: str, key: str) -> None:
        """Disable a key."""
        request = DisableServiceAccountKeyRequest(name=f"{_name(account)}/keys/{key}")
        with answers(f"key {key} of {account}"):
            self._client.disable_service_account_key(request=request, **limits(self._patience))

    def enable(self, account: str, key: str) -> None:
        """Enable a key."""
        request = EnableServiceAccountKeyRequest(name=f"{_name(account)}/keys/{key}")
        with answers(f"key {key} of {account}"):
            self._client.enable_service_account_key(request=request, **limits(self._patience))

    @functools.cached_property
    def _client(self) -> IAMClient:
        if self._endpoint:
            return IAMClient(transport=IAMGrpcTransport(channel=channel(self._endpoint)))
        return IAMClient()


def connect() -> Keys:
    """IAM as the environment has it: AIA_IAM_ENDPOINT, or Google's own."""
    return Keys(endpoint=os.environ.get("AIA_IAM_ENDPOINT", ""))


def _name(account: str) -> str:
    return f"projects/-/serviceAccounts/{account}"  # the API finds the project by the account

"""IAM's service account keys on loopback: `google.iam.admin.v1.IAM`, as far as keys are listed, disabled and enabled."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.iam_admin_v1 import types
from google.protobuf.empty_pb2 import Empty

from tests.support.servers.google_server import Wire, serving

ACCOUNT = "exporter@shop.iam.gserviceaccount.com"
_TYPES = types.ListServiceAccountKeysRequest.KeyType


@dataclass
class Iam(Wire):
    """The service; keys are kept by account and id."""

    accounts: dict[str, dict[str, types.ServiceAccountKey]] = field(default_factory=dict)

    def give(self, key: str, *, account: str = ACCOUNT, disabled: bool = False, google: bool = False) -> None:
        """Make a key, or replace it."""
        self.accounts.setdefault(account, {})[key] = types.ServiceAccountKey(
            name=f"projects/shop/serviceAccounts/{account}/keys/{key}",
            key_type=_TYPES.SYSTEM_MANAGED if google else _TYPES.USER_MANAGED,
            valid_after_time=datetime(2026, 3, 1, tzinfo=UTC),
            disabled=disabled,
        )

    def states(self, account: str = ACCOUNT) -> dict[str, bool]:
        """Whether each key is disabled."""
        return {key: one.disabled for key, one in sorted(self.accounts.get(account, {}).items())}

    def list_keys(self, request: Any, context: grpc.ServicerContext) -> types.ListServiceAccountKeysResponse:
        keys = self._account(request.name, context).values()
        wanted = [key for key in keys if not request.key_types or key.key_type in request.key_types]
        return types.ListServiceAccountKeysResponse(keys=wanted)

    def disable(self, request: Any, context: grpc.ServicerContext) -> Empty:
        return self._switch(request.name, context, disabled=True)

    def enable(self, request: Any, context: grpc.ServicerContext) -> Empty:
        return self._switch(request.name, context, disabled=False)

    def _switch(self, name: str, context: grpc.ServicerContext, *, disabled: bool) -> Empty:
        owner, _, key = name.rpartition("/keys/")
        keys = self._account(owner, context)
        if key not in keys:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Service account key {key} does not exist.")
        if keys[key].key_type == _TYPES.SYSTEM_MANAGED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Google-managed keys cannot be disabled.")
        if keys[key].disabled != disabled:
            self.effects += 1
        keys[key].disabled = disabled
        return Empty()

    def _account(self, name: str, context: grpc.ServicerContext) -> dict[str, types.ServiceAccountKey]:
        found = re.fullmatch(r"projects/(?:-|shop)/serviceAccounts/([^/]+)", name)
        if not found:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Invalid form of account ID {name}.")
        if found[1] not in self.accounts:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Service account {found[1]} does not exist.")
        return self.accounts[found[1]]


@contextmanager
def iam() -> Iterator[Iam]:
    """The service on a free port."""
    service, write = Iam(), lambda empty: empty.SerializeToString()
    methods = {
        "ListServiceAccountKeys": (
            service.list_keys,
            types.ListServiceAccountKeysRequest.deserialize,
            types.ListServiceAccountKeysResponse.serialize,
        ),
        "DisableServiceAccountKey": (service.disable, types.DisableServiceAccountKeyRequest.deserialize, write),
        "EnableServiceAccountKey": (service.enable, types.EnableServiceAccountKeyRequest.deserialize, write),
    }
    with serving(service, "google.iam.admin.v1.IAM", methods):
        yield service

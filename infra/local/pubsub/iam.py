"""The service `google.iam.v1.IAMPolicy`: policies are kept, and nobody is refused anything.

Whoever reaches the server may do everything, as with Google's emulator, so all permissions that are asked about are there.
"""

import re
import secrets
from typing import Final

import grpc
from google.iam.v1 import iam_policy_pb2, policy_pb2

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.rpc import Context, RefusalError, Service, invalid
from infra.local.pubsub.wire import Proto

_PERMISSION: Final = re.compile(r"[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+")
_ROLE: Final = re.compile(r"(projects/[^/]+/|organizations/[^/]+/)?roles/[\w.]+")
_MEMBER: Final = re.compile(r"allUsers|allAuthenticatedUsers|[a-zA-Z]+:.+")


class Iam:
    """The policies of topics, subscriptions, snapshots and schemas.

    Args:
        broker: has the resources.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def service(self) -> Service:
        """The service's methods."""
        methods = {
            "SetIamPolicy": (self.set, iam_policy_pb2.SetIamPolicyRequest),
            "GetIamPolicy": (self.get, iam_policy_pb2.GetIamPolicyRequest),
            "TestIamPermissions": (self.test, iam_policy_pb2.TestIamPermissionsRequest),
        }
        return Service("google.iam.v1.IAMPolicy", methods)

    async def get(self, request: Proto, _: Context) -> Proto:
        """The policy of a resource, which is empty until one is set."""
        return self._policy(request.resource)

    async def set(self, request: Proto, _: Context) -> Proto:
        """Replace the policy of a resource, unless it was changed since the one with this etag was read."""
        current = self._policy(request.resource)
        if request.policy.etag and request.policy.etag != current.etag:
            raise RefusalError(grpc.StatusCode.ABORTED, "policy.etag: the policy was changed since it was read")
        policy = policy_pb2.Policy()
        policy.CopyFrom(request.policy)
        _check(policy)
        policy.version = policy.version or 1
        policy.etag = secrets.token_bytes(8)
        await self._broker.policies.save(request.resource, policy.SerializeToString())
        return policy

    async def test(self, request: Proto, _: Context) -> Proto:
        """Which permissions the caller has: all of them."""
        self._broker.check_resource(request.resource)
        for permission in request.permissions:
            if not _PERMISSION.fullmatch(permission):
                raise invalid(f"permissions: must be like pubsub.topics.publish, got {permission!r}")
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=request.permissions)

    def _policy(self, resource: str) -> Proto:
        self._broker.check_resource(resource)
        data = self._broker.policies.get(resource)
        return policy_pb2.Policy.FromString(data) if data else policy_pb2.Policy(etag=b"\0\1")


def _check(policy: Proto) -> None:
    for binding in policy.bindings:
        if not _ROLE.fullmatch(binding.role):
            raise invalid(f"policy.bindings.role: must be like roles/pubsub.viewer, got {binding.role!r}")
        for member in binding.members:
            if not _MEMBER.fullmatch(member):
                raise invalid(f"policy.bindings.members: must be like user:EMAIL, got {member!r}")

"""The protobuf messages behind google-cloud-monitoring, as they arrive on the wire.

They are read as they are, without the wrappers of the client library, which cost more than everything else here
together.
"""

from typing import Any

from google.api.metric_pb2 import MetricDescriptor  # type: ignore[import-untyped]  # published without type information
from google.rpc.code_pb2 import INVALID_ARGUMENT
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status  # type: ignore[import-untyped]  # published without type information

__all__ = ["INVALID_ARGUMENT", "MetricDescriptor", "Pb", "Status", "rpc_status"]

Pb = Any
"""A message; the library publishes no types for them."""

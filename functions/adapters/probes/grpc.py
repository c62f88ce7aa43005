"""gRPC probe: what a server says of itself or of a service by the health checking protocol.

References:
    gRPC, Health Checking Protocol (grpc.health.v1).
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from core.health import ProbeReason, ProbeResult
from core.settings.probes import GrpcProbe
from core.settings.probes.base import host_and_port
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed, failed_by, passed
from functions.adapters.probes.reach import reached_address

_REASONS: Mapping[grpc.StatusCode, ProbeReason] = MappingProxyType(
    {
        grpc.StatusCode.DEADLINE_EXCEEDED: ProbeReason.TIMEOUT,
        grpc.StatusCode.NOT_FOUND: ProbeReason.NOT_SERVING,
        grpc.StatusCode.UNAVAILABLE: ProbeReason.CLOSED_EARLY,
        grpc.StatusCode.UNAUTHENTICATED: ProbeReason.NOT_AUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED: ProbeReason.NOT_AUTHENTICATED,
    }
)
_DISTRUST = ("SSL", "Verification")
"""In what gRPC says where a handshake failed, which is the status of a server that is gone."""


def check(probe: GrpcProbe) -> ProbeResult:
    """Ask `Check`; only SERVING is good."""
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        address = reached_address(probe, probe.host, probe.port, deadline)
        with _channel(probe, address) as channel:
            request = HealthCheckRequest(service=probe.service)
            answer = HealthStub(channel).Check(request, timeout=deadline.left())
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    except grpc.RpcError as error:
        return _failed(probe, error, deadline)
    if answer.status == HealthCheckResponse.SERVING:
        return passed(f"{probe.where} serves", deadline)
    status = HealthCheckResponse.ServingStatus.Name(answer.status)
    return failed(ProbeReason.NOT_SERVING, f"{probe.where}: {status}", deadline)


def _channel(probe: GrpcProbe, address: str) -> grpc.Channel:
    """A channel to the checked address, which is not resolved again; name and certificate are those of the host."""
    version = "ipv6" if ":" in address else "ipv4"
    target = f"{version}:{host_and_port(address, probe.port)}"
    options = [
        ("grpc.default_authority", host_and_port(probe.host, probe.port)),
        ("grpc.enable_http_proxy", 0),
        ("grpc.enable_retries", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if not probe.tls:
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, _credentials(probe), [*options, ("grpc.ssl_target_name_override", probe.host)])


def _credentials(probe: GrpcProbe) -> grpc.ChannelCredentials:
    """What the probe trusts: its authorities, else those of the machine, which gRPC by itself does not read."""
    if probe.ca is not None:
        return grpc.ssl_channel_credentials(probe.ca.encode())
    file = ssl.get_default_verify_paths().cafile
    return grpc.ssl_channel_credentials(Path(file).read_bytes() if file else None)


def _failed(probe: GrpcProbe, error: grpc.RpcError, deadline: Deadline) -> ProbeResult:
    code, said = error.code(), error.details() or ""
    reason = _REASONS.get(code, ProbeReason.BAD_ANSWER)
    if code is grpc.StatusCode.UNAVAILABLE and any(words in said for words in _DISTRUST):
        reason = ProbeReason.TLS_FAILED
    return failed(reason, f"{probe.where} ({code.name})", deadline)

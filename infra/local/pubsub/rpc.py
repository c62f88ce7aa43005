"""gRPC methods from plain functions, and errors with a status."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from infra.local.pubsub.wire import Proto

DOMAIN: Final = "pubsub.googleapis.com"
"""The domain of reasons of errors."""
_DETAILS: Final = "grpc-status-details-bin"

Context = Any
"""The context of a method in grpc.aio, or that of a request over HTTP: both know how long the caller waits."""
Method = Callable[[Proto, Context], Awaitable[Proto]]
Streaming = Callable[[AsyncIterator[Proto], Context], AsyncIterator[Proto]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of an API, over any transport: its methods, each with the class of its request."""

    name: str
    unary: Mapping[str, tuple[Method, Proto]]
    streaming: Mapping[str, tuple[Streaming, Proto]] = field(default_factory=dict)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service over gRPC."""
        methods = {name: unary(*method) for name, method in self.unary.items()}
        methods |= {name: streaming(*method) for name, method in self.streaming.items()}
        return grpc.method_handlers_generic_handler(self.name, methods)


class RefusalError(Exception):
    """A request that is answered with a status other than OK.

    Args:
        code: the status.
        message: what is wrong.
        info: what `google.rpc.ErrorInfo` says about each part of the request, if anything.
    """

    def __init__(self, code: grpc.StatusCode, message: str, info: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.info = info or {}

    def status(self) -> Proto:
        """As `google.rpc.Status`."""
        status = status_pb2.Status(code=self.code.value[0], message=str(self))
        if self.info:
            reason = next(iter(self.info.values()))
            status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=self.info))
        return status


def invalid(message: str) -> RefusalError:
    """The request is wrong in itself."""
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, message)


def missing(message: str) -> RefusalError:
    """The resource does not exist."""
    return RefusalError(grpc.StatusCode.NOT_FOUND, message)


def unfit(message: str, info: Mapping[str, str] | None = None) -> RefusalError:
    """The state of the resource does not allow it."""
    return RefusalError(grpc.StatusCode.FAILED_PRECONDITION, message, info)


def unimplemented(message: str) -> RefusalError:
    """Pub/Sub has it, this server does not."""
    return RefusalError(grpc.StatusCode.UNIMPLEMENTED, message)


def unary(call: Method, request: Proto) -> "grpc.RpcMethodHandler[Any, Any]":
    """A method that takes one message of the class `request` and answers with one."""

    async def handle(message: Proto, context: Context) -> Proto:
        try:
            return await call(message, context)
        except RefusalError as refusal:
            await _abort(context, refusal)

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request.FromString, response_serializer=_to_bytes
    )


def streaming(call: Streaming, request: Proto) -> "grpc.RpcMethodHandler[Any, Any]":
    """A method that takes a stream of messages of the class `request` and answers with a stream."""

    async def handle(messages: AsyncIterator[Proto], context: Context) -> AsyncIterator[Proto]:
        try:
            async for answer in call(messages, context):
                yield answer
        except RefusalError as refusal:
            await _abort(context, refusal)

    return grpc.stream_stream_rpc_method_handler(
        handle, request_deserializer=request.FromString, response_serializer=_to_bytes
    )


async def _abort(context: Context, refusal: RefusalError) -> None:
    details = ((_DETAILS, refusal.status().SerializeToString()),) if refusal.info else ()
    await context.abort(refusal.code, str(refusal), details)


def _to_bytes(message: Proto) -> bytes:
    data: bytes = message.SerializeToString()
    return data

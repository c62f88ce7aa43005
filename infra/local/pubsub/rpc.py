"""gRPC methods from plain functions, and errors with a status."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from infra.local.pubsub.wire import Proto

Context = Any
"""The context of a method in grpc.aio."""
Method = Callable[[Proto, Context], Awaitable[Proto]]
Streaming = Callable[[AsyncIterator[Proto], Context], AsyncIterator[Proto]]


class RefusalError(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> RefusalError:
    """The request is wrong in itself."""
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, message)


def missing(message: str) -> RefusalError:
    """The resource does not exist."""
    return RefusalError(grpc.StatusCode.NOT_FOUND, message)


def unimplemented(message: str) -> RefusalError:
    """Pub/Sub has it, this server does not."""
    return RefusalError(grpc.StatusCode.UNIMPLEMENTED, message)


def unary(call: Method, request: Proto) -> "grpc.RpcMethodHandler[Any, Any]":
    """A method that takes one message of the class `request` and answers with one."""

    async def handle(message: Proto, context: Context) -> Proto:
        try:
            return await call(message, context)
        except RefusalError as refusal:
            await context.abort(refusal.code, str(refusal))

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
            await context.abort(refusal.code, str(refusal))

    return grpc.stream_stream_rpc_method_handler(
        handle, request_deserializer=request.FromString, response_serializer=_to_bytes
    )


def _to_bytes(message: Proto) -> bytes:
    data: bytes = message.SerializeToString()
    return data

"""Refusals of a request, as Google's API answers them."""

import grpc


class RefusalError(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> RefusalError:
    """The request is wrong in itself."""
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, message)

"""The entry point of a function."""

from collections.abc import Callable

import flask
import functions_framework
from flask.typing import ResponseReturnValue

from functions.adapters import logs
from functions.runtime.once import once
from functions.runtime.ports import Ports

Answer = Callable[[flask.Request], ResponseReturnValue]


def serve(function: str, build: Callable[[Ports], Answer]) -> Answer:
    """What functions-framework calls as `main`; it sets up the logs and builds the function when the first request comes.

    Args:
        function: its name.
        build: the composition root: what answers requests, over the ports.
    """

    @once
    def built() -> Answer:
        logs.setup()
        return build(Ports(function))

    @functions_framework.http
    def main(request: flask.Request) -> ResponseReturnValue:
        return built()(request)

    return main

"""An operation of the API, declared once: its address, who may ask it, what it takes and answers, and what computes that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.responses import Response

from core.access import Role
from functions.api import reply
from functions.api.body import BodyError
from functions.api.parameters import Parameter, read
from functions.api.request import Request
from functions.api.services import Services
from functions.services.api_schemas.incidents import Accepted

READ_SECONDS, ACT_SECONDS = 3.0, 30.0
"""How long a reader waits for an answer, and who acts."""
PREFIX = "/v1"
Call = Callable[..., Any]
"""Takes the services, the request and the parameters of the path by name; returns what is answered."""


class Kind(StrEnum):
    """What an answer is."""

    JSON = "application/json"
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation.

    Attributes:
        name: of the operation, and of the endpoint in metrics and logs.
        method: of HTTP.
        path: as OpenAPI writes it, below the prefix.
        summary: what it does, in one sentence.
        call: computes the answer.
        answers: the type of the answer in JSON.
        kind: of the answer.
        status: of the answer.
        role: who may ask it.
        parameters: of the query.
        takes: the type of the body, where it takes one.
        converts: how parameters of the path are read that are not one segment of it: `path`, or `int`.
        measures: whether it shows measurements, whose source may still be starting.
        patience: seconds that it is waited for.
        once: whether a header `Idempotency-Key` makes it happen once.
        opens: whether it needs the services.
        personal: whether its answer depends on who asks.
    """

    name: str
    method: str
    path: str
    summary: str
    call: Call
    answers: Any = None
    kind: Kind = Kind.JSON
    status: int = 200
    role: Role = Role.VIEWER
    parameters: tuple[Parameter, ...] = ()
    takes: Any = None
    converts: Mapping[str, str] = field(default_factory=dict)
    measures: bool = False
    patience: float = READ_SECONDS
    once: bool = False
    opens: bool = True
    personal: bool = False

    @property
    def shared(self) -> bool:
        """Whether an answer may be given to somebody else as well, whoever asks."""
        return self.role is Role.VIEWER and not self.personal

    @property
    def route(self) -> str:
        """The path as the router reads it."""
        found = self.path
        for name, how in self.converts.items():
            found = found.replace(f"{{{name}}}", f"{{{name}:{how}}}")
        return PREFIX + found

    def answer(self, request: Request, services: Callable[[], Services], **path: Any) -> Response:  # noqa: ANN401 - as converted
        """What is answered; raises whatever the service does, and `BodyError` where parameters are wrong."""
        request.values, faults = read(self.parameters, request.args)
        if faults:
            raise BodyError(faults)
        found = self.call(services() if self.opens else None, request, **path)
        if self.measures:
            services().start.answered.add(self.name)
        return self._reply(found, request)

    def _reply(self, found: Any, request: Request) -> Response:  # noqa: ANN401 - of the kind of the operation
        if self.kind is Kind.MARKDOWN:
            return reply.markdown(found)
        if self.kind is Kind.TEXT:
            return reply.text(found)
        if self.answers is Accepted:
            return reply.accepted(*((found,) if isinstance(found, str) else found))
        if isinstance(found, reply.Started):
            return reply.started(found)
        return reply.json(found, request if self.method == "GET" else None)


def get(path: str, name: str, summary: str, answers: Any, call: Call, **more: Any) -> Operation:  # noqa: ANN401 - a type, and fields
    """An operation that reads."""
    return Operation(name=name, method="GET", path=path, summary=summary, answers=answers, call=call, **more)


def act(path: str, name: str, summary: str, takes: Any, call: Call, **more: Any) -> Operation:  # noqa: ANN401 - a type, and fields
    """An operation that publishes a command, or changes something at once where it says which answer it has."""
    fields: dict[str, Any] = {
        "answers": Accepted,
        "status": 202,
        "patience": ACT_SECONDS,
        "method": "POST",
        "once": True,
    } | more
    return Operation(name=name, path=path, summary=summary, takes=takes, call=call, **fields)

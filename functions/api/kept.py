"""The newest answers to readers, for when the source of one hangs: what was known then is shown with its age."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock

from starlette.responses import Response

from functions.api.request import Request

MOST, LARGEST = 200, 500_000
"""Answers that are kept, and bytes of one."""


@dataclass(slots=True)
class Kept:
    """Keeps answers by address.

    Attributes:
        clock: monotonic seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _answers: "OrderedDict[tuple[str, ...], tuple[float, Response]]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def keep(self, request: Request, response: Response) -> None:
        """Keep the answer to a request, if it is one that may be shown again."""
        if request.method != "GET" or response.status_code != HTTPStatus.OK or len(response.body) > LARGEST:
            return
        with self._lock:
            self._answers[_address(request)] = (self.clock(), response)
            self._answers.move_to_end(_address(request))
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)

    def newest(self, request: Request) -> Response | None:
        """The newest answer to such a request, with its age in seconds in the header `Age`; None where there is none."""
        with self._lock:
            found = self._answers.get(_address(request))
        if found is None:
            return None
        at, kept = found
        response = Response(bytes(kept.body), headers=dict(kept.headers))
        response.headers["Age"] = str(round(self.clock() - at))
        return response


def _address(request: Request) -> tuple[str, ...]:
    query = (part for parameter in sorted(request.args.items()) for part in parameter)
    return (request.path, str(request.takes_gzip), *query)

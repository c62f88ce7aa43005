"""`jobs.query` of the emulator, with the result in the first answer, as BigQuery answers it."""

import functools
from types import FunctionType
from typing import Final

from infra.local.warehouse.parts import Part, part

MOST_ANSWERS: Final = 500
"""Answers without rows that are retained, for requests that are repeated."""
_ROUTES: Final = "bqemulator.api.routes.jobs"
_PATH: Final = "/projects/{project_id}/queries"
_CAUGHT: Final = "_SQL_EXECUTION_DOMAIN_ERRORS"
"""The errors that the route makes an answer of."""


def answer_queries_as_bigquery() -> None:
    """Answer a refused statement with an error, and a repeated request as the first time.

    The emulator answers a refused statement as one without rows, which the client takes for a success. And it would run a
    statement again whose answer was lost; BigQuery knows one that changes a table by its `requestId`.
    """
    router, query = part(_ROUTES, "router"), part(_ROUTES, "query")
    part(_ROUTES, _CAUGHT)
    refusing = FunctionType(query.__code__, query.__globals__ | {_CAUGHT: ()})
    router.routes[:] = [route for route in router.routes if route.endpoint is not query]
    router.add_api_route(_PATH, _once(functools.wraps(query)(refusing)), methods=["POST"])


def _once(query: Part) -> Part:
    answers: dict[tuple[str, str], Part] = {}

    @functools.wraps(query)
    async def answered(project_id: str, request: Part, ctx: Part, caller: Part) -> Part:
        key = project_id, (await request.json()).get("requestId")
        if key in answers:
            return answers[key]
        answer = await query(project_id=project_id, request=request, ctx=ctx, caller=caller)
        if key[1] and not answer["rows"]:
            answers[key] = answer
            if len(answers) > MOST_ANSWERS:
                del answers[next(iter(answers))]
        return answer

    return answered

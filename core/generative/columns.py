"""The columns that are computed from a request as it is read, in GoogleSQL: no text leaves the warehouse.

They stand beside the columns of the table in every statement that reads or counts a window, so that a window of any size,
read by rows, counted at once or by slots, has the same features.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.generative.json_format import matches_sql
from core.generative.language import language_sql
from core.generative.literal import text, texts
from core.generative.pii import kinds_sql
from core.generative.projections import projection_sql
from core.settings.generation import (
    CHARACTERS,
    DOLLARS,
    EMPTY,
    EMPTY_CONTEXT,
    FAILED,
    HIT,
    INVALID,
    LANGUAGE,
    PII,
    PROMPT_CHARACTERS,
    PROMPT_LANGUAGE,
    REFUSED,
    TRUNCATED,
    Generation,
)

NUMBERS, TEXT, VECTORS, ANY = "numbers", "text", "vectors", "any"
"""What a source must hold."""
_MILLION = 1e6
_HEAD = 300
"""Characters of a response in which a phrase is a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A computed column.

    Attributes:
        sql: its expression, over the columns of the table.
        sources: the columns that it names, and what each must hold: `numbers`, `text`, `vectors` or `any`.
    """

    sql: str
    sources: Mapping[str, str]


def computed_columns(generation: Generation) -> dict[str, Computed]:
    """The computed columns of a model, by the names of its features.

    >>> sorted(computed_columns(Generation(finish_reason="reason", retrieved="documents")))
    ['empty_context_', 'refused_', 'truncated_']
    """
    found = _of_columns(generation) | _of_prompt(generation) | _of_response(generation) | _of_embeddings(generation)
    wanted = {*generation.numeric, *generation.categorical}
    return {name: one for name, one in found.items() if name in wanted}


def _of_columns(log: Generation) -> dict[str, Computed]:
    found = {}
    if log.prices and log.tokens_in and log.tokens_out:
        dearer = f"`{log.tokens_in}` * {log.prices.tokens_in!r} + `{log.tokens_out}` * {log.prices.tokens_out!r}"
        found[DOLLARS] = Computed(
            sql=f"({dearer}) / {_MILLION!r}", sources={log.tokens_in: NUMBERS, log.tokens_out: NUMBERS}
        )
    if log.status:
        # A request without a status is no error: it may not have ended yet.
        ended = f"CAST(`{log.status}` AS STRING) NOT IN ({texts(log.succeeded)})"
        found[FAILED] = Computed(sql=f"IFNULL({ended}, FALSE)", sources={log.status: ANY})
    if log.finish_reason:
        cut = f"CAST(`{log.finish_reason}` AS STRING) IN ({texts(log.truncated_by)})"
        found[TRUNCATED] = Computed(sql=f"IFNULL({cut}, FALSE)", sources={log.finish_reason: ANY})
    if log.retrieved:
        found[EMPTY_CONTEXT] = Computed(sql=f"IFNULL(`{log.retrieved}`, 0) = 0", sources={log.retrieved: NUMBERS})
    if log.retrieval_hit:
        found[HIT] = Computed(sql=_truth(log.retrieval_hit), sources={log.retrieval_hit: ANY})
    return found | _refusals(log)


def _refusals(log: Generation) -> dict[str, Computed]:
    """Whether the model refused, by any of what the settings name."""
    signs = []
    if log.refused:
        signs.append((log.refused, ANY, _truth(log.refused)))
    if log.finish_reason and log.refused_by:
        refused = f"CAST(`{log.finish_reason}` AS STRING) IN ({texts(log.refused_by)})"
        signs.append((log.finish_reason, ANY, f"IFNULL({refused}, FALSE)"))
    if log.response and log.refusal_phrases:
        head = f"LOWER(SUBSTR(`{log.response}`, 1, {_HEAD}))"
        phrases = " OR ".join(f"STRPOS({head}, {text(phrase.lower())}) > 0" for phrase in log.refusal_phrases)
        signs.append((log.response, TEXT, f"IFNULL({phrases}, FALSE)"))
    if not signs:
        return {}
    said = " OR ".join(sql for _, _, sql in signs)
    return {REFUSED: Computed(sql=said, sources={name: kind for name, kind, _ in signs})}


def _of_prompt(log: Generation) -> dict[str, Computed]:
    if log.prompt is None:
        return {}
    column, sources = f"`{log.prompt}`", {log.prompt: TEXT}
    return {
        PROMPT_CHARACTERS: Computed(sql=f"CHAR_LENGTH({column})", sources=sources),
        PROMPT_LANGUAGE: Computed(sql=language_sql(column), sources=sources),
    }


def _of_response(log: Generation) -> dict[str, Computed]:
    if log.response is None:
        return {}
    column = f"`{log.response}`"
    # A request that failed, or was refused before a word, needs no response.
    empty = f"TRIM(IFNULL({column}, '')) = ''"
    sources = {log.response: TEXT}
    if log.status:
        empty += f" AND IFNULL(CAST(`{log.status}` AS STRING) IN ({texts(log.succeeded)}), TRUE)"
        sources[log.status] = ANY
    found = {
        CHARACTERS: Computed(sql=f"CHAR_LENGTH({column})", sources={log.response: TEXT}),
        LANGUAGE: Computed(sql=language_sql(column), sources={log.response: TEXT}),
        EMPTY: Computed(sql=empty, sources=sources),
        PII: Computed(sql=kinds_sql(column, log.pii), sources={log.response: TEXT}),
    }
    if log.json_schema is not None:
        # What is empty is counted as such.
        wrong = f"TRIM({column}) != '' AND NOT {matches_sql(column, log.json_schema)}"
        found[INVALID] = Computed(sql=f"IFNULL({wrong}, FALSE)", sources={log.response: TEXT})
    return found


def _of_embeddings(log: Generation) -> dict[str, Computed]:
    return {
        name: Computed(sql=projection_sql(f"`{one.column}`", one.dimensions, number), sources={one.column: VECTORS})
        for one in log.embeddings
        for number, name in enumerate(one.names, 1)
    }


def _truth(column: str) -> str:
    """A boolean, or 0 and 1, as a boolean; NULL is FALSE."""
    return f"IFNULL(LOWER(CAST(`{column}` AS STRING)) IN ('true', '1', '1.0'), FALSE)"

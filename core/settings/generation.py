"""What a generative model logs: the columns of its requests, what is derived from them, and the limits of its measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core import measures
from core.errors import Fault
from core.settings import json_schema as schemas
from core.settings.declare import Faults, validator
from core.settings.kinds import Column
from core.settings.notes import Items, OneOf, Range, Reads, Requires

PII_KINDS = ("email", "phone", "iban", "card", "ip")
"""Patterns of personal data that are looked for."""
_MEASURES = tuple(name for name, one in measures.MEASURES.items() if measures.GENERATIVE in one.tasks)
Words = tuple[str, ...]
_SINGLE = (
    *("prompt", "response", "tokens_in", "tokens_out", "cost", "first_token", "total", "status", "finish_reason"),
    *("refused", "retries", "language", "retrieved", "retrieval_hit"),
)
"""The keys that name one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of tokens, where the log has no column of costs."""

    tokens_in: Annotated[float, Range(0, 1e6, "dollars")]
    """Dollars per million tokens of prompts."""
    tokens_out: Annotated[float, Range(0, 1e6, "dollars")]
    """Dollars per million tokens of responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """A column of embeddings."""

    column: Column
    """Column of the vectors, `ARRAY<FLOAT64>`."""
    dimensions: Annotated[int, Range(2, 8192, "numbers")]
    """Length of a vector; vectors of another length are missing values."""
    projections: Annotated[int, Range(1, 32)] = 8
    """Number of random projections that are compared with the reference."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features that its projections are."""
        return tuple(f"{self.column}_{number}_" for number in range(1, self.projections + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The log of a generative model, where `task` is `generative`; every key is optional. Texts never leave the warehouse."""

    prompt: Column | None = None
    """Column of the prompt, whose length and language are features."""
    response: Column | None = None
    """Column of the response, a text."""
    tokens_in: Column | None = None
    """Column of the number of tokens of the prompt."""
    tokens_out: Column | None = None
    """Column of the number of tokens of the response."""
    cost: Column | None = None
    """Column of the cost of the request, in dollars."""
    prices: Annotated[Prices | None, Requires("tokens_in", "tokens_out")] = None
    first_token: Column | None = None
    """Column of the time to the first token, in seconds."""
    total: Column | None = None
    """Column of the total time of the request, in seconds."""
    status: Column | None = None
    """Column of the status of the request."""
    succeeded: Annotated[Words, Items(at_least=1, unique=True), Requires("status")] = (
        "200",
        "OK",
        "ok",
        "success",
        "SUCCEEDED",
    )
    """Values of `status` of requests that succeeded; any other is an error."""
    finish_reason: Column | None = None
    """Column of the reason why the generation ended."""
    truncated_by: Annotated[Words, Items(at_least=1, unique=True), Requires("finish_reason")] = (
        "length",
        "max_tokens",
        "MAX_TOKENS",
    )
    """Values of `finish_reason` of responses that were cut off."""
    refused: Column | None = None
    """Column of whether the model refused: a boolean, or 0 and 1."""
    refused_by: Annotated[Words, Items(unique=True), Requires("finish_reason")] = (
        "content_filter",
        "refusal",
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
    )
    """Values of `finish_reason` of responses that were refused."""
    refusal_phrases: Annotated[Words, Items(at_least=1, unique=True), Requires("response")] = ()
    """Phrases that count as a refusal within the first 300 characters of a response, in any case; none by default."""
    retries: Column | None = None
    """Column of the number of retries."""
    language: Column | None = None
    """Column of the language of the response; without it the language is detected where there is a `response`."""
    detect_language: bool = True
    """Whether the language of prompts is detected, and that of responses where there is no column of it."""
    json_schema: Annotated[
        str | None, Reads(schemas.read, "a JSON Schema", {"type": "object"}), Requires("response")
    ] = None
    """JSON Schema that every response must match; `{}` accepts any JSON."""
    pii: Annotated[tuple[Annotated[str, OneOf(*PII_KINDS)], ...], Items(unique=True), Requires("response")] = PII_KINDS
    """Patterns of personal data that are counted in responses."""
    retrieved: Column | None = None
    """Column of the number of documents that were retrieved for the prompt."""
    retrieval_hit: Column | None = None
    """Column of whether retrieval found what was asked for: a boolean, or 0 and 1."""
    scores: Annotated[tuple[Column, ...], Items(unique=True)] = ()
    """Columns of scores that others computed (judges, feedback of users), higher is better."""
    embeddings: tuple[Embedding, ...] = ()
    """Embeddings of prompts or of retrieved documents."""
    limits: Mapping[Annotated[str, OneOf(*_MEASURES)], Annotated[float, Range(0, 1e12)]] = field(
        default_factory=dict, hash=False
    )
    """Limits of the measures: the least value that is accepted of `score` and `retrieval_hit_ratio`, the largest of any other."""

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The columns of the log, each with its key."""
        single = [(key, name) for key in _SINGLE if (name := getattr(self, key))]
        scores = [(f"scores[{index}]", name) for index, name in enumerate(self.scores)]
        embeddings = [(f"embeddings[{index}].column", one.column) for index, one in enumerate(self.embeddings)]
        return (*single, *scores, *embeddings)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the log that it names."""
        return tuple(name for _, name in self.named)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The numeric features of a request: columns of the log, and those that are computed, whose names end in `_`."""
        plain = (self.tokens_in, self.tokens_out, self.cost, self.first_token, self.total, self.retries, self.retrieved)
        computed = (
            DOLLARS if self.prices and not self.cost else None,
            PROMPT_CHARACTERS if self.prompt else None,
            CHARACTERS if self.response else None,
        )
        projections = (name for one in self.embeddings for name in one.names)
        return (*(name for name in (*plain, *computed) if name), *self.scores, *projections)

    @property
    def categorical(self) -> tuple[str, ...]:
        """The categorical features of a request: columns of the log, and those that are computed, whose names end in `_`."""
        detected = LANGUAGE if self.response and self.detect_language else None
        asked = PROMPT_LANGUAGE if self.prompt and self.detect_language else None
        plain = (self.finish_reason, self.status, asked, self.language or detected)
        return (*(name for name in plain if name), *self.flags)

    @property
    def flags(self) -> tuple[str, ...]:
        """The features that say whether something is wrong with a request."""
        there = {
            FAILED: self.status,
            REFUSED: self.refused or (self.finish_reason and self.refused_by) or self.refusal_phrases,
            TRUNCATED: self.finish_reason,
            EMPTY: self.response,
            INVALID: self.json_schema,
            PII: self.response and self.pii,
            EMPTY_CONTEXT: self.retrieved,
            HIT: self.retrieval_hit,
        }
        return tuple(name for name, given in there.items() if given)


DOLLARS, PROMPT_CHARACTERS, CHARACTERS = "dollars_", "prompt_characters_", "response_characters_"
PROMPT_LANGUAGE, LANGUAGE = "prompt_language_", "language_"
FAILED, REFUSED, TRUNCATED, EMPTY, INVALID = "failed_", "refused_", "truncated_", "empty_", "invalid_format_"
PII, EMPTY_CONTEXT, HIT = "pii_", "empty_context_", "retrieval_hit_"
"""The features that are computed from a request."""


@validator(Generation, "scores", "embeddings")
def _every_column_is_there_once(generation: Generation) -> Faults:
    keys: dict[str, str] = {}
    for key, name in generation.named:
        # BigQuery does not tell columns apart by their case
        if (other := keys.setdefault(name.lower(), key)) != key:
            yield Fault(key, f"must be another column than that of every other key, {other} has it", name)
        if name.endswith("_"):
            yield Fault(key, "must not end in _, as computed features do", name)
    if not generation.columns:
        yield Fault("response", "must be given, or another column", None)


@validator(Generation, "limits")
def _limits_are_of_its_shares(generation: Generation) -> Faults:
    for name, limit in generation.limits.items():
        if limit > measures.MEASURES[name].bounds[1]:
            yield Fault(f"limits.{name}", "must be a number from 0 to 1", limit)

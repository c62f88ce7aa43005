"""Requests to a language model that never were, from a seeded generator: texts are sentences of the documentation of Python.

Tokens, latency, reasons and embeddings follow distributions as they are reported of such services (log-normal times and lengths); no
model wrote any of it.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pydoc_data.topics import topics
from typing import Any

import numpy as np

from core.events import stamp
from core.settings import Embedding, Generation, Model, Prices, Reference, Task
from core.settings.declare import derive
from tests.support.builders.flights import DAY

DIMENSIONS = 32
TABLE = "telemetry.generations"
COLUMNS = {
    "request_id": "STRING",
    "model": "STRING",
    "requested_at": "TIMESTAMP",
    "tokens_in": "INT64",
    "tokens_out": "INT64",
    "first_token_seconds": "FLOAT64",
    "total_seconds": "FLOAT64",
    "status": "INT64",
    "finish_reason": "STRING",
    "retries": "INT64",
    "documents": "INT64",
    "prompt": "STRING",
    "response": "STRING",
    "helpfulness": "FLOAT64",
}
TYPES = COLUMNS | {"prompt_embedding": "ARRAY<FLOAT64>"}
"""All columns of the log."""
GERMAN = (
    "Der Artikel ist auf Lager und wird mit der Post zu Ihnen geschickt.",
    "Das ist eine der besten, die wir für das Haus und die Küche haben.",
    "Sie können die Bestellung auch mit der Karte bezahlen, wenn Sie es wünschen.",
)
LOG = Generation(
    prompt="prompt",
    response="response",
    tokens_in="tokens_in",
    tokens_out="tokens_out",
    prices=Prices(tokens_in=0.5, tokens_out=1.5),
    first_token="first_token_seconds",
    total="total_seconds",
    status="status",
    finish_reason="finish_reason",
    retries="retries",
    retrieved="documents",
    json_schema=json.dumps(
        {
            "type": "object",
            "required": ["answer"],
            "properties": {"answer": {"type": "string"}, "stars": {"type": "integer"}},
        }
    ),
    scores=("helpfulness",),
    embeddings=(Embedding(column="prompt_embedding", dimensions=DIMENSIONS, projections=6),),
)
_FEWEST_BLANKS = 8
Row = dict[str, Any]


@cache
def sentences() -> Sequence[str]:
    """Sentences of English, of 60 to 300 letters."""
    prose = " ".join(" ".join(text.split()) for text in topics.values())
    return [one for one in re.findall(r"[A-Z][^.:*`|=<>]{60,300}\.", prose) if one.count(" ") >= _FEWEST_BLANKS]


def model(log: Generation = LOG, **other: Any) -> Model:
    """A model of that log, as its settings make it."""
    plain: dict[str, Any] = {
        "name": "chat",
        "owner": "ml-platform",
        "table": TABLE,
        "timestamp": "requested_at",
        "id": "request_id",
        "reference": Reference(days=10),
        "window": DAY,
        "minimum_rows": 100,
        "task": Task.GENERATIVE,
        "generation": log,
    }
    return derive(Model(**plain | other))


def requests(
    count: int,
    end: datetime,
    *,
    seed: int,
    span: timedelta = DAY,
    slower: float = 1.0,
    refused: float = 0.01,
    failed: float = 0.01,
    longest: int = 2000,
    german: float = 0.0,
    asked_in_german: float = 0.0,
    leaked: float = 0.0,
    broken: float = 0.01,
    unfound: float = 0.05,
    topic: float = 0.0,
) -> list[Row]:
    """Requests spread evenly over the `span` before `end`.

    Args:
        count: how many.
        end: just after the last.
        seed: of the generator.
        span: from the first on.
        slower: a factor of every time.
        refused: share that is refused.
        failed: share that fails.
        longest: the maximum of tokens out, at which a response is cut off.
        german: share of responses in German, else English.
        asked_in_german: share of prompts in German, else English.
        leaked: share of responses with an e-mail address.
        broken: share of responses that lack their answer.
        unfound: share for which no document is retrieved.
        topic: how far the embeddings of prompts have moved, in standard deviations of a dimension, along one direction.
    """
    rng = np.random.default_rng(seed)
    wished = rng.lognormal(5.0, 0.8, count)
    first = rng.lognormal(-1.0, 0.4, count) * slower
    uniform = rng.random((7, count))
    direction = np.random.default_rng(7).choice([-1.0, 1.0], DIMENSIONS)
    embeddings = rng.normal(size=(count, DIMENSIONS)) + topic * direction
    rows = []
    for n in range(count):
        tokens = int(min(max(wished[n], 4), longest))
        reason = "SAFETY" if uniform[0, n] < refused else "length" if wished[n] > longest else "stop"
        text = _said(rng, german=bool(uniform[1, n] < german))
        if uniform[2, n] < leaked:
            text += f" anna.{n}@example.org"
        answer = {"text" if uniform[3, n] < broken else "answer": text, "stars": int(rng.integers(1, 6))}
        rows.append(
            {
                "request_id": f"{seed}-{n}",
                "model": "chat",
                "requested_at": stamp(end - span + span * n / count),
                "tokens_in": int(rng.lognormal(6.0, 0.5)),
                "tokens_out": tokens,
                "first_token_seconds": round(float(first[n]), 4),
                "total_seconds": round(float(first[n] + slower * tokens * 0.01 * rng.lognormal(0, 0.2)), 4),
                "status": 500 if uniform[4, n] < failed else 200,
                "finish_reason": reason,
                "retries": int(rng.poisson(0.05)),
                "documents": 0 if uniform[5, n] < unfound else int(rng.integers(1, 6)),
                "prompt": _said(rng, german=bool(uniform[6, n] < asked_in_german)),
                "response": json.dumps(answer),
                "helpfulness": round(float(rng.normal(4.0, 0.7)), 3),
                "prompt_embedding": embeddings[n].round(5).tolist(),
            }
        )
    return rows


def _said(rng: np.random.Generator, *, german: bool) -> str:
    """Two sentences."""
    some = GERMAN if german else sentences()
    return " ".join(some[int(place)] for place in rng.integers(0, len(some), 2))

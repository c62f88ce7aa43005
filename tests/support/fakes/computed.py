"""The computed columns of `builders/generations.py` in memory: what its seeded requests say, not what any text would.

`tests/contract/test_drift_ports.py` holds them to the values that BigQuery computes of the same requests.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from core.generative import language
from core.generative.pii import CLEAN
from core.generative.projections import project
from core.settings.generation import (
    CHARACTERS,
    DOLLARS,
    EMPTY,
    EMPTY_CONTEXT,
    FAILED,
    INVALID,
    LANGUAGE,
    PII,
    PROMPT_CHARACTERS,
    PROMPT_LANGUAGE,
    REFUSED,
    TRUNCATED,
)
from functions.adapters.ports import Data
from tests.support.builders.generations import LOG

_SPOKEN = {
    word: [code for code, listed in language._WORDS.items() if word in listed.split()]
    for word in " ".join(language._WORDS.values()).split()
}
_WRITTEN = {
    letter: [code for code, listed in language._LETTERS.items() if letter in listed]
    for letter in "".join(language._LETTERS.values())
}
"""The languages that have a word, and a letter."""
_LEAST = 2
_OF_ROW: Mapping[str, Callable[[Data], object]] = {
    DOLLARS: lambda row: (0.5 * row["tokens_in"] + 1.5 * row["tokens_out"]) / 1e6,
    PROMPT_CHARACTERS: lambda row: len(row["prompt"]),
    CHARACTERS: lambda row: len(row["response"]),
    PROMPT_LANGUAGE: lambda row: _language(row["prompt"]),
    LANGUAGE: lambda row: _language(row["response"]),
    FAILED: lambda row: row["status"] != 200,
    REFUSED: lambda row: row["finish_reason"] == "SAFETY",
    TRUNCATED: lambda row: row["finish_reason"] == "length",
    EMPTY: lambda row: row["response"].strip() == "",
    INVALID: lambda row: bool(row["response"].strip()) and "answer" not in json.loads(row["response"]),
    PII: lambda row: "email" if "@example.org" in row["response"] else CLEAN,
    EMPTY_CONTEXT: lambda row: row["documents"] == 0,
}


def compute(name: str, rows: Sequence[Data]) -> list[Any]:
    """A computed column of the requests."""
    if name in _OF_ROW:
        return [*map(_OF_ROW[name], rows)]
    [(embedding, number)] = [
        (one, number) for one in LOG.embeddings for number, own in enumerate(one.names, 1) if own == name
    ]
    vectors = np.array([row[embedding.column] for row in rows], dtype=float).reshape(-1, embedding.dimensions)
    return project(vectors, number).tolist()  # type: ignore[no-any-return]


@cache
def _language(text: str) -> str:
    """By words and letters alone: no request is in another script than the Latin one."""
    read = text[:1000].lower()
    seen = [code for word in re.findall(r"[^\W\d_]+", read) for code in _SPOKEN.get(word, ())]
    if not read.isascii():
        seen += [code for letter in read for code in _WRITTEN.get(letter, ())]
    count, code = max(((count, code) for code, count in Counter(seen).items()), default=(0, ""))
    return code if count >= _LEAST else language.UNKNOWN

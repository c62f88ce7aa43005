"""Which rows of a file its table has with other values."""

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from functions.cli.watch import corrections


def test_a_fraction_that_became_a_whole_number_is_a_correction(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = pa.table({"row_id": ["a", "b"], "amount": [2.5, 3.0]})
    answer = SimpleNamespace(to_arrow=lambda **_: stored)
    monkeypatch.setattr(corrections, "run", lambda *_: answer)
    client: Any = None
    rows = pa.table({"row_id": ["a", "b"], "amount": [2, 3]})
    assert corrections.corrected(client, "data.table", rows)["row_id"].to_pylist() == ["a"]

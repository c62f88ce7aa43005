"""No false all-clear, whatever is delivered, repeated or commanded, wherever programs are killed and the store fails."""

import pytest

from core.incidents import outbox
from tests.support.builders.budget import examples
from tests.support.crash.all_clear import lasting, told


def test_nobody_is_told_that_it_is_over_while_a_source_says_that_it_fires() -> None:
    for seed in range(examples(3000)):
        history = told(seed)
        assert history.false == [], f"history {seed}"
        assert lasting(history) == [], f"history {seed}"


def test_the_histories_find_a_resolution_that_is_sent_after_it_fires_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_outdated", lambda *_: frozenset())
    assert told(2438).false

"""No alert of a pager is given up for nothing, whatever is merged, taken out, regrouped, owned and killed."""

import pytest

from core.incidents.model import Incident
from tests.support.builders.budget import examples
from tests.support.crash.pager import shown


def test_a_pager_shows_what_is_so() -> None:
    for seed in range(examples(400)):
        assert shown(seed).false == [], f"history {seed}"


def test_the_histories_find_an_alert_that_is_given_up_for_one_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forgets(incident: Incident, _: object) -> Incident:
        return incident

    monkeypatch.setattr("core.incidents.fold.with_channels", forgets)
    monkeypatch.setattr("core.incidents.merging.with_channels", forgets)
    assert any(shown(seed).false for seed in range(20))

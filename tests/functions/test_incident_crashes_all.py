"""Router, sweep and action runner are killed again and again while people say things: nothing is lost or done twice."""

from collections import Counter

from tests.support.crashes import tell

STORIES = 1000


def test_killed_anywhere_with_sweeps_commands_and_actions_in_the_mix() -> None:
    counts: Counter[str] = Counter()
    for seed in range(STORIES):
        outcome = tell(seed)
        assert (outcome.lost, outcome.doubled) == ((), ()), f"seed {seed}"
        counts.update(
            kills=outcome.kills,
            repeated=outcome.repeated,
            applied=outcome.applied,
            reapplied=outcome.reapplied,
        )
    assert counts["kills"] > STORIES, "too few kills to show anything"
    assert counts["repeated"] > 0, "no kill between an effect and its confirmation was tried"
    assert counts["reapplied"] > 0, "no kill between an action and its confirmation was tried"
    assert counts["applied"] > STORIES, "too few actions to show anything"
